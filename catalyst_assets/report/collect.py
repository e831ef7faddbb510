"""Reading a campaign's summary from the database.

The only place beside the validator that looks at a pool's answers: to say how many hits there were to
find. Nothing that trains or ranks calls it.
"""

from collections import defaultdict
from typing import TYPE_CHECKING

from catalyst_assets.campaigns.model import AnyOf, Bound, Campaign
from catalyst_assets.campaigns.pool import load_pool
from catalyst_assets.errors import UsageError
from catalyst_assets.loop.progress import judge, load_evaluations
from catalyst_assets.report.summary import (
    CampaignSummary,
    HitSummary,
    IterationSummary,
    Parity,
    title_of,
    unit_of,
)
from resources.postgres import Database, Role, Row, fetch_all, fetch_one

if TYPE_CHECKING:
    import sqlalchemy as sa

    from catalyst_assets.loop.progress import Evaluation


def summarize_campaign(database: Database, name: str) -> CampaignSummary:
    """Return how a campaign stands.

    Raises
    ------
    UsageError
        There is no campaign of that name.
    """
    with database.transaction(Role.PIPELINE) as connection:
        row = fetch_one(connection, "campaigns/one", name=name)
        if row is None:
            raise UsageError(f"There is no campaign {name}.", "`catalyst campaign list` names them.")
        campaign = Campaign.model_validate(row["document"])
        evaluations = load_evaluations(connection, campaign)
        pool = load_pool(connection, campaign.pool)
        iterations = fetch_all(connection, "loop/iterations", campaign=name)
        parity = _parity(connection, [item["partition_key"] for item in iterations])
    discovery, found = _discoveries(evaluations)
    return CampaignSummary(
        campaign=name,
        pool_size=len(pool),
        hits_in_pool=_count_hits(database, campaign, pool),
        criteria=tuple(_describe(criterion) for criterion in campaign.criteria),
        iterations=tuple(_iteration(item, evaluations) for item in iterations),
        discovery=discovery,
        found=found,
        parity=parity,
        description=campaign.description,
        stop_reason=row["stop_reason"] or "",
    )


def _discoveries(
    evaluations: "list[Evaluation]",
) -> tuple[tuple[tuple[int, int], ...], tuple[HitSummary, ...]]:
    curve: list[tuple[int, int]] = []
    found: list[HitSummary] = []
    for number, evaluation in enumerate(evaluations, start=1):
        if evaluation.is_hit:
            found.append(
                HitSummary(
                    evaluation.material_id,
                    evaluation.formula,
                    number,
                    evaluation.iteration,
                    evaluation.values,
                )
            )
        curve.append((number, len(found)))
    return tuple(curve), tuple(found)


def _iteration(row: Row, evaluations: "list[Evaluation]") -> IterationSummary:
    done = [evaluation for evaluation in evaluations if evaluation.iteration <= row["iteration"]]
    metrics = row["metrics"]
    closed_at = row["closed_at"]
    return IterationSummary(
        partition=row["partition_key"],
        evaluated=len(done),
        hits=sum(evaluation.is_hit for evaluation in done),
        seconds=round((closed_at - row["opened_at"]).total_seconds(), 2) if closed_at else 0.0,
        valid_mae=metrics.get("valid_mae"),
        valid_mae_by_property=metrics.get("valid_mae_by_property") or {},
        test_mae_by_property=metrics.get("test_mae_by_property") or {},
        validation_mae_by_property=metrics.get("validation_mae_by_property") or {},
        miscalibration_area=metrics.get("miscalibration_area"),
    )


def _parity(connection: "sa.Connection", keys: list[str]) -> tuple[Parity, ...]:
    rows: dict[str, list[Row]] = defaultdict(list)
    for key in keys[1:]:  # the first turn predicts what is typical of any material
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


def _count_hits(database: Database, campaign: Campaign, pool: list[Row]) -> int | None:
    if campaign.validator != "reference_table" or not campaign.criteria:
        return None
    formulas = {row["material_id"]: row["reduced_formula"] for row in pool}
    answers: dict[str, dict[str, float]] = defaultdict(dict)
    with database.transaction(Role.VALIDATOR) as connection:
        for row in fetch_all(
            connection,
            "validation/hits_in_pool",
            material_ids=list(formulas),
            method=campaign.method,
            properties=sorted({*campaign.properties, *campaign.learned_properties}),
        ):
            answers[row["material_id"]][row["property"]] = row["value"]
    known = sorted(answers)
    return sum(judge(campaign, [answers[i] for i in known], [formulas[i] for i in known]))


def _describe(criterion: Bound | AnyOf) -> str:
    if isinstance(criterion, AnyOf):
        return " or ".join(f"({' and '.join(_describe(b) for b in branch)})" for branch in criterion.any_of)
    name, unit = title_of(criterion.property), unit_of(criterion.property)
    if criterion.min is None:
        text = f"{name} at most {criterion.max:g}"
    elif criterion.max is None:
        text = f"{name} at least {criterion.min:g}"
    else:
        text = f"{name} {criterion.min:g} to {criterion.max:g}"
    return f"{text} {unit}".rstrip()
