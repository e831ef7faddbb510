"""Blocking check between predictions and the ranking. Wiring only."""

from collections.abc import Iterator

import dagster as dg

from catalyst_assets.check_results import as_check_result, iteration_check
from catalyst_assets.prediction.assets import predictions
from resources.platform import Platform

_COMPLETE = iteration_check(
    "every_pool_row_is_predicted",
    predictions,
    "Each material of the pool has finite predictions by the iteration's model.",
    blocking=True,
)


@dg.multi_asset_check(name="predictions_checks", specs=[_COMPLETE])
def predictions_checks(
    context: dg.AssetCheckExecutionContext, platform: dg.ResourceParam[Platform]
) -> Iterator[dg.AssetCheckResult]:
    """Refuse predictions that are not whole."""
    from catalyst_assets.prediction.scoring import audit_predictions

    problems = audit_predictions(platform.database, platform.objects, context.partition_key)
    yield as_check_result(problems, _COMPLETE)
