"""Checks of what is derived of materials. Wiring only; what is judged is in `ingestion.accounting`."""

import dagster as dg

from catalyst_assets.check_results import as_result
from catalyst_assets.ingestion.derived.assets import adsorption_labels, energies_above_hull
from resources.platform import Platform


@dg.asset_check(
    asset=adsorption_labels,
    description="Is every label that was derived finite, in its unit, by a known method and in range?",
)
def adsorption_labels_are_valid(platform: dg.ResourceParam[Platform]) -> dg.AssetCheckResult:
    """Every label that was derived is finite, in its unit, by a known method, in range."""
    from catalyst_assets.ingestion.accounting import check_properties

    return as_result(check_properties(platform.database))


@dg.asset_check(
    asset=energies_above_hull,
    description="Is every energy above hull that was computed finite, in its unit, by a known method and in range?",
)
def energies_above_hull_are_valid(platform: dg.ResourceParam[Platform]) -> dg.AssetCheckResult:
    """Every energy above hull that was computed is finite, in its unit, by a known method, in range."""
    from catalyst_assets.ingestion.accounting import check_properties

    return as_result(check_properties(platform.database))
