"""How many evaluations a campaign needs to find every hit of a pool whose answers are known.

A simulated campaign: the same fitting, derivation and ranking as the assets, without Dagster or a database. The
model sees an answer only once it was asked for.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from catalyst_assets.acquisition.ranking import rank
from catalyst_assets.bench.pools import BenchmarkPool
from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.errors import InvalidPoolError
from catalyst_assets.learning.heads import fit_head
from catalyst_assets.learning.property_model import HeadSettings
from catalyst_assets.prediction.members import append_derived
from catalyst_assets.seeds import derive_seed

if TYPE_CHECKING:
    from catalyst_assets.representation.features import Features

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class SeedResult:
    """One simulated campaign.

    Attributes
    ----------
    hits_at
        How many evaluations had been made when each hit was found, in order.
    evaluated
        How many there were in all.
    seconds
        Wall time.
    """

    hits_at: tuple[int, ...]
    evaluated: int
    seconds: float


@dataclass(frozen=True)
class DiscoveryReport:
    """What `catalyst bench discovery --json` prints; None where a run ended before that hit.

    Attributes
    ----------
    evaluations_to_all, evaluations_to_half, seconds
        One a seed.
    median_to_all, median_to_half
        With None counted as larger than any number; None where the median is.
    random_expected_to_all
        What evaluating in random order needs on average: hits·(pool + 1)/(hits + 1).
    """

    pool_size: int
    hits: int
    evaluations_to_all: list[int | None]
    evaluations_to_half: list[int | None]
    median_to_all: float | None
    median_to_half: float | None
    random_expected_to_all: float
    seconds: list[float]


def featurize_pool(pool: BenchmarkPool) -> "Features":
    """Compute what a model learns from of a pool, with the platform's own backbone.

    Raises
    ------
    InvalidPoolError
        A structure has none.
    """
    from catalyst_assets.representation.backbones import build_backbone
    from catalyst_assets.representation.features import featurize

    features = featurize(pool.structures, build_backbone()).informed()
    if features.failures:
        row, reason = min(features.failures.items())
        raise InvalidPoolError(
            f"{len(features.failures)} structures of the pool cannot be described, the first in row {row + 2}: {reason}",
            "Correct or remove these rows (the first line is row 1).",
        )
    return features


def simulate(
    pool: BenchmarkPool, features: "Features", campaign: Campaign, seed: int, progress: Progress | None = None
) -> SeedResult:
    """Run one campaign until its last hit or its stop rules.

    Parameters
    ----------
    pool
        With its answers.
    features
        Of its structures.
    campaign
        Its stop rules are respected; its seed is replaced.
    seed
        Of everything random.
    progress
        Called after each batch with the state in words, the evaluations so far and the most there can be.
    """
    started = time.monotonic()
    campaign = campaign.model_copy(update={"seed": seed})
    row_of = {name: row for row, name in enumerate(pool.material_ids)}
    limit = min(campaign.stop.max_evaluations or len(row_of), len(row_of))
    wanted = min(campaign.stop.target_hits or len(row_of), int(pool.is_hit.sum()))
    evaluated: list[int] = []
    hits_at: list[int] = []
    turn = 0
    while len(evaluated) < limit and len(hits_at) < wanted:
        if campaign.stop.max_iterations is not None and turn >= campaign.stop.max_iterations:
            break
        size = campaign.initial_batch if turn == 0 else campaign.acquisition.batch_size
        order = _rank_turn(pool, features, campaign, turn, np.array(evaluated, dtype=np.int64))
        for name in order[: min(size, limit - len(evaluated))]:
            evaluated.append(row_of[name])
            if pool.is_hit[row_of[name]]:
                hits_at.append(len(evaluated))
        turn += 1
        if progress is not None:
            progress(f"{len(hits_at)} of {int(pool.is_hit.sum())} hits", len(evaluated), limit)
    return SeedResult(tuple(hits_at), len(evaluated), time.monotonic() - started)


def summarize(pool: BenchmarkPool, results: list[SeedResult]) -> DiscoveryReport:
    """Summarize the campaigns of several seeds."""
    n, hits = len(pool.material_ids), int(pool.is_hit.sum())

    def at(result: SeedResult, which: int) -> int | None:
        return result.hits_at[which - 1] if len(result.hits_at) >= which else None

    to_all = [at(result, hits) for result in results]
    to_half = [at(result, (hits + 1) // 2) for result in results]
    return DiscoveryReport(
        pool_size=n,
        hits=hits,
        evaluations_to_all=to_all,
        evaluations_to_half=to_half,
        median_to_all=_median(to_all),
        median_to_half=_median(to_half),
        random_expected_to_all=hits * (n + 1) / (hits + 1),
        seconds=[round(result.seconds, 2) for result in results],
    )


def _rank_turn(
    pool: BenchmarkPool, features: "Features", campaign: Campaign, turn: int, evaluated: np.ndarray
) -> list[str]:
    """Fit on what was evaluated, predict the pool and return the candidates, best first."""
    properties = list(campaign.learned_properties)
    known = pool.values.iloc[evaluated]
    head = fit_head(
        features.values[evaluated],
        features.names,
        known[properties].to_numpy(np.float64),
        [pool.chemical_systems[row] for row in evaluated],
        properties,
        HeadSettings(seed=derive_seed(campaign.seed, "head")),
    )
    prediction = head.predict(features.values, seed=derive_seed(campaign.seed, turn, "draws"))
    ranking = rank(
        append_derived(campaign, prediction, pool.formulas),
        features.values,
        pool.material_ids,
        campaign,
        derive_seed(campaign.seed, turn, "ranking"),
        frozenset(pool.material_ids[row] for row in evaluated),
        labels=known,
    )
    return list(ranking.frame["material_id"])


def _median(values: list[int | None]) -> float | None:
    median = statistics.median([float("inf") if value is None else float(value) for value in values])
    return None if median == float("inf") else median
