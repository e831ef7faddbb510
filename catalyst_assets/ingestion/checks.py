"""Blocking checks between ingestion and everything that learns from it.

Wiring only; what is judged is in `accounting`.
"""

import dagster as dg

from catalyst_assets.check_results import as_result
from catalyst_assets.ingestion.assets import materials
from resources.platform import Platform


@dg.asset_check(
    asset=materials,
    blocking=True,
    description="Is every property of every material known, finite, in its unit, by a known method and in range?",
)
def materials_have_known_units_and_methods(platform: dg.ResourceParam[Platform]) -> dg.AssetCheckResult:
    """Every property of every material is known, finite, in its unit, by a known method, in range."""
    from catalyst_assets.ingestion.accounting import check_properties

    return as_result(check_properties(platform.database))


@dg.asset_check(
    asset=materials,
    blocking=True,
    description="Is every row of every raw file that was parsed loaded or in quarantine, and every answer with its values?",
)
def every_source_row_is_accounted_for(platform: dg.ResourceParam[Platform]) -> dg.AssetCheckResult:
    """Every row of every current raw file that was parsed is loaded or quarantined; answers have their values."""
    from catalyst_assets.ingestion.accounting import account_for_rows

    accounts = account_for_rows(platform.database, platform.objects)
    return as_result(
        [account.problem for account in accounts if account.problem],
        files=len(accounts),
        rows=sum(account.rows for account in accounts),
        loaded=sum(account.loaded for account in accounts),
        quarantined=sum(account.quarantined for account in accounts),
    )


@dg.asset_check(
    asset=materials,
    blocking=True,
    description="Is one hash one crystal: do the stored structures hash to it, and agree in formula and sites?",
)
def structure_hashes_are_consistent(platform: dg.ResourceParam[Platform]) -> dg.AssetCheckResult:
    """One hash is one crystal: the stored structures hash to it, and agree in formula and sites."""
    from catalyst_assets.ingestion.accounting import check_hashes

    return as_result(check_hashes(platform.database))


@dg.asset_check(
    asset=materials, description="Can every current raw file be read, and is none left to be parsed?"
)
def every_raw_file_can_be_read(platform: dg.ResourceParam[Platform]) -> dg.AssetCheckResult:
    """No current raw file is unreadable, or waits to be parsed; one that is keeps none of the others waiting."""
    from catalyst_assets.ingestion.accounting import find_unloaded

    return as_result(find_unloaded(platform.database))
