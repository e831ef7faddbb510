"""Everything that is derived of loaded records, brought up to date in one process; the assets do it shard by shard."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalyst_assets.ingestion.derived.adsorption_labels import label_bulk_materials
from catalyst_assets.ingestion.derived.hulls import compute_hulls, plan_hulls, settle_hulls
from catalyst_assets.ingestion.derived.identity import plan_comparisons, settle_identity, unify_formulas

if TYPE_CHECKING:
    from resources.postgres.database import Database


@dataclass(frozen=True)
class Updated:
    """What deriving came to.

    Attributes
    ----------
    unified
        Records that were found to be a crystal which another source has given too.
    materials
        Different crystals that stand.
    labelled
        Materials whose adsorption energies are others than before.
    hulls
        Materials whose computed energy above hull is another than before.
    """

    unified: int
    materials: int
    labelled: int
    hulls: int


def update_derived(database: "Database") -> Updated:
    """Derive what depends on changed records: identical crystals first, which decide what labels and hulls read."""
    comparisons = plan_comparisons(database)
    unified = unify_formulas(database, comparisons.names)
    identities = settle_identity(database, comparisons.until)
    labelled = label_bulk_materials(database)
    plan = plan_hulls(database)
    hulls = compute_hulls(database, plan.names)
    settle_hulls(database, plan.until)
    return Updated(unified, identities.materials, labelled.changed, hulls)
