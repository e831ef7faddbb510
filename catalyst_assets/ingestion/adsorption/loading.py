"""Adsorption energies and systems into PostgreSQL: COPY into a staging table, then one merge; twice is the same as once.

The newest file that says something of a state or system stands. Which energies become labels of materials is
`derived.adsorption_labels`' business.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.ingestion.adsorption.records import (
    AdsorptionEnergy,
    AdsorptionRecord,
    AdsorptionSystem,
    check_energy,
    check_system,
)
from catalyst_assets.ingestion.loading import LoadCounts, Prepared, is_there, keep_quarantine, prepare, stage
from catalyst_assets.ingestion.raw_cache import RawFile
from catalyst_assets.ingestion.reading.tables import shown
from catalyst_assets.ingestion.records import Rejection
from resources.postgres.database import execute, fetch_all, format_rows

if TYPE_CHECKING:
    from resources.postgres.database import Database

# In the order of loading: an energy says what is known of its system.
_TABLES: Final[Mapping[type[AdsorptionRecord], str]] = {
    AdsorptionSystem: "adsorption_systems",
    AdsorptionEnergy: "adsorption_energies",
}


def prepare_adsorption(
    raw: RawFile, records: Sequence[AdsorptionRecord], refused: Sequence[Rejection]
) -> Prepared:
    """Check what a parser gave of one raw file and format it for :func:`load_adsorption`."""
    sound: dict[type[AdsorptionRecord], list[AdsorptionRecord]] = {record: [] for record in _TABLES}
    rejected = list(refused)
    for record in records:
        problems = check_energy(record) if isinstance(record, AdsorptionEnergy) else check_system(record)
        if problems:
            rejected.append(Rejection.of(raw.url, record.place, shown(record.system_id), problems))
        else:
            sound[type(record)].append(record)
    staged = {_TABLES[record]: format_rows(map(_row, kept)) for record, kept in sound.items()}
    return prepare(staged, [record.place for kept in sound.values() for record in kept], rejected)


def load_adsorption(database: "Database", raw: RawFile, rows: Prepared) -> LoadCounts:
    """Write prepared energies and systems of one raw file, and quarantine what was refused, at once.

    What a later file said of the same state stays.
    """
    origin = {
        "source": raw.source,
        "raw_sha256": raw.sha256,
        "licence": raw.licence,
        "retrieved_at": raw.fetched_at,
    }
    with database.transaction() as connection:
        fetch_all(connection, "ingestion/lock_source", source=raw.source)
        if not is_there(connection, raw):
            return LoadCounts()
        new = changed = 0
        for record, table in _TABLES.items():
            if text := rows.staged[table]:
                stage(connection, table, _columns(record), text)
                (merged,) = fetch_all(connection, f"ingestion/merge_{table}", **origin)
                new, changed = new + merged["new"], changed + merged["changed"]
                if record is AdsorptionSystem:
                    execute(connection, "ingestion/fill_adsorption_energies", source=raw.source)
        keep_quarantine(connection, raw, rows)
    return LoadCounts(new, changed, len(rows.passed) - new - changed, len(rows.refused))


def _columns(record: type[AdsorptionRecord]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(record) if field.name != "place")


def _row(record: AdsorptionRecord) -> tuple[Any, ...]:
    values = {name: getattr(record, name) for name in _columns(type(record))}
    if values.get("adsorption_site") is not None:
        values["adsorption_site"] = json.dumps(values["adsorption_site"])
    return tuple(values.values())
