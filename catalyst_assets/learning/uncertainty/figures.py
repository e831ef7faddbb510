"""Pictures of a model's held-out errors, as PNG: for asset metadata, tracking and benchmarks.

Everything is drawn from a report; nothing is computed here but what a picture needs.
"""

import math
import re
from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.figures import make_panels, to_png
from catalyst_assets.vocabulary.known import unit_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from catalyst_assets.learning.uncertainty.distance import DistanceBin
    from catalyst_assets.learning.uncertainty.report import PropertyReport, ValidationReport

_BLUE, _ORANGE, _GREY = "#1f5fae", "#c8601a", "#8a94a3"
# With more points, bars of uncertainty hide them.
_MOST_BARS: Final = 300
# Room beside labels and predictions for bars of uncertainty, at most, as a share of their range.
_MOST_MARGIN: Final = 0.25
_MEMBER: Final = re.compile(r"member(\d+)/")
# Such curves may cross zero, so that only a scale that is linear around it holds their outliers.
_LIKELIHOODS: Final = ("training_loss", "negative_log_likelihood", "negative_log_marginal_likelihood")
_WIDE: Final = 50
_LEGEND_INCHES: Final = 1.6
# What a curve's values are in, where it is not the property's unit.
_CURVE_UNITS: Final = {
    "validation_error": " (standard deviations)",
    "negative_log_likelihood": " (standardized)",
}


def draw_pictures(
    report: "ValidationReport",
    labels: NDArray[np.float64],
    chemical_systems: Sequence[str],
    properties: Sequence[str],
    by_distance: "Mapping[str, Sequence[DistanceBin]] | None" = None,
) -> dict[str, bytes]:
    """Draw every picture of a model that its report allows, by name.

    Parameters
    ----------
    report
        Of the model.
    labels, chemical_systems, properties
        What it was fitted to: shape (n, p), n and p of them.
    by_distance
        Held-out errors by distance, if they were measured.
    """
    errors = errors_by_element(report, labels, chemical_systems, properties)
    pictures = {"parity": draw_parity(report.properties), "calibration": draw_calibration(report.properties)}
    if errors:
        pictures["error_by_element"] = draw_error_by_element(errors)
    if report.curves:
        pictures["loss_curves"] = draw_loss_curves(report.curves)
    comparable = {name: bins for name, bins in (by_distance or {}).items() if len(bins) > 1}
    if comparable:
        pictures["error_against_distance"] = draw_error_against_distance(comparable)
    return pictures


def draw_parity(reports: "Mapping[str, PropertyReport]") -> bytes:
    """Draw held-out predictions against labels, a panel a property."""
    figure, panels = make_panels(len(reports), width=3.6, height=3.4)
    for panel, (name, report) in zip(panels, reports.items(), strict=True):
        low = float(min(report.observed.min(), report.predicted.min()))
        high = float(max(report.observed.max(), report.predicted.max()))
        extent = (high - low) or 1.0
        note = f"MAE {report.mae:.3g}{_unit(name, ' ')}, n = {report.n:,}"
        margin = 0.04 * extent
        if report.n <= _MOST_BARS:
            margin = float(np.clip(1.1 * np.median(report.std), margin, _MOST_MARGIN * extent))
            # Up to just inside the panel: a bar that is cut must not look as if it went on beside it.
            inside = 0.96 * margin
            below = np.minimum(report.std, report.predicted - low + inside)
            above = np.minimum(report.std, high + inside - report.predicted)
            if (np.minimum(below, above) < report.std).any():
                note += ", long bars cut"
            bars = np.stack([below, above])
            style: dict[str, Any] = {"fmt": "none", "ecolor": _GREY, "elinewidth": 0.5, "alpha": 0.6}
            panel.errorbar(report.observed, report.predicted, bars, **style)
        size, alpha = (9.0, 0.8) if report.n <= _MOST_BARS else (5.0, 0.35)
        panel.scatter(report.observed, report.predicted, s=size, alpha=alpha, color=_BLUE, linewidths=0)
        span = (low - margin, high + margin)
        panel.plot(span, span, color=_GREY, linewidth=0.8, zorder=0)
        panel.set(xlim=span, ylim=span, aspect="equal")
        panel.locator_params(nbins=6)
        panel.set(xlabel=with_unit("label", name), ylabel=with_unit("predicted, unseen chemistry", name))
        _title(panel, name, note)
    return to_png(figure)


def draw_calibration(reports: "Mapping[str, PropertyReport]") -> bytes:
    """Draw the share of labels below each predicted quantile against the quantile."""
    figure, (panel,) = make_panels(1, width=5.6, height=3.4)
    panel.plot([0, 1], [0, 1], color=_GREY, linewidth=0.8)
    for name, report in reports.items():
        levels = np.linspace(0, 1, len(report.calibration))
        label = f"{_words(name)} ({report.miscalibration_area:.3f})"
        panel.plot(levels, report.calibration, label=label, linewidth=1.4)
    panel.set(
        xlabel="predicted quantile", ylabel="share of labels below", xlim=(0, 1), ylim=(0, 1), aspect="equal"
    )
    panel.legend(
        title="miscalibration area", fontsize=7, title_fontsize=7, frameon=False,
        loc="center left", bbox_to_anchor=(1.02, 0.5),
    )  # fmt: skip
    return to_png(figure)


def draw_loss_curves(curves: Mapping[str, Sequence[float]]) -> bytes:
    """Draw curves of fits, a panel a metric of a property; lines of one colour are of one network or head.

    Parameters
    ----------
    curves
        By name: ``member<k>/<metric>`` and ``member<k>/<metric>/<property>`` of networks, against epochs;
        ``<property>/<metric>`` of heads, against steps, where one metric of all properties shares a panel.
    """
    from matplotlib.ticker import MaxNLocator

    panels_of: dict[tuple[str, str], dict[str, Sequence[float]]] = {}
    for name, curve in curves.items():
        metric, property_name, owner = parse_curve(name)
        panels_of.setdefault((metric, property_name), {})[owner] = curve
    owners = list(dict.fromkeys(owner for lines in panels_of.values() for owner in lines))
    by_epoch = all(_MEMBER.match(name) for name in curves)
    figure, panels = make_panels(len(panels_of), width=3.8, height=2.8, columns=2)
    handles: dict[str, Any] = {}
    for panel, key in zip(panels, sorted(panels_of, key=_place_of_curve), strict=True):
        (metric, property_name), lines = key, panels_of[key]
        for owner, curve in lines.items():
            (handles[owner],) = panel.plot(
                np.arange(1, len(curve) + 1),
                curve,
                color=f"C{owners.index(owner) % 10}",
                marker="o" if len(curve) < 3 else None,
                linewidth=0.9,
            )
        values = np.concatenate([np.asarray(curve, dtype=float) for curve in lines.values()])
        values = values[np.isfinite(values)]
        if metric in _LIKELIHOODS and np.abs(values).max(initial=0) > _WIDE:
            panel.set_yscale("symlog", linthresh=1)
        elif metric not in _LIKELIHOODS and len(values) and values.max() > _WIDE * values.min() > 0:
            panel.set_yscale("log")
        panel.set(xlabel="epoch" if by_epoch else "step", ylabel=_curve_label(metric, property_name))
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        if property_name:
            panel.set_title(fill(_words(property_name), 40), fontsize=9, fontweight="bold", loc="left")
    if len(owners) > 1 or owners[0]:
        figure.set_figwidth(figure.get_figwidth() + _LEGEND_INCHES)
        labels = [fill(_words(owner), 28) for owner in handles]
        figure.legend([*handles.values()], labels, fontsize=7, frameon=False, loc="outside right upper")
    return to_png(figure)


def draw_error_against_distance(tables: "Mapping[str, Sequence[DistanceBin]]") -> bytes:
    """Draw error, predicted standard deviation and coverage against the distance to the training set."""
    known = {name: bins for name, bins in tables.items() if len(bins) > 1}
    figure, panels = make_panels(2 * max(len(known), 1), width=3.7, height=2.9, columns=2)
    for panel in panels[2 * len(known) :]:
        panel.text(0.5, 0.5, "too few materials", ha="center", va="center")
    for number, (name, bins) in enumerate(known.items()):
        errors, shares = panels[2 * number], panels[2 * number + 1]
        middle = [(part.nearest + part.furthest) / 2 for part in bins]
        errors.plot(middle, [part.mae for part in bins], "o-", color=_BLUE, label="mean absolute error")
        errors.plot(
            middle, [part.mean_std for part in bins], "s--", color=_ORANGE, label="mean predicted std"
        )
        # The legend stands above the highest marker.
        highest = max(max(part.mae, part.mean_std) for part in bins) or 1.0
        errors.set(ylabel=with_unit("error", name), ylim=(-0.04 * highest, 1.45 * highest))
        errors.legend(fontsize=7, frameon=False, loc="upper left")
        for level, style in zip(bins[0].coverage, ("o-", "s-", "^-"), strict=False):
            (line,) = shares.plot(middle, [100 * part.coverage[level] for part in bins], style)
            shares.axhline(float(level), color=line.get_color(), linewidth=0.8, linestyle=":")
            shares.text(
                1.01, float(level), f"{level} %", color=line.get_color(), va="center", fontsize=7,
                transform=shares.get_yaxis_transform(),
            )  # fmt: skip
        shares.set(ylabel="inside the interval (%)", ylim=(-5, 107))
        for panel in (errors, shares):
            panel.set(xlabel="distance to the training set")
            panel.axvline(1, color=_GREY, linewidth=0.8, zorder=0)
            panel.margins(x=0.08)
        _title(errors, name, f"n = {sum(part.n for part in bins):,}; 1: a typical unseen system")
        _title(shares, name, "dotted: what was promised")
    return to_png(figure)


def error_by_element(
    chemical_systems: Sequence[str], errors: NDArray[np.float64]
) -> dict[str, tuple[float, int]]:
    """Return for each element the mean absolute error of the materials that hold it, and how many they are.

    Parameters
    ----------
    chemical_systems
        One a material, such as ``Ag-Al-O``.
    errors
        One a material.
    """
    found: dict[str, list[float]] = {}
    for system, error in zip(chemical_systems, errors, strict=True):
        for element in system.split("-"):
            found.setdefault(element, []).append(abs(float(error)))
    return {element: (float(np.mean(values)), len(values)) for element, values in sorted(found.items())}


def errors_by_element(
    report: "ValidationReport",
    labels: NDArray[np.float64],
    chemical_systems: Sequence[str],
    properties: Sequence[str],
) -> dict[str, dict[str, tuple[float, int]]]:
    """Return :func:`error_by_element` of each property that a report judges."""
    errors = {}
    for column, name in enumerate(properties):
        part = report.properties.get(name)
        if part is not None:
            systems = np.asarray(chemical_systems)[np.isfinite(labels[:, column])].tolist()
            errors[name] = error_by_element(systems, part.observed - part.predicted)
    return errors


def draw_error_by_element(errors: Mapping[str, Mapping[str, tuple[float, int]]]) -> bytes:
    """Draw mean absolute errors as heat maps of the periodic table, one a property.

    Parameters
    ----------
    errors
        By property and element: the mean absolute error, and how many materials it is of.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    figure, panels = make_panels(len(errors), width=8.4, height=4.4, columns=1 if len(errors) == 1 else 2)
    for panel, (name, elements) in zip(panels, errors.items(), strict=True):
        highest = max((error for error, _ in elements.values()), default=0.0) or 1.0
        shades = Normalize(0, highest)
        _draw_elements(panel, elements, shades)
        note = "mean absolute error of the materials with an element, below it; their number above"
        _title(panel, name, note)
        bar = figure.colorbar(ScalarMappable(shades, "YlOrRd"), ax=panel, shrink=0.75, pad=0.01)
        bar.set_label(with_unit("mean absolute error", name), fontsize=8)
        bar.ax.tick_params(labelsize=7)
        bar.outline.set_visible(False)
    return to_png(figure)


def parse_curve(name: str) -> tuple[str, str, str]:
    """Return the metric of a curve, its property if that has panels of its own, and whose it is; both may be empty."""
    member = _MEMBER.match(name)
    if member is None:
        owner, _, metric = name.rpartition("/")
        return metric, "", owner
    metric, _, property_name = name[member.end() :].partition("/")
    return metric, property_name, f"network {int(member[1]) + 1}"


def with_unit(text: str, name: str) -> str:
    """Write what is measured with the unit of a property: "label (eV)"."""
    return text + _unit(name, " (", ")")


def _draw_elements(panel: "Axes", elements: Mapping[str, tuple[float, int]], shades: Any) -> None:
    from matplotlib import colormaps
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle
    from pymatviz.utils.data import df_ptable

    digits, cells, texts = _digits(elements), [], []
    for symbol, row, column in zip(df_ptable.index, df_ptable["row"], df_ptable["column"], strict=True):
        error, count = elements.get(symbol, (math.nan, 0))
        color = colormaps["YlOrRd"](shades(error)) if count else (0.96, 0.96, 0.96, 1.0)
        cells.append(Rectangle((column, -row), 0.94, 0.94, facecolor=color, edgecolor="none"))
        dark = count and np.dot(color[:3], (0.299, 0.587, 0.114)) < 0.5
        ink = ("white" if dark else "black") if count else "#9aa2ad"
        centred: dict[str, Any] = {"ha": "center", "va": "center", "color": ink}
        texts.append(panel.text(column + 0.47, -row + 0.5, symbol, fontsize=9, **centred))
        if count:
            small = centred | {"fontsize": 5.5}
            texts.append(panel.text(column + 0.47, -row + 0.17, f"{error:.{digits}f}", **small))
            texts.append(panel.text(column + 0.47, -row + 0.8, f"{count:,}", **small))
    panel.add_collection(PatchCollection(cells, match_original=True), autolim=False)
    for text in texts:
        text.set_in_layout(False)  # hundreds of texts inside the panel, each measured again and again
    panel.set(xlim=(0.9, 19), ylim=(-float(df_ptable["row"].max()) - 0.05, 0), aspect="equal")
    panel.axis("off")


def _digits(elements: Mapping[str, tuple[float, int]]) -> int:
    """Return how many decimals show the largest error to three digits, of which two are of use at least."""
    largest = max((error for error, _ in elements.values()), default=0.0)
    return min(max(2 - math.floor(math.log10(largest)), 0), 3) if largest > 0 else 2


def _place_of_curve(key: tuple[str, str]) -> tuple[bool, bool, str, str]:
    """Return what panels are ordered by: the learning rate last, before it what is of one property."""
    metric, property_name = key
    return metric == "learning_rate", bool(property_name), property_name, metric


def _curve_label(metric: str, property_name: str) -> str:
    text = _words(metric)
    if metric == "mean_absolute_error":
        return with_unit(text, property_name)
    return text + _CURVE_UNITS.get(metric, "")


def _title(panel: "Axes", name: str, note: str) -> None:
    width = max(24, int(panel.get_window_extent().width / panel.figure.dpi * 12))
    panel.set_title(fill(_words(name), width), fontsize=9, fontweight="bold", loc="left", pad=14)
    panel.text(0, 1.015, note, transform=panel.transAxes, fontsize=7, color="#5b6675", va="bottom")


def _words(name: str) -> str:
    return name.replace("_", " ").replace("/", " / ")


def _unit(name: str, before: str = "", after: str = "") -> str:
    unit = unit_of(name)
    return f"{before}{unit}{after}" if unit else ""
