"""The pictures of a report, drawn by matplotlib: discovery curve, errors, calibration, parity.

Every function takes a summary and returns a figure; what a figure means for people stands in ``pages``.
"""

import io
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, Literal, ParamSpec, TypeVar

from catalyst_assets.report.summary import CampaignSummary, Parity, title_of, unit_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_P = ParamSpec("_P")
_R = TypeVar("_R")

BLUE, ORANGE, GREEN, GREY, INK = "#1f5fae", "#c8601a", "#2b8a5a", "#8a94a3", "#1d2733"
_STYLE: Final[dict[Any, Any]] = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#b4bcc8",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.titlepad": 10,
    "axes.titleweight": "bold",
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "grid.color": "#e6e9ee",
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "lines.linewidth": 1.8,
    "svg.fonttype": "path",
    "text.color": INK,
    "xtick.color": "#5b6675",
    "ytick.color": "#5b6675",
}


def _styled(draw: Callable[_P, _R]) -> Callable[_P, _R]:
    @wraps(draw)
    def styled(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        import matplotlib as mpl

        with mpl.rc_context(_STYLE):
            return draw(*args, **kwargs)

    return styled


@_styled
def discovery_curve(summary: CampaignSummary) -> "Figure":
    """Draw hits found against evaluations, with what random and perfect choice would have found.

    The band around random choice holds nine of ten random campaigns (hypergeometric quantiles).
    """
    figure, (axes,) = _figure((7.6, 4.4), 1)
    total = summary.hits_in_pool
    end = max(summary.evaluated, 1)
    if total is not None and summary.pool_size:
        _draw_random_and_ideal(axes, summary.pool_size, total, end)
    for iteration in summary.iterations[:-1]:
        axes.axvline(iteration.evaluated, color="#8a94a3", linewidth=0.9, linestyle=(0, (1, 3)), zorder=1)
    counted, found = zip(*((0, 0), *summary.discovery), strict=True)
    axes.step(counted, found, where="post", color=BLUE, linewidth=2.6, label="this campaign", zorder=4)
    axes.plot(counted[-1], found[-1], "o", color=BLUE, markersize=6, zorder=5)
    top = max(total or 0, summary.hits, 1)
    axes.set(xlim=(0, end * 1.015), ylim=(0, top * 1.12), xlabel="evaluations", ylabel="hits found")
    axes.locator_params(integer=True)
    axes.set_title(f"{summary.campaign}: {_found(summary)}")
    figure.legend(loc="outside lower center", ncols=3)
    if not summary.discovery:
        _note(axes, "nothing evaluated yet")
    return figure


@_styled
def error_per_iteration(summary: CampaignSummary) -> "Figure | None":
    """Draw the three errors of each property against the labels learned from; None before the first model."""
    series = (
        ("frozen test set", "test_mae_by_property", BLUE, "o"),
        ("predictions against validation", "validation_mae_by_property", ORANGE, "s"),
        ("unseen chemical systems", "valid_mae_by_property", GREEN, "^"),
    )
    names = sorted(
        {n for i in summary.iterations for _, attribute, *_ in series for n in getattr(i, attribute)}
    )
    if not names:
        return None
    columns = min(len(names), 3)
    rows = -(-len(names) // columns)
    figure, panels = _figure((4.2 * columns if columns > 1 else 7.6, 3.3 * rows + 0.5), len(names), columns)
    positions = range(len(summary.iterations))
    for axes, name in zip(panels, names, strict=True):
        for label, attribute, color, marker in series:
            values = [getattr(iteration, attribute).get(name) for iteration in summary.iterations]
            if any(value is not None for value in values):
                axes.plot(
                    positions, [float("nan") if value is None else value for value in values],
                    marker=marker, color=color, label=label, markersize=5,
                )  # fmt: skip
        axes.set_title(title_of(name))
        axes.set(xlabel="iteration", ylabel=f"mean absolute error ({unit_of(name)})")
        axes.set_ylim(bottom=0)
        axes.set_xticks(
            positions, [str(int(i.label)) if i.label.isdigit() else i.label for i in summary.iterations]
        )
    handles = {
        text: handle
        for axes in panels
        for handle, text in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        handles.values(), handles.keys(), loc="outside lower center", ncols=min(len(handles), columns + 1)
    )
    return figure


@_styled
def calibration_per_iteration(summary: CampaignSummary) -> "Figure | None":
    """Draw the miscalibration area of each iteration; None where it was never measured."""
    measured = [
        (i.label, i.miscalibration_area) for i in summary.iterations if i.miscalibration_area is not None
    ]
    if not measured:
        return None
    figure, (axes,) = _figure((7.6, 2.6), 1)
    labels = [str(int(label)) if label.isdigit() else label for label, _ in measured]
    areas = [area for _, area in measured]
    bars = axes.bar(labels, areas, width=0.5, color=BLUE)
    axes.bar_label(bars, fmt="%.3f", padding=2, fontsize=9)
    axes.set(xlabel="iteration", ylabel="miscalibration area", ylim=(0, max(*areas, 0.1) * 1.25))
    axes.grid(visible=False, axis="x")
    return figure


@_styled
def parity_plots(parity: tuple[Parity, ...]) -> "Figure | None":
    """Draw what was predicted, with one standard deviation, against what validation answered."""
    shown = [p for p in parity if p.observed]
    if not shown:
        return None
    columns = min(len(shown), 3)
    rows = -(-len(shown) // columns)
    figure, panels = _figure((4.0 * columns, 3.8 * rows), len(shown), columns)
    for axes, one in zip(panels, shown, strict=True):
        low = min(*one.observed, *one.predicted)
        high = max(*one.observed, *one.predicted)
        margin = 0.06 * (high - low) or 0.5
        span = (low - margin, high + margin)
        axes.plot(span, span, color=GREY, linewidth=1, linestyle=(0, (4, 3)))
        axes.errorbar(
            one.observed, one.predicted, yerr=one.std, fmt="o", color=BLUE, ecolor="#b9cbe3",
            elinewidth=1, markersize=4, alpha=0.9,
        )  # fmt: skip
        axes.set(xlim=span, xlabel=f"validated ({unit_of(one.property)})")
        axes.set_ylabel(f"predicted ({unit_of(one.property)})")
        axes.set_title(title_of(one.property))
    return figure


def image_bytes(figure: "Figure", kind: Literal["png", "svg"], name: str) -> bytes:
    """Return the figure as a file; the same figure under the same ``name`` gives the same bytes."""
    import matplotlib as mpl

    buffer = io.BytesIO()
    with mpl.rc_context({**_STYLE, "svg.hashsalt": name}):
        metadata = {"Date": None} if kind == "svg" else {"Software": None}
        figure.savefig(buffer, format=kind, dpi=160, metadata=metadata)
    return buffer.getvalue()


def _figure(size: tuple[float, float], panels: int, columns: int = 1) -> "tuple[Figure, list[Axes]]":
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    figure = Figure(figsize=size, layout=ConstrainedLayoutEngine(w_pad=0.12))
    rows = -(-panels // columns)
    return figure, [figure.add_subplot(rows, columns, position + 1) for position in range(panels)]


def _draw_random_and_ideal(axes: "Axes", pool_size: int, total: int, end: int) -> None:
    import numpy as np
    from scipy.stats import hypergeom

    counted = np.arange(0, end + 1)
    low = hypergeom.ppf(0.05, pool_size, total, counted)
    high = hypergeom.ppf(0.95, pool_size, total, counted)
    axes.fill_between(counted, low, high, step="post", color="#e9ecf1", linewidth=0, zorder=1)
    axes.plot(
        counted, counted * total / pool_size, color=GREY, label="random choice: mean, 5 to 95 %", zorder=2
    )
    axes.plot(
        counted, np.minimum(counted, total), color=GREEN, linewidth=1.2, linestyle=(0, (5, 3)),
        label=f"perfect choice: all {total}", zorder=2,
    )  # fmt: skip


def _found(summary: CampaignSummary) -> str:
    of_all = "" if summary.hits_in_pool is None else f" of {summary.hits_in_pool}"
    noun = "hit" if summary.hits == 1 and summary.hits_in_pool is None else "hits"
    return f"{summary.hits}{of_all} {noun} in {summary.evaluated} evaluations"


def _note(axes: "Axes", text: str) -> None:
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color="#5b6675")
