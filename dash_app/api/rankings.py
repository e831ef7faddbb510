"""`/campaigns/{name}/iterations/{key}/rerank`: what another strategy would suggest, from stored predictions."""

import threading
from typing import Annotated, Final

import sqlalchemy as sa
from cachetools import LRUCache, cached
from fastapi import APIRouter, Path, Query, Request

from catalyst_assets.acquisition.what_if import StoredRanking, load_stored_ranking, suitable_strategies
from catalyst_assets.campaigns.model import Strategy
from catalyst_assets.vocabulary.known import label_of, unit_of
from dash_app.api.campaigns import CampaignName, find_document
from dash_app.api.connection import Transaction
from dash_app.api.problems import NotFoundError, problem_responses
from dash_app.contract import Predicted
from dash_app.reranking_contract import RankedAgain, Reranking, StrategyInfo
from resources.postgres.database import Row, fetch_all, fetch_one

router = APIRouter(prefix="/campaigns", tags=["campaigns"], responses=problem_responses(404, 409, 422, 503))

IterationKey = Annotated[str, Path(description="The iteration: its number, or its partition key.")]
# Of a hundred thousand candidates with two properties and 64 draws one takes 65 MB.
_MOST_BYTES: Final = 256 * 2**20


class StoredRankings:
    """Rankings in memory, so that asking again costs no reading.

    The identity of what is kept is the iteration with its recorded predictions and list: a ranking that was recorded
    anew is read anew. Of several who ask for one at once one reads it; who asks for another does not wait.

    Parameters
    ----------
    most_bytes
        How much is kept, the last used longest; a ranking larger than that is used and not kept.
    """

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        kept: LRUCache[tuple[object, ...], StoredRanking] = LRUCache(
            most_bytes, getsizeof=lambda ranking: ranking.n_bytes
        )
        self._read = cached(kept, key=_identify, condition=threading.Condition())(_read)

    def get(self, connection: sa.Connection, recorded: Row) -> StoredRanking:
        """Return what a recorded ranking was computed from."""
        return self._read(connection, recorded)


def _read(connection: sa.Connection, recorded: Row) -> StoredRanking:
    return load_stored_ranking(connection, recorded["partition_key"])


def _identify(_: sa.Connection, recorded: Row) -> tuple[object, ...]:
    return recorded["partition_key"], recorded["prediction_version"], recorded["ranking_sha256"]


@router.get("/{name}/iterations/{key}/rerank", summary="Rank an iteration's pool again, without refitting")
def rerank_iteration(
    name: CampaignName,
    key: IterationKey,
    request: Request,
    connection: Transaction,
    strategy: Annotated[Strategy | None, Query(description="By default the recorded one.")] = None,
    exploration_weight: Annotated[
        float | None,
        Query(ge=0, le=1, description="0 exploits, 1 explores; by default the recorded one."),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="How many of the best to list.")] = 25,
) -> Reranking:
    """List what would be suggested, beside the recorded ranks. Nothing stored changes.

    The choice is among what the recorded ranking could choose from, by scores alone.
    """
    recorded = find_recorded(connection, name, key)
    stored: StoredRanking = request.app.state.rankings.get(connection, recorded)
    frame = stored.rank_again(strategy, exploration_weight, limit)
    listed = frame["material_id"].tolist()
    rows = fetch_all(
        connection, "app/listed_candidates", partition_key=recorded["partition_key"], material_ids=listed
    )
    known = {row["material_id"]: row for row in rows}
    formulas = {
        row["material_id"]: row["reduced_formula"]
        for row in fetch_all(connection, "acquisition/formulas", material_ids=listed)
    }
    campaign = stored.problem.campaign
    chances = stored.chances(listed)
    items = []
    for row in frame.to_dict("records"):
        candidate = known.get(row["material_id"])
        items.append(
            RankedAgain(
                rank=row["rank"],
                recorded_rank=candidate["rank"] if candidate else None,
                candidate_id=candidate["candidate_id"] if candidate else None,
                status=candidate["status"] if candidate else None,
                material_id=row["material_id"],
                formula=formulas[row["material_id"]],
                acquisition=row["acquisition"],
                feasibility=row["feasibility"] if campaign.criteria else None,
                predicted={
                    each: Predicted(mean=row[f"mean_{each}"], std=row[f"std_{each}"], unit=unit_of(each))
                    for each in campaign.predicted_properties
                },
                chances=chances[row["material_id"]],
            )
        )
    return Reranking(
        partition_key=recorded["partition_key"],
        strategy=strategy or campaign.acquisition.strategy,
        exploration_weight=(
            recorded["exploration_weight"] if exploration_weight is None else exploration_weight
        ),
        recorded_strategy=recorded["strategy"],
        recorded_exploration_weight=recorded["exploration_weight"],
        choices=len(stored.problem.candidates),
        by_score_alone=stored.by_score_alone,
        strategies=[
            StrategyInfo(name=each, explores=each.explores) for each in suitable_strategies(campaign)
        ],
        labels={each: label_of(each) for each in campaign.predicted_properties},
        items=items,
    )


def find_recorded(connection: sa.Connection, name: str, key: str) -> Row:
    """Return the recorded ranking of an iteration, by its number or its partition key.

    Raises
    ------
    NotFoundError
        There is none.
    """
    find_document(connection, name)
    partition_key = f"{name}__{int(key):04d}" if key.isascii() and key.isdigit() and len(key) < 10 else key
    iteration = None
    if "\x00" not in partition_key:
        iteration = fetch_one(connection, "loop/iteration", partition_key=partition_key)
    if iteration is None or iteration["campaign"] != name:
        raise NotFoundError(f"Campaign {name} has no iteration {key!r}.")
    recorded = fetch_one(connection, "acquisition/ranking", partition_key=partition_key)
    if recorded is None:
        raise NotFoundError(f"Iteration {key!r} of campaign {name} is not ranked yet.")
    return recorded
