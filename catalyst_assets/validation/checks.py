"""Checks of what validation answered: units and methods block, errors that rise by more than chance warn. Wiring only."""

from collections.abc import Iterator

import dagster as dg

from catalyst_assets.check_results import as_check_result, iteration_check
from catalyst_assets.validation.assets import validation_results
from resources.platform import Platform

_SOUND = iteration_check(
    "results_have_the_campaigns_method_and_units",
    validation_results,
    "Is every result of a known property, by the campaign's method, in its unit and in range?",
    blocking=True,
)
_NOT_APART = iteration_check(
    "results_agree_with_replicates_and_predictions",
    validation_results,
    "Does every result lie near its replicates (modified z-score at most 3.5) and within four standard deviations of "
    "its prediction? If not it is worth a look, but learned from: is none to be retracted?",
)
_NOT_RISING = {
    "test_mae": iteration_check(
        "error_on_the_frozen_test_set_did_not_rise",
        validation_results,
        "Is the error on the test set frozen at the campaign's start no worse than the parent iteration's?",
    ),
    "validation_mae": iteration_check(
        "error_against_validation_did_not_rise",
        validation_results,
        "Are the errors of what validation answered no worse than the parent iteration's?",
    ),
}


@dg.multi_asset_check(name="validation_results_checks", specs=[_SOUND, _NOT_APART, *_NOT_RISING.values()])
def validation_results_checks(
    context: dg.AssetCheckExecutionContext, platform: dg.ResourceParam[Platform]
) -> Iterator[dg.AssetCheckResult]:
    """Refuse results that would poison the labels; warn of outliers and when an iteration is worse than its parent."""
    from catalyst_assets.validation.audit import audit_results, find_outliers
    from catalyst_assets.validation.prediction_errors import judge_errors

    key = context.partition_key
    yield as_check_result(audit_results(platform.database, key), _SOUND)
    yield as_check_result(find_outliers(platform.database, key), _NOT_APART)
    judged = judge_errors(platform.database, key)
    for metric, spec in _NOT_RISING.items():
        yield as_check_result(judged[metric].problems, spec, judged[metric].remarks)
