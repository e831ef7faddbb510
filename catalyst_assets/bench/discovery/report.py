"""What simulated campaigns add up to: evaluations to all and to half of the hits, beside random order; a picture."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from catalyst_assets.bench.discovery.pools import BenchmarkPool
from catalyst_assets.bench.discovery.simulation import Arm, SeedResult
from catalyst_assets.report.statistics import random_expected_evaluations

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# What the whole report says of its first arm.
_OF_FIRST: Final = ("evaluations_to_all", "evaluations_to_half", "median_to_all", "median_to_half", "seconds")


@dataclass(frozen=True)
class ArmReport:
    """One arm; None where a run ended before that hit.

    Attributes
    ----------
    evaluations_to_all, evaluations_to_half, evaluations_to_first, seconds
        One a seed.
    median_to_all, median_to_half, median_to_first, worst_to_all, worst_to_half, worst_to_first
        With None counted as larger than any number; None where the median or the worst is.
    hits_at
        One list a seed: evaluations made when each hit was found.
    evaluated
        One a seed: evaluations made in all.
    median_found, worst_found
        Hits found in all.
    train_seconds, predict_seconds, rank_seconds, iteration_seconds
        Medians over all iterations after the initial batch; None where there was none.
    slowest_iteration_seconds
        Of the slowest iteration of any seed.
    earlier
        One a seed: iterations whose predictions came from a model of an earlier one.
    """

    strategy: str
    heads: str
    predict_with: str
    exploration_weight: float
    diversity: float
    evaluations_to_all: list[int | None]
    evaluations_to_half: list[int | None]
    evaluations_to_first: list[int | None]
    median_to_all: float | None
    median_to_half: float | None
    median_to_first: float | None
    worst_to_all: float | None
    worst_to_half: float | None
    worst_to_first: float | None
    hits_at: list[list[int]]
    evaluated: list[int]
    median_found: float
    worst_found: int
    train_seconds: float | None
    predict_seconds: float | None
    rank_seconds: float | None
    iteration_seconds: float | None
    slowest_iteration_seconds: float | None
    seconds: list[float]
    earlier: list[int]


@dataclass(frozen=True)
class DiscoveryReport:
    """What `catalyst bench discovery --json` prints.

    Attributes
    ----------
    evaluations_to_all, evaluations_to_half, median_to_all, median_to_half, seconds
        Of the first arm.
    random_expected_to_all, random_expected_to_half, random_expected_to_first
        What evaluating in random order needs on average for that hit: the k-th of h hits comes after
        k·(pool + 1)/(h + 1).
    derived
        Properties that known physics computed instead of a model.
    prior
        What is known cheaply of the pool, from the cheapest to the dearest.
    unanswered
        Rows of the pool's table that are left out, because what the campaign learns is blank.
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
    random_expected_to_first: float
    seconds: list[float]
    prior: list[str]
    unanswered: int
    arms: list[ArmReport]


def summarize(
    pool: BenchmarkPool, arms: Sequence[Arm], results: Sequence[Sequence[SeedResult]]
) -> DiscoveryReport:
    """Summarize the campaigns of several arms, each with one result a seed."""
    n, hits = len(pool.material_ids), int(pool.is_hit.sum())
    reports = [_summarize_arm(arm, found, hits) for arm, found in zip(arms, results, strict=True)]
    return DiscoveryReport(
        campaign=arms[0].campaign.name,
        pool_size=n,
        hits=hits,
        seeds=len(results[0]),
        derived=sorted(arms[0].campaign.derive),
        prior=[prior.method for prior in arms[0].campaign.prior or ()],
        unanswered=pool.n_unanswered,
        random_expected_to_all=random_expected_evaluations(n, hits, hits),
        random_expected_to_half=random_expected_evaluations(n, hits, (hits + 1) // 2),
        random_expected_to_first=random_expected_evaluations(n, hits, 1),
        arms=reports,
        **{name: getattr(reports[0], name) for name in _OF_FIRST},
    )


def label_arms(arms: Sequence[ArmReport]) -> list[str]:
    """Name each arm by what tells it from the others."""
    named = {
        "strategy": "",
        "heads": "",
        "predict_with": "predicted with ",
        "exploration_weight": "weight ",
        "diversity": "diversity ",
    }
    varied = [name for name in named if len({getattr(arm, name) for arm in arms}) > 1]
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
    expected = found * report.random_expected_to_all / report.hits
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
    known: dict[str, Any] = {}
    for which, wanted in (("all", hits), ("half", (hits + 1) // 2), ("first", 1)):
        at = [result.hits_at[wanted - 1] if len(result.hits_at) >= wanted else None for result in results]
        known |= {f"evaluations_to_{which}": at, f"median_to_{which}": _over(at, statistics.median)}
        known[f"worst_to_{which}"] = _over(at, max)
    spent = {
        stage: [seconds for result in results for seconds in getattr(result, stage)]
        for stage in ("train_seconds", "predict_seconds", "rank_seconds")
    }
    spent["iteration_seconds"] = iterations = [sum(stages) for stages in zip(*spent.values(), strict=True)]
    known |= {name: round(statistics.median(each), 3) if each else None for name, each in spent.items()}
    acquisition = arm.campaign.acquisition
    return ArmReport(
        strategy=acquisition.strategy.value,
        heads=arm.heads,
        predict_with=arm.predicts,
        exploration_weight=acquisition.exploration_weight,
        diversity=acquisition.diversity,
        hits_at=[list(result.hits_at) for result in results],
        evaluated=[result.evaluated for result in results],
        median_found=statistics.median(len(result.hits_at) for result in results),
        worst_found=min(len(result.hits_at) for result in results),
        slowest_iteration_seconds=round(max(iterations), 3) if iterations else None,
        seconds=[round(result.seconds, 2) for result in results],
        earlier=[result.earlier for result in results],
        **known,
    )


def _over(values: list[int | None], take: "Callable[[list[float]], float]") -> float | None:
    taken = take([float("inf") if value is None else float(value) for value in values])
    return None if taken == float("inf") else taken
