"""Reading a campaign's summary from the database and the object store. Nothing that trains or ranks calls it."""

import math
from collections import defaultdict
from contextlib import suppress
from datetime import UTC, datetime
from itertools import accumulate
from typing import TYPE_CHECKING

from catalyst_assets.campaigns.evaluations import load_evaluations
from catalyst_assets.campaigns.labels import load_superseded
from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.campaigns.pool import load_pool
from catalyst_assets.errors import CatalystError, UsageError
from catalyst_assets.report.goal import describe_criterion, describe_objective
from catalyst_assets.report.space import map_space
from catalyst_assets.report.summary import (
    CampaignSummary,
    HitSummary,
    IterationSummary,
    ModelSummary,
    Parity,
    SpaceMap,
    Suggestion,
)
from catalyst_assets.validation.pool_hits import count_pool_hits
from resources.postgres.database import Database, Role, Row, fetch_all, fetch_one

if TYPE_CHECKING:
    from collections.abc import Sequence

    import sqlalchemy as sa

    from catalyst_assets.campaigns.evaluations import Evaluation
    from catalyst_assets.campaigns.labels import SupersededLabel
    from resources.platform import Platform

_MOST_BEST = 20
_PROVENANCE = {
    "iteration": "partition_key",
    "campaign of that iteration": "campaign_sha256",
    "labels": "label_sha256",
    "training set": "training_set_sha256",
    "model": "model_sha256",
    "MLflow run": "mlflow_run_id",
    "ranking": "ranking_sha256",
}


def load_goal(database: Database, name: str) -> Campaign:
    """Return the goal of a campaign that was started.

    Raises
    ------
    UsageError
        There is no campaign of that name.
    """
    with database.transaction(Role.PIPELINE) as connection:
        return Campaign.model_validate(_read(connection, name)["document"])


def summarize_campaign(platform: "Platform", name: str, *, with_map: bool = True) -> CampaignSummary:
    """Return how a campaign stands.

    Parameters
    ----------
    with_map
        Place its materials in chemical space, for which features are read.

    Raises
    ------
    UsageError
        There is no campaign of that name.
    """
    database = platform.database
    with database.transaction(Role.PIPELINE) as connection:
        row = _read(connection, name)
        campaign = Campaign.model_validate(row["document"])
        evaluations = load_evaluations(connection, campaign)
        pool = load_pool(connection, campaign.pool)
        iterations = fetch_all(connection, "loop/iterations", campaign=name)
        parity = _parity(connection, [item["partition_key"] for item in iterations])
        suggested = _next_batch(connection, iterations)
        superseded = load_superseded(connection, name)
    formulas = {member["material_id"]: member["reduced_formula"] for member in pool}
    next_names = [one.material_id for one in suggested]
    return CampaignSummary(
        campaign=name,
        pool_size=len(pool),
        hits_in_pool=count_pool_hits(database, campaign, formulas),
        criteria=tuple(describe_criterion(criterion) for criterion in campaign.criteria),
        iterations=tuple(
            _iteration(item, evaluations, superseded.get(item["partition_key"], ())) for item in iterations
        ),
        discovery=tuple(enumerate(accumulate(int(one.is_hit) for one in evaluations), start=1)),
        found=_found(campaign, evaluations),
        parity=parity,
        description=campaign.description,
        status=row["status"],
        stop_reason=row["stop_reason"] or "",
        objective=describe_objective(campaign.objective) if campaign.objective else "",
        best=best_so_far(campaign, evaluations),
        next_batch=suggested,
        space=_space(platform, pool, evaluations, next_names) if with_map else None,
        model=_model(platform, name, iterations),
        provenance=_provenance(row["sha256"], iterations),
        written_at=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    )


def best_so_far(campaign: Campaign, evaluations: "Sequence[Evaluation]") -> tuple[float, ...]:
    """Return the objective's best value after each evaluation, under criteria among the hits; nothing without one."""
    import numpy as np

    if campaign.objective is None:
        return ()
    better = np.fmax if campaign.objective.direction == "maximize" else np.fmin  # both pass over NaN
    name = campaign.objective.property
    values = [one.values.get(name, math.nan) if _counts(campaign, one) else math.nan for one in evaluations]
    return tuple(better.accumulate(values).tolist())


def _read(connection: "sa.Connection", name: str) -> Row:
    row = fetch_one(connection, "campaigns/one", name=name)
    if row is None:
        raise UsageError(f"There is no campaign {name}.", "`catalyst campaign list` names them.")
    return row


def _found(campaign: Campaign, evaluations: "list[Evaluation]") -> tuple[HitSummary, ...]:
    numbered, objective = enumerate(evaluations, start=1), campaign.objective
    if objective is None:
        return tuple(_hit(number, one) for number, one in numbered if one.is_hit)
    name, sign = objective.property, -1 if objective.direction == "maximize" else 1
    measured = [_hit(n, one) for n, one in numbered if name in one.values and _counts(campaign, one)]
    return tuple(sorted(measured, key=lambda hit: sign * hit.values[name])[:_MOST_BEST])


def _counts(campaign: Campaign, evaluation: "Evaluation") -> bool:
    """Tell whether what was measured may be the best value: under criteria that of a hit alone."""
    return evaluation.is_hit or not campaign.criteria


def _hit(number: int, evaluation: "Evaluation") -> HitSummary:
    return HitSummary(
        evaluation.material_id, evaluation.formula, number, evaluation.iteration, evaluation.values
    )


def _iteration(
    row: Row, evaluations: "list[Evaluation]", superseded: "Sequence[SupersededLabel]"
) -> IterationSummary:
    done = [evaluation for evaluation in evaluations if evaluation.iteration <= row["iteration"]]
    metrics, closed_at = row["metrics"], row["closed_at"]
    errors = ("valid_mae_by_property", "test_mae_by_property", "validation_mae_by_property")
    return IterationSummary(
        partition=row["partition_key"],
        evaluated=len(done),
        hits=sum(evaluation.is_hit for evaluation in done),
        seconds=round((closed_at - row["opened_at"]).total_seconds(), 2) if closed_at else 0.0,
        labels=row["label_count"],
        status=row["status"],
        valid_mae=metrics.get("valid_mae"),
        miscalibration_area=metrics.get("miscalibration_area"),
        superseded=tuple(map(str, superseded)),
        **{name: metrics.get(name) or {} for name in errors},
    )


def _parity(connection: "sa.Connection", keys: list[str]) -> tuple[Parity, ...]:
    rows: dict[str, list[Row]] = defaultdict(list)
    for key in keys[1:]:  # the first iteration predicts what is typical of any material
        for row in fetch_all(connection, "validation/scored_results", partition_key=key):
            rows[row["property"]].append(row)
    return tuple(
        Parity(
            property=name,
            observed=tuple(row["value"] for row in scored),
            predicted=tuple(row["predicted_mean"] for row in scored),
            std=tuple(row["predicted_std"] for row in scored),
        )
        for name, scored in sorted(rows.items())
    )


def _next_batch(connection: "sa.Connection", iterations: list[Row]) -> tuple[Suggestion, ...]:
    if not iterations:
        return ()
    latest = iterations[-1]
    wanted = latest["batch_size"] - latest["n_answered"] if latest["status"] == "ranked" else 0
    waiting = fetch_all(
        connection,
        "campaigns/suggested",
        partition_key=latest["partition_key"],
        most=max(wanted, latest["n_pending"]),
    )
    return tuple(
        Suggestion(
            material_id=row["material_id"],
            formula=row["reduced_formula"],
            rank=row["rank"],
            status=row["status"],
            feasibility=row["feasibility"],
            predicted={name: (value["mean"], value["std"]) for name, value in row["predicted"].items()},
        )
        for row in waiting
    )


def _space(
    platform: "Platform", pool: list[Row], evaluations: "list[Evaluation]", suggested: list[str]
) -> SpaceMap | None:
    from catalyst_assets.representation.library import current_fingerprint

    try:
        fingerprint = current_fingerprint(platform.objects)
    except CatalystError:  # nothing is embedded yet
        return None
    structures = {member["material_id"]: member["structure_hash"] for member in pool}
    evaluated = {evaluation.material_id: evaluation.is_hit for evaluation in evaluations}
    return map_space(platform.objects, fingerprint, structures, evaluated, suggested)


def _model(platform: "Platform", campaign: str, iterations: list[Row]) -> ModelSummary | None:
    from catalyst_assets.campaigns.iterations import read_iteration
    from catalyst_assets.learning.models.registry import find_champion, version_number
    from catalyst_assets.prediction.choice import read_choice

    latest = next((row for row in reversed(iterations) if row["model_sha256"]), None)
    if latest is None:
        return None
    key, sha256 = latest["partition_key"], latest["model_sha256"]
    with platform.database.transaction() as connection:
        version = version_number(connection, key, sha256)
        choice = read_choice(connection, read_iteration(connection, key))
    champion = None
    if version is not None:
        with suppress(CatalystError):  # a report does without MLflow
            champion = find_champion(platform.registry, campaign)
    return ModelSummary(
        campaign,
        key,
        sha256,
        version,
        champion.version if champion else None,
        choice.reason if choice else "",
    )


def _provenance(campaign_sha256: str, iterations: list[Row]) -> dict[str, str]:
    latest = iterations[-1] if iterations else {}
    known = {shown: latest.get(column) for shown, column in _PROVENANCE.items()}
    return {"campaign": campaign_sha256} | {shown: value for shown, value in known.items() if value}
