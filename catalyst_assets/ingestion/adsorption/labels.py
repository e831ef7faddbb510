"""Adsorption energies as labels: properties of the bulk materials whose slabs they were computed on."""

import json
from typing import TYPE_CHECKING, Final

from catalyst_assets.ingestion.adsorption.records import METHOD
from resources.postgres.database import execute, fetch_all

if TYPE_CHECKING:
    from resources.postgres.database import Database

_SOURCE: Final = "oc20"
LABELS: Final = {adsorbate: f"adsorption_energy_{adsorbate}" for adsorbate in ("H", "O", "OH")}


def label_bulk_materials(database: "Database", *, is_new: bool = True) -> int:
    """Give each bulk material its lowest anomaly-free adsorption energies; return how many materials changed.

    Bulks that are not known wait: the next call after they came finds them. What is right already is not touched.

    Parameters
    ----------
    is_new
        Files of energies or systems were loaded since the last call: energies that came before what is known of
        their systems get it first.
    """
    with database.transaction() as connection:
        fetch_all(connection, "ingestion/lock_materials")
        if is_new:
            execute(connection, "ingestion/fill_adsorption_energies")
        changed = fetch_all(
            connection,
            "ingestion/label_adsorption_energies",
            source=_SOURCE,
            method=METHOD,
            properties=json.dumps(LABELS),
        )
    return len(changed)
