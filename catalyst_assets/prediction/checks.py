"""Blocking check between predictions and the ranking. Wiring only."""

from catalyst_assets.check_results import blocking_check
from catalyst_assets.prediction.assets import predictions
from resources.platform import Platform


def _find_problems(platform: Platform, partition_key: str) -> list[str]:
    from catalyst_assets.prediction.versions import audit_predictions

    return audit_predictions(platform.database, platform.objects, partition_key)


predictions_checks = blocking_check(
    "every_pool_row_is_predicted",
    predictions,
    "Has each material of the pool finite predictions by the iteration's model?",
    _find_problems,
)
