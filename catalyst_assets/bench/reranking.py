"""How long it takes to rank stored predictions again under another strategy or weight, without refitting.

Predictions are made up: normal draws for every property of a campaign, in the type and shape in which the platform
stores them. Reading them from the database is not measured.
"""

import time
from dataclasses import dataclass
from typing import Final

import numpy as np

from catalyst_assets.acquisition.problem import RankingProblem
from catalyst_assets.acquisition.ranking import rank
from catalyst_assets.bench.memory import peak_memory
from catalyst_assets.campaigns.model import Campaign, Strategy
from catalyst_assets.learning.heads.head import typical_of
from catalyst_assets.learning.predictor import N_DRAWS, Prediction

# As many as a page of the review app can show; the order, and its hash, are always of all.
N_LISTED: Final = 1000
_CHUNK: Final = 10_000


@dataclass(frozen=True)
class RerankingRun:
    """One size of pool.

    Attributes
    ----------
    candidates
        How many were ranked.
    seconds
        Wall time of the best of the repeats; ``median_seconds`` and ``worst_seconds`` of all.
    cpu_seconds
        Processor time of the best of the repeats, over all threads.
    predictions_mb
        What the stored predictions take in memory (10⁶ bytes).
    peak_mb
        Most memory of the process while ranking, predictions included.
    """

    candidates: int
    seconds: float
    median_seconds: float
    worst_seconds: float
    cpu_seconds: float
    predictions_mb: float
    peak_mb: float


@dataclass(frozen=True)
class RerankingReport:
    """What `catalyst bench rerank --json` prints."""

    campaign: str
    strategy: str
    exploration_weight: float
    properties: int
    draws: int
    repeats: int
    runs: list[RerankingRun]


def measure_reranking(
    campaign: Campaign, strategy: Strategy, weight: float, sizes: list[int], repeats: int = 3
) -> RerankingReport:
    """Rank made-up predictions of pools of several sizes.

    Raises
    ------
    InvalidCampaignError
        The strategy does not suit the campaign.
    """
    runs = []
    for size in sizes:
        prediction = make_up_predictions(campaign, size)
        ids = [f"bench:{number:08d}" for number in range(size)]
        seconds, processor = [], []
        with peak_memory() as peak:
            for _ in range(repeats):
                started, began = time.perf_counter(), time.process_time()
                rank(RankingProblem(campaign, ids, prediction, 0).under(strategy, weight), N_LISTED)
                seconds.append(time.perf_counter() - started)
                processor.append(time.process_time() - began)
        arrays = (prediction.mean, prediction.std, prediction.draws)
        runs.append(
            RerankingRun(
                candidates=size,
                seconds=round(min(seconds), 3),
                median_seconds=round(float(np.median(seconds)), 3),
                worst_seconds=round(max(seconds), 3),
                cpu_seconds=round(min(processor), 3),
                predictions_mb=round(sum(array.nbytes for array in arrays) / 1e6, 1),
                peak_mb=round(peak.own_mb, 1),
            )
        )
    return RerankingReport(
        campaign=campaign.name,
        strategy=strategy.value,
        exploration_weight=weight,
        properties=len(campaign.predicted_properties),
        draws=N_DRAWS,
        repeats=repeats,
        runs=runs,
    )


def make_up_predictions(campaign: Campaign, size: int, seed: int = 0) -> Prediction:
    """Return predictions of so many materials: typical means, a spread of uncertainties, draws that follow them."""
    rng = np.random.default_rng(seed)
    names = campaign.predicted_properties
    centers, widths = np.array([typical_of(name) for name in names]).T
    mean = centers + widths * rng.standard_normal((size, len(names)))
    std = widths * rng.uniform(0.1, 0.8, (size, len(names)))
    noise = rng.standard_normal((N_DRAWS, len(names)))
    draws = np.empty((size, N_DRAWS, len(names)), dtype=np.float32)
    for start in range(0, size, _CHUNK):
        rows = slice(start, start + _CHUNK)
        draws[rows] = mean[rows, None] + std[rows, None] * noise
    return Prediction(names, mean, std, draws)
