"""The scores of a whole pool, a chunk at a time and in threads: a million candidates need little more memory than one.

What is scored is ``utility``, how ``strategies``. A candidate's score does not depend on which others are scored
with it, beyond the spreads and the incumbent that all share.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.acquisition.strategies import Names, hash_ids, score
from catalyst_assets.acquisition.utility import Utility, fit_utility

if TYPE_CHECKING:
    from catalyst_assets.acquisition.problem import RankingProblem

# A chunk's temporary arrays fit a core's cache.
_CHUNK: Final = 1024
_MOST_THREADS: Final = 8
_DIGITS: Final = 9


def score_candidates(problem: "RankingProblem") -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Score the n candidates of a pool, in the order of their names.

    Returns
    -------
    scores
        Shape (n,), larger is better.
    feasibility
        Shape (n,): chance that all criteria hold; NaN without criteria.
    """
    campaign, prediction, rows = problem.campaign, problem.prediction, problem.candidates
    function, ids = fit_utility(problem), problem.names[rows]
    scores = np.empty(len(rows))
    feasibility = np.full(len(rows), np.nan)

    def work(start: int) -> None:
        chunk = slice(start, start + _CHUNK)
        taken = rows[chunk]
        utility = Utility(function, prediction.mean[taken], prediction.std[taken], prediction.draws[taken])
        scores[chunk] = score(
            campaign.acquisition.strategy,
            utility,
            ids[chunk],
            campaign.acquisition.exploration_weight,
            problem.seed,
        )
        if campaign.criteria:
            feasibility[chunk] = np.exp(np.minimum(utility.log_feasibility, 0.0))

    starts = range(0, len(rows), _CHUNK)
    with ThreadPoolExecutor(min(len(os.sched_getaffinity(0)), _MOST_THREADS)) as pool:
        for _ in pool.map(work, starts):
            pass
    return round_digits(scores), feasibility


def order_by_score(scores: NDArray[np.float64], ids: Names, seed: int) -> NDArray[np.int64]:
    """Return positions, the highest score first; of equal ones the order follows from their names and the seed."""
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    same = np.zeros(len(order), dtype=bool)
    same[1:] = ranked[1:] == ranked[:-1]
    tied = np.flatnonzero(same | np.append(same[1:], False))  # a run of equals, its first included
    if len(tied):
        hashes = hash_ids([ids[position] for position in order[tied]], seed)
        order[tied] = order[tied][np.lexsort((hashes, -ranked[tied]))]
    return np.asarray(order, dtype=np.int64)


def round_digits(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Drop the digits that depend on how a sum was split, so that they decide nothing."""
    magnitude = np.floor(np.log10(np.maximum(np.abs(values), 1e-300)))
    scale = 10.0 ** (_DIGITS - 1 - magnitude)
    with np.errstate(over="ignore", invalid="ignore"):
        rounded = np.round(values * scale) / scale
    return np.where(np.isfinite(rounded), rounded, values)
