"""The campaign of a chaos run, small so that its iterations take seconds, and how two installations are compared."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from catalyst_assets.campaigns.model import Campaign

if TYPE_CHECKING:
    from resources.postgres.database import Database

# 40 of the 255 shipped compounds.
_ELEMENTS: Final = ("O", "Ba", "Ca", "La", "Sr", "Al", "Ga", "Ge", "Hf", "In", "Nb", "Sc", "Ta", "Ti", "Zr")
_INITIAL_BATCH: Final = 8
MOST_ITERATIONS: Final = 40 - _INITIAL_BATCH


def chaos_campaign(iterations: int) -> Campaign:
    """Return a campaign of so many iterations, a candidate in each, that nobody reviews."""
    return Campaign.model_validate(
        {
            "name": "chaos",
            "pool": {"source": "perovskite_pbe", "only_elements": _ELEMENTS},
            "criteria": [{"property": "formation_energy_per_atom", "max": -2.0}],
            "method": "PBE",
            "acquisition": {"strategy": "probability_of_feasibility", "batch_size": 1},
            "initial_batch": _INITIAL_BATCH,
            "test_fraction": 0.0,
            "validator": "reference_table",
            "review": "automatic",
            "stop": {"max_iterations": iterations},
        }
    )


def final_state(home: Path) -> dict[str, list[str]]:
    """Return everything that the loop of an installation left behind, as `state_of` does.

    Raises
    ------
    CatalystError
        Its database cannot be opened.
    """
    from resources.postgres.connection import connect
    from resources.settings import load_settings

    with connect(load_settings(home=home)) as database:
        return state_of(database)


def state_of(database: "Database") -> dict[str, list[str]]:
    """Return everything that a loop left behind in a database, by what it is about.

    Identities, clocks and ids of runs are left out, so that two installations that did the same have the same rows.
    """
    from resources.postgres.database import Role, fetch_all

    parts: dict[str, list[str]] = {}
    with database.transaction(Role.OWNER) as connection:
        for found in fetch_all(connection, "bench/chaos/final_state"):
            parts.setdefault(found["part"], []).append(found["row"])
    return parts
