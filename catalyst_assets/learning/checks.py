"""Checks of the training set (blocking) and the model (blocking, and warnings). Wiring only.

What is judged is in `audit` and `registry`. The checks of one asset share a step.
"""

from collections.abc import Iterator

import dagster as dg

from catalyst_assets.check_results import as_check_result, iteration_check
from catalyst_assets.learning.assets import trained_model, training_set
from resources.platform import Platform

_TRAINING_SET = {
    "parent": iteration_check(
        "parent_is_closed_and_labels_are_those_frozen",
        training_set,
        "Is the parent iteration there and closed? Are label count and hash those it opened with?",
        blocking=True,
    ),
    "leakage": iteration_check(
        "no_test_member_is_learned_from",
        training_set,
        "Is nothing of the frozen test set in it, by material or by structure?",
        blocking=True,
    ),
    "values": iteration_check(
        "labels_have_the_campaigns_method_and_physical_values",
        training_set,
        "Are its labels of one method and known properties, in range, and to the bit those that were frozen?",
        blocking=True,
    ),
}


@dg.multi_asset_check(name="training_set_checks", specs=list(_TRAINING_SET.values()))
def training_set_checks(
    context: dg.AssetCheckExecutionContext, platform: dg.ResourceParam[Platform]
) -> Iterator[dg.AssetCheckResult]:
    """Refuse a training set from which a wrong value would travel."""
    from catalyst_assets.learning.audit import audit_training_set

    problems = audit_training_set(platform.database, platform.objects, context.partition_key).problems
    for question, spec in _TRAINING_SET.items():
        yield as_check_result(problems[question], spec)


_FINITE = iteration_check(
    "model_reports_finite_numbers",
    trained_model,
    "Can the stored model be read, and is every metric of its report finite?",
    blocking=True,
)
_REGISTERED = iteration_check(
    "model_is_registered",
    trained_model,
    "Is the model a version of the registry, which predictions can name?",
)
_MODEL_WARNINGS = {
    "calibration": iteration_check(
        "model_is_calibrated",
        trained_model,
        "Is the miscalibration area of every property, out of fold, at most 0.15, or within what chance gives?",
    ),
    "baseline": iteration_check(
        "model_is_better_than_the_mean",
        trained_model,
        "On unseen chemical systems, is no property predicted worse than by its mean, as far as its labels can tell?",
    ),
}


@dg.multi_asset_check(name="trained_model_checks", specs=[_FINITE, *_MODEL_WARNINGS.values(), _REGISTERED])
def trained_model_checks(
    context: dg.AssetCheckExecutionContext, platform: dg.ResourceParam[Platform]
) -> Iterator[dg.AssetCheckResult]:
    """Refuse a broken model, warn of a poor one or one without a version."""
    from catalyst_assets.learning.audit import find_model_problems, find_model_warnings
    from catalyst_assets.learning.models.registry import find_registration_problems

    key = context.partition_key
    yield as_check_result(find_model_problems(platform.database, platform.objects, key), _FINITE)
    warnings = find_model_warnings(platform.database, key)
    for question, spec in _MODEL_WARNINGS.items():
        yield as_check_result(warnings[question].problems, spec, warnings[question].remarks)
    yield as_check_result(find_registration_problems(platform.database, key), _REGISTERED)
