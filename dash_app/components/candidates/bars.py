"""Bars of predicted and measured values against the goal's ranges, as `assets/review_cells.js` draws them in the grid."""

from collections.abc import Iterable, Sequence

from dash import html

from dash_app.components.candidates.about import Window
from dash_app.components.wording import aria
from dash_app.contract import Predicted

Reach = tuple[float, float]
# Left free at both ends.
_MARGIN = 0.08


def reach_of(windows: Sequence[Window], predicted: Iterable[Predicted], measured: Iterable[float]) -> Reach:
    """Return what bars that are compared reach from and to; nothing to show is 0 to 1."""
    ends = [bound for window in windows for bound in window if bound is not None]
    ends += [end for each in predicted for end in (each.mean - each.std, each.mean + each.std)]
    ends += measured
    if not ends:
        return 0.0, 1.0
    low, high = min(ends), max(ends)
    margin = _MARGIN * ((high - low) or abs(high) or 1.0)
    return low - margin, high + margin


def value_bar(
    windows: Sequence[Window], predicted: Predicted | None, measured: float | None, reach: Reach
) -> html.Span:
    """Lay out one bar."""
    low, high = reach

    def at(value: float) -> float:
        return min(100.0, max(0.0, 100.0 * (value - low) / (high - low)))

    def span(kind: str, least: float | None, most: float | None) -> html.I:
        left = 0.0 if least is None else at(least)
        right = 100.0 if most is None else at(most)
        return html.I(
            className=kind, style={"left": f"{left:.2f}%", "width": f"{max(right - left, 0.0):.2f}%"}
        )

    parts = []
    for least, most in windows:
        edges = f"{'' if least is None else ' from'}{'' if most is None else ' to'}"
        parts.append(span(f"aim{edges}", least, most))
    if predicted is not None:
        parts.append(span("spread", predicted.mean - predicted.std, predicted.mean + predicted.std))
        parts.append(html.I(className="mean", style={"left": f"{at(predicted.mean):.2f}%"}))
    if measured is not None:
        parts.append(html.I(className="truth", style={"left": f"{at(measured):.2f}%"}))
    return html.Span(parts, className="value-bar", **aria(hidden="true"))
