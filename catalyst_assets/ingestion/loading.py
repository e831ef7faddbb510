"""Validated records into PostgreSQL: COPY into a staging table, then one merge; twice is the same as once.

What is the same already is not touched. Answers of a validator go through its role into the table that
only this role can read.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from catalyst_assets.ingestion.crystals import Crystal
from catalyst_assets.ingestion.raw_cache import RawFile
from catalyst_assets.ingestion.records import Record, Rejection
from resources.postgres import Role, copy_rows, execute, fetch_all

if TYPE_CHECKING:
    from resources.postgres import Database

_MATERIAL_COLUMNS = (
    "material_id",
    "source_id",
    "reduced_formula",
    "chemical_system",
    "elements",
    "n_sites",
    "structure_json",
    "structure_hash",
    "properties",
)
_VALUE_COLUMNS = ("material_id", "property", "method", "value", "unit")


@dataclass(frozen=True)
class LoadCounts:
    """What became of the rows of a file or shard."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    quarantined: int = 0

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
        )


def load_records(
    database: "Database",
    raw: RawFile,
    accepted: Sequence[tuple[Record, Crystal]],
    rejected: Sequence[Rejection],
) -> LoadCounts:
    """Write records of one raw file, each named once, and quarantine what was refused.

    Materials and quarantine are one transaction; answers follow in one of their own, so that a load that
    was cut off between them is mended by loading again.
    """
    with database.transaction() as connection:
        execute(connection, "ingestion/stage_materials")
        rows = (_material_row(record, crystal, raw) for record, crystal in accepted)
        copy_rows(connection, "staged_materials", _MATERIAL_COLUMNS, rows)
        execute(connection, "ingestion/drop_outdated", source=raw.source, retrieved_at=raw.fetched_at)
        merged = fetch_all(connection, "ingestion/merge_materials", source=raw.source)
        execute(
            connection,
            "ingestion/merge_material_sources",
            source=raw.source,
            raw_sha256=raw.sha256,
            licence=raw.licence,
            retrieved_at=raw.fetched_at,
        )
        _quarantine(connection, raw, [record.place for record, _ in accepted], rejected)
    new = {row["material_id"] for row in merged if row["is_new"]}
    changed = {row["material_id"] for row in merged} - new
    if raw.answers:
        changed |= _load_answers(database, raw, [record for record, _ in accepted]) - new
    unchanged = len(accepted) - len(new) - len(changed)
    return LoadCounts(len(new), len(changed), unchanged, len(rejected))


def _material_row(record: Record, crystal: Crystal, raw: RawFile) -> tuple[Any, ...]:
    return (
        record.material_id,
        record.source_id,
        crystal.reduced_formula,
        crystal.chemical_system,
        crystal.elements,
        crystal.n_sites,
        crystal.structure_json,
        crystal.structure_hash,
        {} if raw.answers else _properties(record),
    )


def _properties(record: Record) -> dict[str, list[dict[str, Any]]]:
    properties: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for value in record.values:
        entry = {
            "value": value.value,
            "unit": value.unit,
            "method": value.method,
            "source": record.source,
        }
        properties[value.property].append(entry)
    return dict(properties)


def _quarantine(connection: Any, raw: RawFile, passed: Sequence[str], rejected: Sequence[Rejection]) -> None:
    execute(connection, "ingestion/stage_quarantine")
    copy_rows(
        connection,
        "staged_quarantine",
        ("record", "reason", "payload"),
        ((rejection.place, rejection.reason, dict(rejection.payload)) for rejection in rejected),
    )
    places = [*passed, *(rejection.place for rejection in rejected)]
    file = {"source": raw.source, "raw_sha256": raw.sha256}
    execute(connection, "ingestion/release_quarantine", places=places, **file)
    execute(connection, "ingestion/merge_quarantine", **file)


def _load_answers(database: "Database", raw: RawFile, records: Sequence[Record]) -> set[str]:
    with database.transaction(Role.VALIDATOR) as connection:
        execute(connection, "ingestion/stage_reference_values")
        rows = (
            (record.material_id, value.property, value.method, value.value, value.unit)
            for record in records
            for value in record.values
        )
        copy_rows(connection, "staged_reference_values", _VALUE_COLUMNS, rows)
        written = fetch_all(
            connection, "ingestion/merge_reference_values", source=raw.source, raw_sha256=raw.sha256
        )
    return {row["material_id"] for row in written}
