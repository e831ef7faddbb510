"""Small pictures for asset metadata: PNG in Markdown, so that Dagster's UI shows them in place.

Reports for people have figures of their own (``report``).
"""

import base64
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from catalyst_assets.constants import PROPERTIES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from catalyst_assets.learning.report import PropertyReport


def draw_parity(reports: "Mapping[str, PropertyReport]") -> str:
    """Draw out-of-fold predictions against labels, a panel a property."""
    figure, axes = _panels(len(reports))
    for panel, (name, report) in zip(axes, reports.items(), strict=True):
        known = PROPERTIES.get(name)
        unit = f" ({known.unit})" if known else ""
        panel.errorbar(
            report.observed, report.predicted, report.std, fmt=".", markersize=4, linewidth=0.4, alpha=0.7
        )
        ends = [
            float(min(report.observed.min(), report.predicted.min())),
            float(max(report.observed.max(), report.predicted.max())),
        ]
        panel.plot(ends, ends, color="grey", linewidth=0.8)
        panel.set_title(name.replace("_", " "), fontsize=9)
        panel.set(xlabel=f"label{unit}", ylabel=f"predicted, unseen chemistry{unit}")
    return _markdown(figure, "parity plot")


def draw_calibration(reports: "Mapping[str, PropertyReport]") -> str:
    """Draw the share of labels below each predicted quantile against the quantile."""
    figure, axes = _panels(1)
    panel = axes[0]
    panel.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
    for name, report in reports.items():
        levels = np.linspace(0, 1, len(report.calibration))
        label = f"{name.replace('_', ' ')} ({report.miscalibration_area:.2f})"
        panel.plot(levels, report.calibration, label=label)
    panel.set(xlabel="predicted quantile", ylabel="share of labels below", xlim=(0, 1), ylim=(0, 1))
    panel.legend(fontsize=6)
    return _markdown(figure, "calibration plot")


def draw_discovery(hits: Sequence[bool]) -> str:
    """Draw hits found against materials evaluated; one entry an evaluation, in order."""
    figure, axes = _panels(1)
    axes[0].step([*range(len(hits) + 1)], [0, *np.cumsum(hits)], where="post")
    axes[0].set(xlabel="materials evaluated", ylabel="hits found")
    return _markdown(figure, "discovery curve")


def markdown_table(rows: Sequence[Mapping[str, object]]) -> str:
    """Write rows as a Markdown table; their keys are the columns."""
    if not rows:
        return "*none*"
    columns = list(rows[0])
    lines = [" | ".join(columns), " | ".join("---" for _ in columns)]
    lines += [" | ".join(_cell(row[column]) for column in columns) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)


def _cell(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _panels(count: int) -> "tuple[Figure, list[Any]]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.2 * count, 2.8), layout="constrained")
    axes = figure.subplots(1, count, squeeze=False)
    return figure, list(axes[0])


def _markdown(figure: "Figure", title: str) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=80)
    return f"![{title}](data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()})"
