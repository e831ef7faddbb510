"""Between database and potential: computing the adsorption energies of some materials, and keeping what came of them."""

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.constants import NO_STRUCTURE
from catalyst_assets.documents import hash_document
from catalyst_assets.surfaces.computed.choosing import waiting
from catalyst_assets.surfaces.computed.outcomes import Outcome, compute_outcomes
from catalyst_assets.surfaces.computed.recipe import read_settings
from catalyst_assets.surfaces.computed.storing import Computation, store_outcome
from resources.postgres.database import fetch_all

if TYPE_CHECKING:
    from catalyst_assets.potentials.interface import Potential
    from resources.postgres.database import Database

# Crystals that are relaxed together, and lost together where the step is killed.
_AT_ONCE: Final = 4


def adsorb_shard(database: "Database", potential: "Potential", shard: Mapping[str, Any]) -> dict[str, int]:
    """Compute and store what some materials lack; what another run has done meanwhile is left as it is.

    Parameters
    ----------
    shard
        One of :func:`planning.plan_adsorption`.

    Returns
    -------
    dict
        How many materials were ``computed`` or ``known``, how many energies have ``states``, ``anomalies`` or were
        ``refused``.

    Raises
    ------
    CatalystError
        The potential cannot start, or has no energy of a gas reference.
    """
    from pymatgen.core.structure import Structure

    recipe, adsorbates, materials = shard["recipe"], shard["adsorbates"], shard["materials"]
    computation = Computation(potential.method, hash_document(recipe), shard["licence"], shard["by_default"])
    with database.transaction() as connection:
        rows = waiting(
            connection,
            materials,
            adsorbates,
            computation.method,
            computation.settings_sha256,
            again=shard["again"],
        )
        lacking = {row["material_id"]: tuple(row["adsorbates"]) for row in rows}
        found = fetch_all(connection, "surfaces/structures", materials=list(lacking))
    structures = {row["material_id"]: row for row in found}
    counts: Counter[str] = Counter(known=len(materials) - len(lacking), computed=len(lacking))
    gases: dict[str, float] = {}
    for wanted in sorted(set(lacking.values())):
        alike = [name for name, adsorbates_of in lacking.items() if adsorbates_of == wanted]
        # What is stored is not lost when the step is killed.
        for start in range(0, len(alike), _AT_ONCE):
            crystals = {
                name: Structure.from_dict(structures[name]["structure_json"])
                for name in alike[start : start + _AT_ONCE]
                if structures[name]["structure_json"] is not None
            }
            bare = [name for name in alike[start : start + _AT_ONCE] if name not in crystals]
            outcomes = dict.fromkeys(bare, Outcome.refuse(NO_STRUCTURE))
            if crystals:
                outcomes |= compute_outcomes(crystals, wanted, potential, read_settings(recipe), gases)
            for name, outcome in outcomes.items():
                store_outcome(
                    database, computation, name, structures[name]["structure_hash"], wanted, outcome
                )
                counts["states"] += len(outcome.states)
                counts["anomalies"] += sum(state.anomaly is not None for state in outcome.states)
                counts["refused"] += len(outcome.refused)
    return {name: counts[name] for name in ("computed", "known", "states", "anomalies", "refused")}
