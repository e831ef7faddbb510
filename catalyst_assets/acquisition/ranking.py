"""Which candidates next: the one function that the asset, the app and the benchmark rank with.

A ranking depends on the materials, their predictions, the campaign and the seed; never on the order of rows.
"""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.acquisition.batches import choose_batch, n_considered
from catalyst_assets.acquisition.cold_start import choose_cover
from catalyst_assets.acquisition.pool_scores import order_by_score, round_digits, score_candidates
from catalyst_assets.acquisition.strategies import Names, hash_ids
from catalyst_assets.campaigns.model import Strategy

if TYPE_CHECKING:
    import pandas as pd

    from catalyst_assets.acquisition.problem import RankingProblem


@dataclass(frozen=True)
class Ranking:
    """Candidates, best first.

    Attributes
    ----------
    frame
        Columns material_id, rank (from 1), acquisition, feasibility (NaN for an objective alone), and mean_* and
        std_* of every predicted property. By falling acquisition, except that a campaign with diversity has the
        next batch first, in the order of choice.
    sha256
        Hash of all materials in their order.
    """

    frame: "pd.DataFrame"
    sha256: str


def rank(problem: "RankingProblem", top: int | None = None) -> Ranking:
    """Rank the candidates of a pool.

    Where the prediction does not tell candidates apart (nothing was learned yet), the first ones are chosen to
    cover the pool: as many as the campaign's initial batch. Cheap answers have a say in that.

    Parameters
    ----------
    top
        How many of the best the frame lists; all by default. The hash is of all of them.
    """
    rows, ids = problem.candidates, problem.names[problem.candidates]
    scores, feasibility = score_candidates(problem)
    scores = round_digits(scores + _handicap(problem))
    covers = problem.features is not None and not problem.learned_anything
    if covers:
        scores = _cover_scores(problem, ids, scores if problem.tells_apart else None)
    order = order_by_score(scores, ids, problem.seed)
    if not covers:
        order = _diversified(order, scores, problem)
    listed = order[:top]
    frame = _list(problem, rows[listed], scores[listed], feasibility[listed])
    return Ranking(frame, hashlib.sha256("\n".join(ids[order]).encode()).hexdigest())


def _handicap(problem: "RankingProblem") -> NDArray[np.float64]:
    """Return what is added to the scores for the chance of an answer and for the cost of asking."""
    rows = problem.candidates
    handicap = np.zeros(len(rows))
    if problem.success is not None:
        handicap += np.log(np.maximum(problem.success[rows], 1e-12))
    if problem.campaign.acquisition.cost is not None and problem.costs is not None:
        handicap -= np.log(np.maximum(problem.costs[rows], 1e-12))
    return handicap


def _cover_scores(
    problem: "RankingProblem", ids: Names, by_cheap_answers: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Score the chosen ones above 1, the first highest, and the others at random below.

    Where cheap answers score the candidates, those that are better by them are drawn rather.
    """
    scores = hash_ids(ids, problem.seed).astype(np.float64) / 2.0**64
    if problem.features is not None and len(ids):
        features = problem.features[problem.candidates]
        worth = None
        if by_cheap_answers is not None:
            places = np.empty(len(ids))
            places[order_by_score(by_cheap_answers, ids, problem.seed)] = np.arange(len(ids))
            worth = 1.0 - places / len(ids)
        chosen = choose_cover(features, problem.campaign.initial_batch, problem.seed, worth)
        scores[chosen] = 1.0 + np.arange(len(chosen), 0, -1)
    return scores


def _diversified(
    order: NDArray[np.int64], scores: NDArray[np.float64], problem: "RankingProblem"
) -> NDArray[np.int64]:
    """Return the order with the batch first, in the order of choice."""
    acquisition, features = problem.campaign.acquisition, problem.features
    if features is None or not len(order):
        return order
    if acquisition.diversity == 0 or acquisition.strategy is Strategy.RANDOM:
        return order
    best = order[: n_considered(acquisition.batch_size)]
    chosen = choose_batch(
        scores[best],
        features[problem.candidates[best]],
        acquisition.batch_size,
        acquisition.diversity,
        features[problem.waiting],
        unit=1.0 if acquisition.strategy.is_logarithmic else float(np.std(scores[best])),
    )
    others = np.delete(best, chosen)
    return np.concatenate([best[chosen], others, order[len(best) :]])


def _list(
    problem: "RankingProblem",
    rows: NDArray[np.int64],
    scores: NDArray[np.float64],
    feasibility: NDArray[np.float64],
) -> "pd.DataFrame":
    import pandas as pd

    columns: dict[str, object] = {
        "material_id": problem.names[rows],
        "rank": np.arange(1, len(rows) + 1),
        "acquisition": scores,
        "feasibility": feasibility,
    }
    for position, name in enumerate(problem.prediction.properties):
        columns[f"mean_{name}"] = problem.prediction.mean[rows, position]
        columns[f"std_{name}"] = problem.prediction.std[rows, position]
    return pd.DataFrame(columns)
