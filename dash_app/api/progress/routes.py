"""`/campaigns/{name}/discovery` and `/evaluations`: what was found for what was spent, material by material."""

from itertools import accumulate
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query

from catalyst_assets.campaigns.evaluations import Evaluation
from catalyst_assets.report.collect import best_so_far
from dash_app.api.campaigns import CampaignName, load_campaign
from dash_app.api.connection import Transaction
from dash_app.api.problems import problem_responses
from dash_app.api.progress.chance import choose_at_random
from dash_app.progress_contract import (
    Discovery,
    EvaluatedMaterial,
    EvaluatedProperty,
    EvaluationList,
)
from resources.postgres.database import Row, fetch_all

router = APIRouter(prefix="/campaigns", tags=["campaigns"], responses=problem_responses(404, 422, 503))

_NOT_SUGGESTED: Final[Row] = {"candidate_id": None, "predicted": {}, "learned": False}


@router.get("/{name}/discovery", summary="Compare a campaign with random choice")
def show_discovery(name: CampaignName, connection: Transaction) -> Discovery:
    """Hits, or the best value, after each evaluation, and what choosing at random would have found by then.

    Nothing is simulated: both are closed forms. Where the hits of the pool are not known, `random` says on what it rests.
    """
    loaded = load_campaign(connection, name)
    campaign, done = loaded.campaign, loaded.evaluations
    best = best_so_far(campaign, done) if campaign else ()
    return Discovery(
        hits=list(accumulate(int(one.is_hit) for one in done)) if campaign and campaign.criteria else [],
        best=[None if value != value else value for value in best],  # NaN before the first
        iterations=[one.iteration for one in done],
        random=choose_at_random(campaign, done, fetch_all(connection, "app/iterations", campaign=name)),
    )


@router.get("/{name}/evaluations", summary="List what validation answered, beside what was predicted")
def list_evaluations(
    name: CampaignName,
    connection: Transaction,
    hit: Annotated[bool | None, Query(description="Only hits, or only the others.")] = None,
    offset: Annotated[int, Query(ge=0, le=1_000_000, description="How many to pass over.")] = 0,
    limit: Annotated[int, Query(ge=1, le=10_000, description="How many at most.")] = 1000,
) -> EvaluationList:
    """Each evaluated material in its order: measured, predicted, and whether it is a hit."""
    loaded = load_campaign(connection, name)
    judged = bool(loaded.campaign and loaded.campaign.criteria)
    numbered = [
        (number, one)
        for number, one in enumerate(loaded.evaluations, start=1)
        if hit is None or (judged and one.is_hit is hit)
    ]
    page = numbered[offset : offset + limit]
    rows = fetch_all(
        connection,
        "app/evaluated_candidates",
        campaign=name,
        material_ids=[one.material_id for _, one in page],
    )
    suggested = {(row["material_id"], row["iteration"]): row for row in rows}
    items = [
        _shown(number, one, suggested.get((one.material_id, one.iteration), _NOT_SUGGESTED), judged)
        for number, one in page
    ]
    return EvaluationList(items=items, total=len(numbered))


def _shown(number: int, one: Evaluation, candidate: Row, judged: bool) -> EvaluatedMaterial:
    predicted: dict[str, dict[str, Any]] = candidate["predicted"]
    return EvaluatedMaterial(
        number=number,
        iteration=one.iteration,
        candidate_id=candidate["candidate_id"],
        material_id=one.material_id,
        formula=one.formula,
        hit=one.is_hit if judged else None,
        learned=candidate["learned"],
        properties={
            each: EvaluatedProperty(
                measured=one.values.get(each),
                predicted=predicted.get(each, {}).get("mean"),
                uncertainty=predicted.get(each, {}).get("std"),
            )
            for each in sorted({*one.values, *predicted})
        },
    )
