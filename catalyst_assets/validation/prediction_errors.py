"""How wrong an iteration's predictions were, measured two ways: on the frozen test set, and on what was validated.

Test answers are read as the validator and never leave this module: only mean errors do.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from catalyst_assets.campaigns.evaluations import load_evaluations
from catalyst_assets.campaigns.iterations import read_iteration, record_metrics
from resources.postgres.database import Role, fetch_all, fetch_one

if TYPE_CHECKING:
    import sqlalchemy as sa

    from catalyst_assets.campaigns.iterations import Iteration
    from resources.postgres.database import Database


def score_iteration(database: "Database", partition_key: str) -> dict[str, Any]:
    """Measure an iteration's errors and hits so far, record them with it, and return them.

    Returns
    -------
    dict
        ``test_mae``, ``validation_mae`` (means over properties, None without data), the same
        ``…_by_property`` in each property's unit, ``evaluated`` and ``hits`` of the campaign up to and
        including this iteration.
    """
    with database.transaction(Role.VALIDATOR) as connection:
        iteration = read_iteration(connection, partition_key)
        test = mean_errors(
            (row["property"], row["predicted_mean"], row["value"])
            for row in _test_rows(connection, iteration)
        )
    with database.transaction() as connection:
        scored = fetch_all(connection, "validation/scored_results", partition_key=partition_key)
        validated = mean_errors((row["property"], row["predicted_mean"], row["value"]) for row in scored)
        done = [
            evaluation
            for evaluation in load_evaluations(connection, iteration.campaign)
            if evaluation.iteration <= iteration.number
        ]
        metrics = {
            "test_mae": _mean(test),
            "test_mae_by_property": test,
            "validation_mae": _mean(validated),
            "validation_mae_by_property": validated,
            "evaluated": len(done),
            "hits": sum(evaluation.is_hit for evaluation in done),
        }
        record_metrics(connection, partition_key, metrics)
    return metrics


def find_errors_that_did_not_fall(database: "Database", partition_key: str) -> dict[str, list[str]]:
    """Compare an iteration's errors with those of the one before, property by property.

    Returns
    -------
    dict
        For ``test_mae`` and ``validation_mae`` the properties whose error did not fall, as sentences; none
        for the first iteration.
    """
    with database.transaction() as connection:
        iteration = read_iteration(connection, partition_key)
        parent = fetch_one(connection, "loop/iteration", partition_key=iteration.parent)
    before: Mapping[str, Any] = parent["metrics"] if parent else {}
    problems = {}
    for metric in ("test_mae", "validation_mae"):
        earlier = before.get(f"{metric}_by_property", {})
        now = iteration.metrics.get(f"{metric}_by_property", {})
        problems[metric] = [
            f"{name}: {now[name]:.3g}, {earlier[name]:.3g} in {iteration.parent}."
            for name in sorted(earlier.keys() & now.keys())
            if now[name] >= earlier[name]
        ]
    return problems


def mean_errors(rows: Iterable[tuple[str, float, float]]) -> dict[str, float]:
    """Return the mean absolute error of each property.

    Parameters
    ----------
    rows
        Property, predicted and true value, in the property's unit.
    """
    errors: dict[str, list[float]] = defaultdict(list)
    for name, predicted, true in rows:
        errors[name].append(abs(predicted - true))
    return {name: sum(values) / len(values) for name, values in sorted(errors.items())}


def _test_rows(connection: "sa.Connection", iteration: "Iteration") -> list[dict[str, Any]]:
    return fetch_all(
        connection,
        "validation/scored_test_set",
        partition_key=iteration.partition_key,
        campaign=iteration.campaign.name,
        method=iteration.campaign.method,
    )


def _mean(errors: Mapping[str, float]) -> float | None:
    return sum(errors.values()) / len(errors) if errors else None
