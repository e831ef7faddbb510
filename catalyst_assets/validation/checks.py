"""Checks of what validation answered: units and methods block, errors that do not fall warn. Wiring only."""

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
_FALLING = {
    "test_mae": iteration_check(
        "error_on_the_frozen_test_set_fell",
        validation_results,
        "Is the error on the test set frozen at the campaign's start no worse than the parent iteration's?",
    ),
    "validation_mae": iteration_check(
        "error_against_validation_fell",
        validation_results,
        "Are the errors of what validation answered no worse than the parent iteration's?",
    ),
}


@dg.multi_asset_check(name="validation_results_checks", specs=[_SOUND, *_FALLING.values()])
def validation_results_checks(
    context: dg.AssetCheckExecutionContext, platform: dg.ResourceParam[Platform]
) -> Iterator[dg.AssetCheckResult]:
    """Refuse results that would poison the labels; warn when an iteration is no better than its parent."""
    from catalyst_assets.validation.audit import audit_results
    from catalyst_assets.validation.prediction_errors import find_errors_that_did_not_fall

    key = context.partition_key
    yield as_check_result(audit_results(platform.database, key), _SOUND)
    problems = find_errors_that_did_not_fall(platform.database, key)
    for metric, spec in _FALLING.items():
        yield as_check_result(problems[metric], spec)
