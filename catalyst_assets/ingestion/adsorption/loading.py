"""Adsorption energies and systems into PostgreSQL: COPY into a staging table, then one merge; twice is the same as once.

The newest file that says something of a state or system stands. Which energies become labels of materials is
`labels`' business.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from catalyst_assets.ingestion.adsorption.records import (
    AdsorptionEnergy,
    AdsorptionRecord,
    AdsorptionSystem,
    check_energy,
    check_system,
)
from catalyst_assets.ingestion.loading import LoadCounts, format_refusals, keep_quarantine
from catalyst_assets.ingestion.raw_cache import RawFile
from catalyst_assets.ingestion.reading.tables import shown
from catalyst_assets.ingestion.records import Rejection
from resources.postgres.database import copy_text, execute, fetch_all, format_rows

if TYPE_CHECKING:
    from resources.postgres.database import Database


@dataclass(frozen=True)
class PreparedAdsorption:
    """Checked records of one raw file as COPY reads them; see :class:`loading.PreparedRows`."""

    energies: str
    systems: str
    quarantine: str
    passed: tuple[str, ...]
    refused: tuple[str, ...]


def prepare_adsorption(
    raw: RawFile, records: Sequence[AdsorptionRecord], refused: Sequence[Rejection]
) -> PreparedAdsorption:
    """Check what a parser gave of one raw file and format it for :func:`load_adsorption`."""
    energies: list[AdsorptionEnergy] = []
    systems: list[AdsorptionSystem] = []
    rejected = list(refused)
    for record in records:
        problems = check_energy(record) if isinstance(record, AdsorptionEnergy) else check_system(record)
        if problems:
            rejected.append(Rejection.of(raw.url, record.place, shown(record.system_id), problems))
        elif isinstance(record, AdsorptionEnergy):
            energies.append(record)
        else:
            systems.append(record)
    return PreparedAdsorption(
        energies=format_rows(_row(record) for record in energies),
        systems=format_rows(_row(record) for record in systems),
        quarantine=format_refusals(rejected),
        passed=(*(record.place for record in energies), *(record.place for record in systems)),
        refused=tuple(item.place for item in rejected),
    )


def load_adsorption(database: "Database", raw: RawFile, rows: PreparedAdsorption) -> LoadCounts:
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
        new = changed = 0
        for kind, record, text in (
            ("systems", AdsorptionSystem, rows.systems),
            ("energies", AdsorptionEnergy, rows.energies),
        ):
            if not text:
                continue
            execute(connection, f"ingestion/stage_adsorption_{kind}")
            copy_text(connection, f"staged_adsorption_{kind}", _columns(record), text)
            (merged,) = fetch_all(connection, f"ingestion/merge_adsorption_{kind}", **origin)
            new, changed = new + merged["new"], changed + merged["changed"]
        keep_quarantine(connection, raw, rows.quarantine, [*rows.passed, *rows.refused])
    return LoadCounts(new, changed, len(rows.passed) - new - changed, len(rows.refused))


def _columns(record: type[AdsorptionRecord]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(record) if field.name != "place")


def _row(record: AdsorptionRecord) -> tuple[Any, ...]:
    values = {name: getattr(record, name) for name in _columns(type(record))}
    if values.get("adsorption_site") is not None:
        values["adsorption_site"] = json.dumps(values["adsorption_site"])
    return tuple(values.values())
