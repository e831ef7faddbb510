"""What simulated campaigns add up to: evaluations to all and to half of the hits, beside random order; a picture."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from catalyst_assets.bench.discovery import Arm, SeedResult
from catalyst_assets.bench.pools import BenchmarkPool

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class ArmReport:
    """One arm; None where a run ended before that hit.

    Attributes
    ----------
    evaluations_to_all, evaluations_to_half, seconds
        One a seed.
    median_to_all, median_to_half, worst_to_all, worst_to_half
        With None counted as larger than any number; None where the median or the worst is.
    hits_at
        One list a seed: evaluations made when each hit was found.
    evaluated
        One a seed: evaluations made in all.
    train_seconds, predict_seconds, rank_seconds, iteration_seconds
        Medians over all iterations after the initial batch; None where there was none.
    slowest_iteration_seconds
        Of the slowest iteration of any seed.
    """

    strategy: str
    heads: str
    exploration_weight: float
    diversity: float
    evaluations_to_all: list[int | None]
    evaluations_to_half: list[int | None]
    median_to_all: float | None
    median_to_half: float | None
    worst_to_all: float | None
    worst_to_half: float | None
    hits_at: list[list[int]]
    evaluated: list[int]
    train_seconds: float | None
    predict_seconds: float | None
    rank_seconds: float | None
    iteration_seconds: float | None
    slowest_iteration_seconds: float | None
    seconds: list[float]


@dataclass(frozen=True)
class DiscoveryReport:
    """What `catalyst bench discovery --json` prints.

    Attributes
    ----------
    evaluations_to_all, evaluations_to_half, median_to_all, median_to_half, seconds
        Of the first arm.
    random_expected_to_all, random_expected_to_half
        What evaluating in random order needs on average for that hit: the k-th of h hits comes after
        k·(pool + 1)/(h + 1).
    derived
        Properties that known physics computed instead of a model.
    """

    campaign: str
    pool_size: int
    hits: int
    seeds: int
    derived: list[str]
    evaluations_to_all: list[int | None]
    evaluations_to_half: list[int | None]
    median_to_all: float | None
    median_to_half: float | None
    random_expected_to_all: float
    random_expected_to_half: float
    seconds: list[float]
    arms: list[ArmReport]


def summarize(
    pool: BenchmarkPool, arms: Sequence[Arm], results: Sequence[Sequence[SeedResult]]
) -> DiscoveryReport:
    """Summarize the campaigns of several arms, each with one result a seed."""
    n, hits = len(pool.material_ids), int(pool.is_hit.sum())
    half = (hits + 1) // 2
    reports = [_summarize_arm(arm, found, hits) for arm, found in zip(arms, results, strict=True)]
    first = reports[0]
    return DiscoveryReport(
        campaign=arms[0].campaign.name,
        pool_size=n,
        hits=hits,
        seeds=len(results[0]),
        derived=sorted(arms[0].campaign.derive),
        evaluations_to_all=first.evaluations_to_all,
        evaluations_to_half=first.evaluations_to_half,
        median_to_all=first.median_to_all,
        median_to_half=first.median_to_half,
        random_expected_to_all=hits * (n + 1) / (hits + 1),
        random_expected_to_half=half * (n + 1) / (hits + 1),
        seconds=first.seconds,
        arms=reports,
    )


def label_arms(arms: Sequence[ArmReport]) -> list[str]:
    """Name each arm by what tells it from the others."""
    fields = ("strategy", "heads", "exploration_weight", "diversity")
    varied = [name for name in fields if len({getattr(arm, name) for arm in arms}) > 1]
    named = {"strategy": "", "heads": "", "exploration_weight": "weight ", "diversity": "diversity "}
    return [
        ", ".join(f"{named[name]}{getattr(arm, name)}".replace("_", " ") for name in varied or ["strategy"])
        for arm in arms
    ]


def draw_arms(report: DiscoveryReport, path: Path) -> None:
    """Draw hits against evaluations: the median of the seeds, the range of all, and random order on average."""
    from catalyst_assets.figures import make_panels

    figure, (panel,) = make_panels(1, width=6.4, height=4.2)
    for arm, label in zip(report.arms, label_arms(report.arms), strict=True):
        _draw_arm(panel, arm, report.hits, label)
    reach = max(max(arm.evaluated) for arm in report.arms)
    found = np.arange(report.hits + 1)
    expected = found * (report.pool_size + 1) / (report.hits + 1)
    panel.plot(expected, found, color="0.6", linestyle="--", linewidth=1, label="random order on average")
    panel.set(
        xlim=(0, reach),
        ylim=(0, report.hits * 1.02),
        xlabel="materials evaluated",
        ylabel=f"hits found of {report.hits}",
    )
    panel.legend(fontsize=7, frameon=False, loc="upper left")
    figure.savefig(path, dpi=150)


def _draw_arm(panel: "Axes", arm: ArmReport, hits: int, label: str) -> None:
    at = np.full((len(arm.hits_at), hits), np.inf)
    for row, found in enumerate(arm.hits_at):
        at[row, : len(found)] = found
    counts = np.arange(1, hits + 1)
    middle, first, last = np.median(at, axis=0), at.min(axis=0), at.max(axis=0)
    known = np.isfinite(middle)
    # Once its median run has found its last hit, the curve goes on as far as that run did.
    end = max(float(np.median(arm.evaluated)), *middle[known], 0.0)
    (line,) = panel.step(
        [0, *middle[known], end], [0, *counts[known], known.sum()], where="post", linewidth=1.6, label=label
    )
    known = np.isfinite(last)
    if len(at) > 1 and known.any():
        panel.fill_betweenx(
            counts[known], first[known], last[known], color=line.get_color(), alpha=0.15, linewidth=0
        )


def _summarize_arm(arm: Arm, results: Sequence[SeedResult], hits: int) -> ArmReport:
    def at(result: SeedResult, which: int) -> int | None:
        return result.hits_at[which - 1] if len(result.hits_at) >= which else None

    to_all = [at(result, hits) for result in results]
    to_half = [at(result, (hits + 1) // 2) for result in results]
    stages = ("train_seconds", "predict_seconds", "rank_seconds")
    train, predict, rank = (
        [spent for result in results for spent in getattr(result, stage)] for stage in stages
    )
    iterations = [sum(spent) for spent in zip(train, predict, rank, strict=True)]
    acquisition = arm.campaign.acquisition
    return ArmReport(
        strategy=acquisition.strategy.value,
        heads=arm.heads,
        exploration_weight=acquisition.exploration_weight,
        diversity=acquisition.diversity,
        evaluations_to_all=to_all,
        evaluations_to_half=to_half,
        median_to_all=_over(to_all, statistics.median),
        median_to_half=_over(to_half, statistics.median),
        worst_to_all=_over(to_all, max),
        worst_to_half=_over(to_half, max),
        hits_at=[list(result.hits_at) for result in results],
        evaluated=[result.evaluated for result in results],
        train_seconds=_typical(train),
        predict_seconds=_typical(predict),
        rank_seconds=_typical(rank),
        iteration_seconds=_typical(iterations),
        slowest_iteration_seconds=round(max(iterations), 3) if iterations else None,
        seconds=[round(result.seconds, 2) for result in results],
    )


def _typical(seconds: list[float]) -> float | None:
    return round(statistics.median(seconds), 3) if seconds else None


def _over(values: list[int | None], take: "Callable[[list[float]], float]") -> float | None:
    taken = take([float("inf") if value is None else float(value) for value in values])
    return None if taken == float("inf") else taken
