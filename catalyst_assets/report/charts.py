"""The pictures of a report, drawn by matplotlib: discovery curve, errors, calibration, parity, map.

Every function takes a summary or a part of it and returns figures; what a figure means for people stands in ``pages``.
"""

import math
import textwrap
from typing import TYPE_CHECKING, Final

from catalyst_assets.report.statistics import random_band
from catalyst_assets.report.styling import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PANEL,
    WIDE,
    new_figure,
    put_legend,
    styled,
)
from catalyst_assets.report.summary import CampaignSummary, IterationSummary, Parity, SpaceMap
from catalyst_assets.vocabulary.known import label_of, unit_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# A smooth curve needs no more places than the picture has points.
_PLACES: Final = 400
_SERIES: Final = (
    ("frozen test set", "test_mae_by_property", BLUE, "o"),
    ("predictions against validation", "validation_mae_by_property", ORANGE, "s"),
    ("unseen chemical systems", "valid_mae_by_property", GREEN, "^"),
)


@styled
def discovery_curve(summary: CampaignSummary) -> "Figure":
    """Draw hits found against evaluations, with what random and perfect choice would have found.

    The band around random choice holds 95 of 100 random campaigns. A campaign with an objective shows its best value.
    """
    figure, axes = new_figure(WIDE)
    end = max(summary.evaluated, 1)
    for iteration in summary.iterations[:-1]:
        axes.axvline(iteration.evaluated, color=GREY, linewidth=0.9, linestyle=(0, (1, 3)), zorder=1)
    axes.set(xlim=(0, end * 1.015), xlabel="evaluations")
    if summary.objective:
        _draw_best(axes, summary)
    else:
        _draw_hits(axes, summary, end)
    axes.locator_params(axis="x", integer=True)
    if axes.get_legend_handles_labels()[0]:
        put_legend(figure)
    if not summary.discovery:
        _note(axes, "nothing evaluated yet")
    return figure


@styled
def error_per_iteration(summary: CampaignSummary) -> "dict[str, Figure]":
    """Draw the three errors of each property; nothing before the first model."""
    names = sorted(
        {n for i in summary.iterations for _, attribute, *_ in _SERIES for n in getattr(i, attribute)}
    )
    figures = {}
    for name in names:
        label = f"mean absolute error ({unit_of(name)})"
        figure, axes = new_figure(PANEL, title=_fitted(label_of(name)), xlabel="iteration", ylabel=label)
        positions = range(len(summary.iterations))
        for label, attribute, color, marker in _SERIES:
            values = [getattr(iteration, attribute).get(name) for iteration in summary.iterations]
            if any(value is not None for value in values):
                axes.plot(
                    positions, [math.nan if value is None else value for value in values],
                    marker=marker, color=color, label=label, markersize=4,
                )  # fmt: skip
        axes.set_ylim(bottom=0)
        _number_iterations(axes, summary.iterations)
        put_legend(figure, 1)
        figures[name] = figure
    return figures


@styled
def calibration_per_iteration(summary: CampaignSummary) -> "Figure | None":
    """Draw the miscalibration area of each iteration; None where it was never measured."""
    areas = [math.nan if i.miscalibration_area is None else i.miscalibration_area for i in summary.iterations]
    measured = [area for area in areas if not math.isnan(area)]
    if not measured:
        return None
    figure, axes = new_figure((WIDE[0], 2.6), xlabel="iteration", ylabel="miscalibration area")
    axes.plot(range(len(areas)), areas, color=BLUE, marker="o", markersize=4)
    if len(measured) <= 12:
        for position, area in enumerate(areas):
            if not math.isnan(area):
                axes.annotate(
                    f"{area:.3f}", (position, area), xytext=(0, 6), textcoords="offset points", ha="center", fontsize=9
                )  # fmt: skip
    axes.set(xlim=(-0.5, len(areas) - 0.5), ylim=(0, max(*measured, 0.1) * 1.3))
    _number_iterations(axes, summary.iterations)
    return figure


@styled
def parity_plots(parity: tuple[Parity, ...]) -> "dict[str, Figure]":
    """Draw of each property what was predicted, with one standard deviation, against what validation answered."""
    figures = {}
    for one in parity:
        if not one.observed:
            continue
        unit = unit_of(one.property)
        labels = {"xlabel": f"validated ({unit})", "ylabel": f"predicted ({unit})"}
        figure, axes = new_figure(PANEL, title=_fitted(label_of(one.property)), **labels)
        low, high = min(*one.observed, *one.predicted), max(*one.observed, *one.predicted)
        margin = 0.06 * (high - low) or 0.5
        span = (low - margin, high + margin)
        axes.plot(span, span, color=GREY, linewidth=1, linestyle=(0, (4, 3)))
        axes.errorbar(
            one.observed, one.predicted, yerr=one.std, fmt="o", color=BLUE, ecolor="#b9cbe3",
            elinewidth=1, markersize=4, alpha=0.9, rasterized=len(one.observed) > _PLACES,
        )  # fmt: skip
        axes.set(xlim=span)
        axes.locator_params(axis="x", nbins=6)
        figures[one.property] = figure
    return figures


@styled
def space_map(space: SpaceMap) -> "Figure":
    """Draw where in the pool the campaign has looked, what it found there and where it looks next."""
    first, second = space.explained
    across, up = f"first component ({first:.0%} of variance)", f"second ({second:.0%})"
    figure, axes = new_figure((WIDE[0], 4.4), xlabel=across, ylabel=up)
    marks = (
        ("pool", "not evaluated", "o", "#c3cad4", 9),
        ("evaluated", "evaluated, no hit", "o", BLUE, 14),
        ("next", "next batch", "D", ORANGE, 26),
        ("hit", "hit", "*", GREEN, 90),
    )
    for order, (kind, label, marker, color, size) in enumerate(marks):
        places = [point for point, drawn in zip(space.points, space.kinds, strict=True) if drawn == kind]
        if places:
            x, y = zip(*places, strict=True)
            # Thousands of marks as shapes would make the page heavy and slow to print.
            axes.scatter(
                x, y, s=size, marker=marker, color=color, linewidths=0.4, label=f"{label} ({len(places):,})",
                edgecolors="white" if kind in ("next", "hit") else "none", zorder=2 + order,
                rasterized=len(places) > _PLACES,
            )  # fmt: skip
    axes.tick_params(labelbottom=False, labelleft=False)
    put_legend(figure)
    return figure


def _draw_hits(axes: "Axes", summary: CampaignSummary, end: int) -> None:
    import numpy as np

    total = summary.hits_in_pool
    if total is not None and summary.random_expected_hits is not None:
        places = np.unique(np.linspace(0, end, min(end, _PLACES) + 1).round().astype(np.int64))
        low, high = random_band(summary.pool_size, total, places)
        axes.fill_between(places, low, high, step="post", color="#e4e8ee", linewidth=0, zorder=1)
        mean = places * total / summary.pool_size
        axes.plot(places, mean, color=GREY, label="random choice: mean, 95 %", zorder=2)
        axes.plot(
            places, np.minimum(places, total), color=GREEN, linewidth=1.2, linestyle=(0, (5, 3)),
            label=f"perfect choice: all {total}", zorder=2,
        )  # fmt: skip
    counted, found = zip(*((0, 0), *summary.discovery), strict=True)
    axes.step(counted, found, where="post", color=BLUE, linewidth=2.4, label="this campaign", zorder=4)
    axes.plot(counted[-1], found[-1], "o", color=BLUE, markersize=6, zorder=5)
    of_all = "" if total is None else f" of {total}"
    noun = "hit" if summary.hits == 1 and total is None else "hits"
    title = f"{summary.hits}{of_all} {noun} in {summary.evaluated} evaluations"
    axes.set(ylim=(0, max(total or 0, summary.hits, 1) * 1.12), ylabel="hits found", title=title)
    axes.locator_params(axis="y", integer=True)


def _draw_best(axes: "Axes", summary: CampaignSummary) -> None:
    counted = range(1, len(summary.best) + 1)
    axes.step(counted, summary.best, where="post", color=BLUE, linewidth=2.4, zorder=4)
    axes.set(ylabel="best value so far", title=_fitted(summary.objective))


def _number_iterations(axes: "Axes", iterations: tuple[IterationSummary, ...]) -> None:
    """Label the places of iterations by their numbers, as many as there is room for."""
    step = -(-len(iterations) // 12)
    labels = [str(int(i.label)) if i.label.isdigit() else i.label for i in iterations]
    axes.set_xticks(range(0, len(labels), step), labels[::step])


def _fitted(title: str) -> str:
    """Return a title in lines that a panel is wide enough for; dollar signs begin no formula."""
    return textwrap.fill(title, 38).replace("$", r"\$")


def _note(axes: "Axes", text: str) -> None:
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color="#5b6675")
