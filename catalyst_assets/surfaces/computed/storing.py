"""What was computed of materials into PostgreSQL: all of one material in one transaction, in the place of what was there.

A potential has one set of rows of a material and an adsorbate by the default settings, and one by each others that it was
asked with; those of a structure that the material had before give way. What has no energy goes to quarantine under the potential's name.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.ingestion.adsorption.records import COMPUTED
from catalyst_assets.surfaces.anomalies import Anomaly
from resources.postgres.database import execute, execute_many, fetch_all, fetch_one, storable

if TYPE_CHECKING:
    from catalyst_assets.surfaces.computed.outcomes import Outcome, State
    from resources.postgres.database import Database

QUARANTINE_SOURCE: Final = "adsorption"
# OC20's numbers, and two more.
NUMBERS: Final[Mapping[Anomaly, int]] = {
    "dissociated": 1,
    "desorbed": 2,
    "surface_changed": 3,
    "not_converged": 5,
    "intercalated": 6,
}


@dataclass(frozen=True)
class Computation:
    """By what energies were computed.

    Attributes
    ----------
    method
        The potential.
    settings_sha256
        Hash of its recipe.
    licence
        The potential's.
    by_default
        Whether these are the default settings: only then energies are labels, and those by earlier defaults give way.
    """

    method: str
    settings_sha256: str
    licence: str
    by_default: bool = True

    @property
    def name(self) -> str:
        """What its rows are called by: the potential, and the settings where they are not the default."""
        return self.method if self.by_default else f"{self.method} {self.settings_sha256[:12]}"


@dataclass(frozen=True)
class Account:
    """What potentials have computed.

    Attributes
    ----------
    outcomes
        Of an adsorbate on a material each.
    without_energy
        How many of these have no sound state.
    contradicted
        How many have other rows than they say.
    """

    states: int
    anomalies: int
    outcomes: int
    without_energy: int
    contradicted: int


def store_outcome(
    database: "Database",
    computation: Computation,
    material_id: str,
    structure_hash: str,
    adsorbates: Sequence[str],
    outcome: "Outcome",
) -> None:
    """Put what came of a material in the place of what was there; of one that is gone or another now nothing is kept."""
    about = {
        "method": computation.method,
        "material_id": material_id,
        "structure_hash": structure_hash,
        "settings_sha256": computation.settings_sha256,
        "by_default": computation.by_default,
    }
    named = about | {"name": computation.name}
    with database.transaction() as connection:
        fetch_all(connection, "surfaces/lock_material", material_id=material_id)
        row = fetch_one(connection, "surfaces/structure_hash", material_id=material_id)
        if row is None or row["structure_hash"] != structure_hash:
            return
        concerned = list(adsorbates)
        execute(connection, "surfaces/forget_energies", source=COMPUTED, adsorbates=concerned, **about)
        execute(connection, "surfaces/forget_outcomes", adsorbates=concerned, **about)
        execute(
            connection,
            "surfaces/forget_refusals",
            source=QUARANTINE_SOURCE,
            adsorbates=concerned,
            material_id=material_id,
            name=computation.name,
        )
        licence = {"source": COMPUTED, "licence": computation.licence}
        states = [named | licence | _row(state, named) for state in outcome.states]
        execute_many(connection, "surfaces/keep_energy", states)
        execute_many(connection, "surfaces/keep_outcome", [named | _count(outcome, a) for a in adsorbates])
        execute_many(connection, "representation/quarantine", _quarantined(outcome, named))


def measure_account(database: "Database") -> Account:
    """Count what potentials have computed."""
    with database.transaction() as connection:
        (row,) = fetch_all(connection, "surfaces/account", source=COMPUTED)
    return Account(**row)


def count_anomalies(database: "Database", method: str) -> dict[str, int]:
    """Return how many states ended how by a potential; ``sound`` are those without anomaly."""
    with database.transaction() as connection:
        rows = fetch_all(connection, "surfaces/anomalies", source=COMPUTED, method=method)
    return {row["kind"]: row["n"] for row in rows}


def _row(state: "State", named: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "system_id": f"{named['name']} {named['material_id']}/{state.name}",
        "adsorbate": state.adsorbate,
        "energy_ev": state.energy_ev,
        "reference_energy_ev": state.reference_energy_ev,
        "bulk_formula": state.formula,
        "miller_index": list(state.facet),
        "shift": state.shift,
        "top": state.top,
        "adsorption_site": json.dumps([state.binding]),
        "anomaly": 0 if state.anomaly is None else NUMBERS[state.anomaly],
        "termination": state.termination,
        "site": state.site,
        "ended_at": state.ended_at,
        "reference_set": state.references,
        "steps": state.steps,
        "largest_force": state.largest_force,
    }


def _count(outcome: "Outcome", adsorbate: str) -> dict[str, Any]:
    own = outcome.of(adsorbate)
    return {
        "adsorbate": adsorbate,
        "states": len(own.states),
        "anomalies": sum(state.anomaly is not None for state in own.states),
        "refused": len(own.refused),
        "reason": storable(outcome.explain(adsorbate)),
    }


def _quarantined(outcome: "Outcome", named: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "source": QUARANTINE_SOURCE,
            "record": "/".join(part for part in (named["material_id"], each.name) if part),
            "raw_sha256": named["name"],
            "reason": storable(each.reason),
            "payload": json.dumps(
                {
                    "material_id": named["material_id"],
                    "adsorbate": each.adsorbate,
                    "settings_sha256": named["settings_sha256"],
                }
            ),
        }
        for each in outcome.refused
    ]
