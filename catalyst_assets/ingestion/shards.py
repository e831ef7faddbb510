"""How raw files become materials in shards: plan what is pending, load each shard, settle the files.

Plain functions that hand each other JSON values, so that any host can take the next step. A file stays
pending until all of its shards were loaded; loading one again changes nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from catalyst_assets.errors import CatalystError, CorruptArtifactError
from catalyst_assets.ingestion.loading import LoadCounts, load_records
from catalyst_assets.ingestion.raw_cache import (
    RawFile,
    current_files,
    find_raw_file,
    mark_failed,
    mark_parsed,
    open_raw,
)
from catalyst_assets.ingestion.records import Record, Rejection, validate
from catalyst_assets.ingestion.sources import PARSERS
from catalyst_assets.sharding import shard_bounds
from resources.postgres import execute, fetch_all

if TYPE_CHECKING:
    from resources.object_store import ObjectStore
    from resources.postgres import Database
    from resources.settings import Settings

Shard = dict[str, Any]


@dataclass(frozen=True)
class Settled:
    """What a whole load came to.

    Attributes
    ----------
    new, changed, unchanged
        Materials that this load added, altered and left as they were; together all that stand.
    quarantined
        Rows of the files read now that were refused.
    retired
        Materials that the newest file of their source no longer names.
    files, unreadable_files
        Files that were read now, and those that stand as failed.
    sha256
        Hash of what later stages read of them.
    """

    new: int
    changed: int
    unchanged: int
    quarantined: int
    retired: int
    files: int
    unreadable_files: int
    sha256: str


def plan_shards(
    database: "Database", objects: "ObjectStore", settings: "Settings", *, reparse: bool = False
) -> list[Shard]:
    """Cut every pending file into shards; mark as failed what cannot be read as its source says.

    Parameters
    ----------
    reparse
        Take all current files, whatever became of them before.

    Returns
    -------
    list of dict
        ``raw_file_id``, ``start``, ``stop`` and ``duplicates``, pairs of a row and the earlier one.

    Raises
    ------
    CorruptArtifactError
        A cached file is not what was received.
    """
    shards = []
    for raw in current_files(database):
        if raw.parse_status != "pending" and not reparse:
            continue
        try:
            with open_raw(objects, raw.sha256) as file:
                contents = PARSERS[raw.kind].survey(raw, file)
        except CorruptArtifactError:
            raise
        except CatalystError as error:
            mark_failed(database, raw.raw_file_id, str(error))
            continue
        # An empty file makes a shard too: it must be settled like the others.
        for start, stop in shard_bounds(contents.rows, settings) or [(0, 0)]:
            duplicates = [pair for pair in contents.duplicates.items() if start <= pair[0] < stop]
            shards.append(
                {"raw_file_id": raw.raw_file_id, "start": start, "stop": stop, "duplicates": duplicates}
            )
    return shards


def load_shard(database: "Database", objects: "ObjectStore", shard: Mapping[str, Any]) -> LoadCounts:
    """Parse, check and load one shard; loading it again changes nothing.

    Raises
    ------
    CorruptArtifactError
        The cached file is not what was received.
    """
    raw = find_raw_file(database, shard["raw_file_id"])
    duplicates = dict(shard["duplicates"])
    records: list[Record] = []
    rejected: list[Rejection] = []
    with open_raw(objects, raw.sha256) as file:
        for outcome in PARSERS[raw.kind].parse(raw, file, shard["start"], shard["stop"], duplicates):
            if isinstance(outcome, Record):
                records.append(outcome)
            else:
                rejected.append(outcome)
    accepted, unphysical = validate(records)
    return load_records(database, raw, accepted, [*rejected, *unphysical])


def settle_files(
    database: "Database", objects: "ObjectStore", loaded: Iterable[tuple[int, LoadCounts]]
) -> Settled:
    """Mark files as parsed once all of their shards are loaded, and retire what their sources dropped.

    Parameters
    ----------
    loaded
        ``raw_file_id`` and counts of every shard.
    """
    by_file: dict[int, LoadCounts] = {}
    for raw_file_id, counts in loaded:
        by_file[raw_file_id] = by_file.get(raw_file_id, LoadCounts()) + counts
    retired = 0
    for raw_file_id, counts in by_file.items():
        raw = find_raw_file(database, raw_file_id)
        retired += _retire(database, objects, raw)
        mark_parsed(database, raw_file_id, f"{counts.loaded} loaded, {counts.quarantined} quarantined")
    with database.transaction() as connection:
        (content,) = fetch_all(connection, "ingestion/content_sha256")
    counts = sum(by_file.values(), LoadCounts())
    return Settled(
        new=counts.new,
        changed=counts.changed,
        unchanged=content["materials"] - counts.new - counts.changed,
        quarantined=counts.quarantined,
        retired=retired,
        files=len(by_file),
        unreadable_files=sum(raw.parse_status == "failed" for raw in current_files(database)),
        sha256=content["sha256"],
    )


def _retire(database: "Database", objects: "ObjectStore", raw: RawFile) -> int:
    """Retire what the newest file of a source says is gone; return how many materials that were."""
    parser = PARSERS[raw.kind]
    with database.transaction() as connection:
        if parser.is_snapshot:
            return execute(
                connection,
                "ingestion/deprecate_dropped",
                source=raw.source,
                raw_sha256=raw.sha256,
                retrieved_at=raw.fetched_at,
            )
        if parser.is_index:
            with open_raw(objects, raw.sha256) as file:
                standing = parser.survey(raw, file).standing or frozenset()
            return execute(
                connection, "ingestion/deprecate_unlisted", source=raw.source, standing=sorted(standing)
            )
    return 0
