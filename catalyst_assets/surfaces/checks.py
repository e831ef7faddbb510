"""Checks of surfaces. Wiring only."""

import dagster as dg

from catalyst_assets.surfaces.assets import adsorption_relaxations
from resources.platform import Platform


@dg.asset_check(
    asset=adsorption_relaxations,
    blocking=True,
    description="Has every material whose adsorption was computed the rows that were counted, or a reason for none?",
)
def adsorption_is_accounted_for(platform: dg.ResourceParam[Platform]) -> dg.AssetCheckResult:
    """Refuse energies that are lost, or there by other settings than it is said."""
    from catalyst_assets.surfaces.computed.storing import measure_account

    account = measure_account(platform.database)
    return dg.AssetCheckResult(
        passed=not account.contradicted,
        metadata={"materials_and_adsorbates": account.outcomes, "contradicted": account.contradicted},
        description=f"{account.contradicted} of {account.outcomes} have other rows than were counted.",
    )
