"""How wrong an iteration's predictions were, measured two ways: on the frozen test set, and on what was validated.

Test answers are read as the validator and never leave this module: only mean errors do.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from catalyst_assets.campaigns.evaluations import load_evaluations
from catalyst_assets.campaigns.iterations import read_iteration, record_metrics
from catalyst_assets.campaigns.pool import load_pool
from catalyst_assets.learning.audit import Judged
from catalyst_assets.learning.significance import Difference, paired, unpaired
from catalyst_assets.validation.pool_hits import count_pool_hits, knows_hits
from resources.postgres.database import Role, fetch_all

if TYPE_CHECKING:
    import sqlalchemy as sa

    from catalyst_assets.campaigns.iterations import Iteration
    from catalyst_assets.campaigns.model import Campaign
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
    to_find = _count_what_was_to_find(database, iteration.campaign)
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
        record_metrics(connection, partition_key, metrics | to_find)
    return metrics


def _count_what_was_to_find(database: "Database", campaign: "Campaign") -> dict[str, Any]:
    """Return ``pool_size`` and ``hits_in_pool``, by which pages draw random choice; nothing where nobody knows."""
    if not knows_hits(campaign):
        return {}
    with database.transaction() as connection:
        formulas = {
            row["material_id"]: row["reduced_formula"] for row in load_pool(connection, campaign.pool)
        }
    return {"pool_size": len(formulas), "hits_in_pool": count_pool_hits(database, campaign, formulas)}


def judge_errors(database: "Database", partition_key: str) -> dict[str, Judged]:
    """Compare an iteration's errors with those of the one before, property by property.

    Returns
    -------
    dict
        For ``test_mae``, of the same materials, and ``validation_mae``, of others, the properties whose error rose by
        more than chance gives, and remarks on those where it rose by no more; nothing for the first iteration.
    """
    with database.transaction(Role.VALIDATOR) as connection:
        iteration = read_iteration(connection, partition_key)
        if iteration.parent is None:
            return {"test_mae": Judged(), "validation_mae": Judged()}
        parent = read_iteration(connection, iteration.parent)
        tested = [_errors(_test_rows(connection, one)) for one in (iteration, parent)]
    with database.transaction() as connection:
        answered = [
            _errors(fetch_all(connection, "validation/scored_results", partition_key=one.partition_key))
            for one in (iteration, parent)
        ]
    judged = {"test_mae": Judged(), "validation_mae": Judged()}
    for name in sorted(tested[0].keys() & tested[1].keys()):
        both = sorted(tested[0][name].keys() & tested[1][name].keys())
        now, before = ([errors[name][material] for material in both] for errors in tested)
        if both:
            _judge(
                judged["test_mae"], f"{name} against {parent.partition_key}", now, before, paired(now, before)
            )
    for name in sorted(answered[0].keys() & answered[1].keys()):
        now, before = (list(errors[name].values()) for errors in answered)
        _judge(
            judged["validation_mae"],
            f"{name} against {parent.partition_key}",
            now,
            before,
            unpaired(now, before),
        )
    return judged


def _judge(
    judged: Judged, what: str, now: "Sequence[float]", before: "Sequence[float]", difference: Difference
) -> None:
    found = f"{what}: {sum(now) / len(now):.3g} after {sum(before) / len(before):.3g}"
    if difference.is_larger:
        judged.problems.append(f"{found} (difference {difference}).")
    elif difference.mean > 0:
        judged.remarks.append(f"{found}, which {len(now)} materials give by chance ({difference}).")


def _errors(rows: "Iterable[Mapping[str, Any]]") -> dict[str, dict[str, float]]:
    """Return the absolute error of each material by property."""
    errors: dict[str, dict[str, float]] = defaultdict(dict)
    for row in rows:
        errors[row["property"]][row["material_id"]] = abs(row["predicted_mean"] - row["value"])
    return errors


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
