"""Adsorption energies as labels: properties of the bulk materials whose slabs they were computed on, by method."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from catalyst_assets.ingestion.adsorption.records import COMPUTED
from catalyst_assets.ingestion.changes import Reader, mark_read, unread
from catalyst_assets.ingestion.progress import report
from resources.postgres.database import fetch_all

if TYPE_CHECKING:
    from resources.postgres.database import Database

_PUBLISHED: Final = "oc20"
LABELS: Final = {
    adsorbate: f"adsorption_energy_{adsorbate}" for adsorbate in ("H", "O", "OH", "OOH", "C", "CO", "N", "NH")
}
_BULKS_AT_ONCE: Final = 1000


@dataclass(frozen=True)
class Labelled:
    """What labelling came to.

    Attributes
    ----------
    changed
        Materials whose adsorption energies are others than before.
    labels
        Adsorption energies that are labels of their bulks, where these are known.
    sha256
        Of all of these.
    """

    changed: int
    labels: int
    sha256: str


def label_bulk_materials(database: "Database") -> Labelled:
    """Give bulk materials that changed, or whose energies did, their lowest anomaly-free adsorption energies.

    Bulks that are not known wait: the next call after they came finds them. What is right already is not touched.
    """
    span = unread(database, Reader.ADSORPTION_LABELS)
    about = {"published": _PUBLISHED, "computed": COMPUTED, "properties": json.dumps(LABELS)}
    with database.transaction() as connection:
        rows = fetch_all(connection, "ingestion/bulks_to_label", after=span.after, until=span.until, **about)
    bulks = [row["material_id"] for row in rows]
    changed = 0
    for start in range(0, len(bulks), _BULKS_AT_ONCE):
        chosen = bulks[start : start + _BULKS_AT_ONCE]
        with database.transaction() as connection:
            fetch_all(connection, "ingestion/lock_materials")
            changed += len(
                fetch_all(connection, "ingestion/label_adsorption_energies", materials=chosen, **about)
            )
        report("labelling bulks", len(chosen), len(bulks))
    mark_read(database, Reader.ADSORPTION_LABELS, span.until)
    with database.transaction() as connection:
        (lowest,) = fetch_all(connection, "ingestion/lowest_adsorption_energies", **about)
    return Labelled(changed, lowest["labels"], lowest["sha256"])
