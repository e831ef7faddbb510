"""Validated records into PostgreSQL: COPY into a staging table, then one merge; twice is the same as once.

What is the same already is not touched. Answers of a validator go through its role into the table that
only this role can read. Rows are formatted apart from being loaded, so that other processes can do it.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from catalyst_assets.ingestion.raw_cache import RawFile
from catalyst_assets.ingestion.reading.crystals import Crystal
from catalyst_assets.ingestion.records import Record, Rejection
from resources.postgres.database import Role, copy_text, execute, fetch_all, format_rows, storable

if TYPE_CHECKING:
    from resources.postgres.database import Database

_MATERIAL_COLUMNS = (
    "material_id",
    "source_id",
    "licence",
    "reduced_formula",
    "chemical_system",
    "elements",
    "n_sites",
    "structure_json",
    "structure_hash",
    "properties",
)
_VALUE_COLUMNS = ("material_id", "property", "method", "value", "unit")
_QUARANTINE_COLUMNS = ("record", "reason", "payload")


@dataclass(frozen=True)
class LoadCounts:
    """What became of the rows of a file or shard; ``failure`` is why it could not be read to its end."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    quarantined: int = 0
    failure: str = ""

    @property
    def loaded(self) -> int:
        """Rows that are in the database now."""
        return self.new + self.changed + self.unchanged

    def __add__(self, other: "LoadCounts") -> "LoadCounts":
        return LoadCounts(
            self.new + other.new,
            self.changed + other.changed,
            self.unchanged + other.unchanged,
            self.quarantined + other.quarantined,
            self.failure or other.failure,
        )


@dataclass(frozen=True)
class Prepared:
    """Checked records of one raw file as COPY reads them.

    Attributes
    ----------
    staged
        Rows of each staging table: see :func:`resources.postgres.database.format_rows`.
    quarantine
        Likewise of what was refused.
    passed, refused
        Places of the records that may be loaded, and of the others.
    """

    staged: Mapping[str, str]
    quarantine: str
    passed: tuple[str, ...]
    refused: tuple[str, ...]


def prepare_rows(
    raw: RawFile, accepted: Sequence[tuple[Record, Crystal]], rejected: Sequence[Rejection]
) -> Prepared:
    """Format records of one raw file, each named once, for :func:`load_rows`."""
    answers = (
        (record.material_id, value.property, value.method, value.value, value.unit)
        for record, _ in accepted
        for value in record.values
    )
    staged = {
        "materials": format_rows(_material_row(record, crystal, raw) for record, crystal in accepted),
        "reference_values": format_rows(answers) if raw.answers else "",
    }
    return prepare(staged, [record.place for record, _ in accepted], rejected)


def prepare(staged: Mapping[str, str], passed: Sequence[str], rejected: Sequence[Rejection]) -> Prepared:
    """Put formatted rows together with what was refused, whatever bytes the reasons quote."""
    refused = ((item.place, storable(item.reason), storable(dict(item.payload))) for item in rejected)
    return Prepared(staged, format_rows(refused), tuple(passed), tuple(item.place for item in rejected))


def stage(connection: Any, table: str, columns: Sequence[str], text: str) -> None:
    """Make a staging table of this transaction and fill it with rows that were formatted for COPY."""
    execute(connection, f"ingestion/stage_{table}")
    copy_text(connection, f"staged_{table}", columns, text)


def load_rows(database: "Database", raw: RawFile, rows: Prepared) -> LoadCounts:
    """Write prepared records of one raw file, and quarantine what was refused.

    Materials and quarantine are one transaction; answers follow in one of their own, so that a load that
    was cut off between them is mended by loading again.
    """
    with database.transaction() as connection:
        stage(connection, "materials", _MATERIAL_COLUMNS, rows.staged["materials"])
        fetch_all(connection, "ingestion/lock_source", source=raw.source)
        if not is_there(connection, raw):
            return LoadCounts()
        execute(connection, "ingestion/drop_outdated", source=raw.source, retrieved_at=raw.fetched_at)
        merged = fetch_all(connection, "ingestion/merge_materials", source=raw.source, closed=raw.answers)
        execute(
            connection,
            "ingestion/merge_material_sources",
            source=raw.source,
            raw_sha256=raw.sha256,
            retrieved_at=raw.fetched_at,
        )
        keep_quarantine(connection, raw, rows)
    new = {row["material_id"] for row in merged if row["is_new"]}
    changed = {row["material_id"] for row in merged} - new
    if raw.answers:
        changed |= _load_answers(database, raw, rows.staged["reference_values"]) - new
    unchanged = len(rows.passed) - len(new) - len(changed)
    return LoadCounts(len(new), len(changed), unchanged, len(rows.refused))


def is_there(connection: Any, raw: RawFile) -> bool:
    """Tell whether a raw file was not dropped since it was read; it is not until the transaction ends."""
    return bool(fetch_all(connection, "ingestion/is_raw_file_there", raw_file_id=raw.raw_file_id))


def _material_row(record: Record, crystal: Crystal, raw: RawFile) -> tuple[Any, ...]:
    return (
        record.material_id,
        record.source_id,
        record.licence or raw.licence,
        crystal.reduced_formula,
        crystal.chemical_system,
        crystal.elements,
        crystal.n_sites,
        None if crystal.structure_json is None else orjson.dumps(crystal.structure_json).decode(),
        crystal.structure_hash,
        "{}" if raw.answers else orjson.dumps(_properties(record)).decode(),
    )


def _properties(record: Record) -> dict[str, list[dict[str, Any]]]:
    properties: dict[str, list[dict[str, Any]]] = defaultdict(list)
    # In the order in which the merge keeps the entries of several sources.
    for value in sorted(record.values, key=lambda value: value.method):
        about = {"unit": value.unit, "method": value.method, "source": record.source}
        properties[value.property].append({"value": value.value, **about})
    return dict(properties)


def keep_quarantine(connection: Any, raw: RawFile, rows: Prepared) -> None:
    """Keep what was refused, and forget what else was refused earlier of the places of these rows."""
    stage(connection, "quarantine", _QUARANTINE_COLUMNS, rows.quarantine)
    file = {"source": raw.source, "raw_sha256": raw.sha256}
    execute(connection, "ingestion/release_quarantine", places=[*rows.passed, *rows.refused], **file)
    execute(connection, "ingestion/merge_quarantine", **file)


def _load_answers(database: "Database", raw: RawFile, answers: str) -> set[str]:
    with database.transaction(Role.VALIDATOR) as connection:
        stage(connection, "reference_values", _VALUE_COLUMNS, answers)
        written = fetch_all(
            connection, "ingestion/merge_reference_values", source=raw.source, raw_sha256=raw.sha256
        )
    return {row["material_id"] for row in written}
