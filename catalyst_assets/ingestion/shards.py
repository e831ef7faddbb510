"""How raw files become materials in shards: plan what is pending, load each shard, settle the files.

Plain functions that hand each other JSON values, so that any host can take the next step. A file stays
pending until all of its shards were loaded; loading one again changes nothing.
"""

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.errors import CatalystError
from catalyst_assets.ingestion.adsorption.loading import load_adsorption
from catalyst_assets.ingestion.adsorption.records import AdsorptionParser
from catalyst_assets.ingestion.loading import LoadCounts, Prepared, is_there, load_rows
from catalyst_assets.ingestion.parsing import parse_rows
from catalyst_assets.ingestion.progress import report
from catalyst_assets.ingestion.raw_cache import (
    RawFile,
    current_files,
    find_raw_file,
    mark,
    mark_counted,
    open_raw,
)
from catalyst_assets.ingestion.reading.tables import shown
from catalyst_assets.ingestion.sources.parsers import PARSERS, PARSERS_OF
from catalyst_assets.sharding import shard_bounds
from resources.postgres.database import execute, fetch_all

if TYPE_CHECKING:
    from resources.object_store import ObjectStore
    from resources.postgres.database import Database
    from resources.settings import Settings

Shard = dict[str, Any]
# So many rows are parsed while one structure is embedded.
_ROWS_AN_EMBEDDING: Final = 32

Timed = Callable[[str], AbstractContextManager[None]]


@dataclass(frozen=True)
class Settled:
    """What a whole load came to, before anything is derived from it.

    Attributes
    ----------
    new, changed, unchanged
        Records that this load added, altered and left as they were; together all that stand.
    quarantined
        Rows of the files read now that were refused.
    deprecated
        Materials that the newest file of their source no longer names.
    files, unreadable_files
        Files that were read now, and those that stand as failed.
    sha256
        Hash of what the sources say.
    adsorption_new, adsorption_changed, adsorption_unchanged
        Adsorption energies, and systems of such, that the files read now gave.
    """

    new: int
    changed: int
    unchanged: int
    quarantined: int
    deprecated: int
    files: int
    unreadable_files: int
    sha256: str
    adsorption_new: int
    adsorption_changed: int
    adsorption_unchanged: int

    @property
    def records(self) -> int:
        """All records of crystals that stand."""
        return self.new + self.changed + self.unchanged


def plan_shards(
    database: "Database",
    objects: "ObjectStore",
    settings: "Settings",
    *,
    reparse: bool = False,
    source: str = "",
) -> list[Shard]:
    """Cut every pending file into shards; mark as failed what cannot be read as its source says, or is gone.

    Parameters
    ----------
    reparse
        Take all current files, whatever became of them before.
    source
        Take these of one source only, such as ``aflow``; pending ones are taken of all.

    Returns
    -------
    list of dict
        ``raw_file_id``, ``start``, ``stop`` and ``duplicates``, pairs of a row and the earlier one.
    """
    shards: list[Shard] = []
    for raw in current_files(database):
        again = reparse and (not source or PARSERS.get(raw.kind) in PARSERS_OF[source])
        if raw.parse_status != "pending" and not again:
            continue
        try:
            with open_raw(objects, raw.sha256) as file:
                contents = PARSERS[raw.kind].survey(raw, file)
        # Whatever is in a file, and whatever its reader makes of it, the other files are not to wait for it.
        except Exception as error:
            mark(database, raw.raw_file_id, "failed", _explain(raw, error))
            continue
        mark_counted(database, raw.raw_file_id, contents.accountable)
        # An empty file makes a shard too: it must be settled like the others.
        for start, stop in shard_bounds(contents.rows, settings, _ROWS_AN_EMBEDDING) or [(0, 0)]:
            duplicates = [pair for pair in contents.duplicates.items() if start <= pair[0] < stop]
            shards.append(
                {"raw_file_id": raw.raw_file_id, "start": start, "stop": stop, "duplicates": duplicates}
            )
    report("loading rows", 0, sum(shard["stop"] - shard["start"] for shard in shards))
    return shards


def batch_shards(shards: Sequence[Shard], settings: "Settings") -> list[list[Shard]]:
    """Put small shards together, in order: a step costs more than the few rows of a page."""
    rows = sum(shard["stop"] - shard["start"] for shard in shards)
    wanted = max(settings.shard_size * _ROWS_AN_EMBEDDING, -(-rows // settings.max_shards))
    batches: list[list[Shard]] = []
    held = 0
    for shard in shards:
        if not batches or held + shard["stop"] - shard["start"] > wanted:
            batches.append([])
            held = 0
        batches[-1].append(shard)
        held += max(1, shard["stop"] - shard["start"])
    return batches


def load_shard(
    database: "Database",
    objects: "ObjectStore",
    shard: Mapping[str, Any],
    processes: int = 1,
    timed: Timed = lambda stage: nullcontext(),
) -> LoadCounts:
    """Parse, check and load one shard; loading it again changes nothing.

    A file that cannot be read to its end gives the rows before that, and the reason in ``failure``.

    Parameters
    ----------
    processes
        How many may parse at once.
    timed
        Entered for every chunk while it is waited for (``parse``), and while it is written (``load``); rows are
        written while the next ones are parsed.
    """
    try:
        raw = find_raw_file(database, shard["raw_file_id"])
    except KeyError:  # dropped since the shards were planned
        return LoadCounts()
    parsed = parse_rows(
        objects, raw, shard["start"], shard["stop"], dict(shard["duplicates"]), processes=processes
    )

    def write(rows: Prepared) -> LoadCounts:
        with timed("load"):
            is_adsorption = isinstance(PARSERS[raw.kind], AdsorptionParser)
            return (load_adsorption if is_adsorption else load_rows)(database, raw, rows)

    counts = LoadCounts()
    with ThreadPoolExecutor(max_workers=1) as writer:
        writing: deque[Future[LoadCounts]] = deque()
        while True:
            with timed("parse"):
                try:
                    rows = next(parsed, None)
                except Exception as error:
                    rows, counts = None, counts + LoadCounts(failure=_explain(raw, error))
            # One chunk waits at most: parsing must not run ahead of the database.
            while writing and (rows is None or len(writing) > 1):
                counts += writing.popleft().result()
            if rows is None:
                return counts
            report("loading rows", len(rows.passed) + len(rows.refused))
            writing.append(writer.submit(write, rows))


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
    deprecated = 0
    loads, adsorption = LoadCounts(), LoadCounts()
    # The last word of a source stands, also when its earlier ones are read again.
    files = []
    for raw_file_id in by_file:
        with suppress(KeyError):  # dropped since its shards were loaded
            files.append(find_raw_file(database, raw_file_id))
    for raw in sorted(files, key=lambda raw: (raw.fetched_at, raw.raw_file_id)):
        counts = by_file[raw.raw_file_id]
        if isinstance(PARSERS[raw.kind], AdsorptionParser):
            adsorption += counts
        else:
            loads += counts
        note = f"{counts.loaded} loaded, {counts.quarantined} quarantined"
        if counts.failure:
            mark(database, raw.raw_file_id, "failed", f"{counts.failure} Before that: {note}.")
            continue
        deprecated += _retire(database, objects, raw)
        mark(database, raw.raw_file_id, "parsed", note)
    with database.transaction() as connection:
        totals = fetch_all(connection, "ingestion/material_totals")
    content = [[row["source"], str(row["own"])] for row in totals]
    return Settled(
        new=loads.new,
        changed=loads.changed,
        # Of what one file brings and another changes, the same load says both.
        unchanged=max(0, sum(row["records"] for row in totals) - loads.new - loads.changed),
        quarantined=loads.quarantined + adsorption.quarantined,
        deprecated=deprecated,
        files=len(by_file),
        unreadable_files=sum(raw.parse_status == "failed" for raw in current_files(database)),
        sha256=hashlib.sha256(json.dumps(content).encode()).hexdigest(),
        adsorption_new=adsorption.new,
        adsorption_changed=adsorption.changed,
        adsorption_unchanged=adsorption.unchanged,
    )


def _explain(raw: RawFile, error: Exception) -> str:
    """Return why a file cannot be read, and what can be done about it."""
    if isinstance(error, CatalystError):
        return str(error)
    return (
        f"{raw.url} cannot be read ({type(error).__name__}: {shown(str(error))}). "
        f"Mend it and ingest it again, or take it away with `catalyst ingest drop {raw.raw_file_id}`."
    )


def _retire(database: "Database", objects: "ObjectStore", raw: RawFile) -> int:
    """Retire what a file of a source says is gone, and nothing that it lists; return how many that were."""
    parser = PARSERS[raw.kind]
    with database.transaction() as connection:
        fetch_all(connection, "ingestion/lock_materials")
        if not is_there(connection, raw):
            return 0
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
                contents = parser.survey(raw, file)
            listed = {
                "source": raw.source,
                "listed_at": raw.fetched_at,
                "standing": sorted(contents.standing or ()),
            }
            execute(connection, "ingestion/restore_listed", **listed)
            scope = {name: list(value) for name, value in asdict(contents.scope).items()}
            return execute(connection, "ingestion/deprecate_unlisted", **listed, **scope)
    return 0
