"""How good a campaign's models are, property by property: errors by iteration, calibration, predicted against measured."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Final

from dash_app.components.charts.frame import (
    AIM,
    BLUE,
    GREEN,
    GREY,
    MARGIN,
    ORANGE,
    Figure,
    Trace,
    empty_figure,
    figure,
    line,
    marks,
)
from dash_app.components.wording import count, number
from dash_app.contract import Iteration
from dash_app.progress_contract import EvaluatedMaterial

Window = list[float | None]
_LEVELS: Final = [step / 20 for step in range(1, 20)]
# Of fewer answers a share says nothing.
_FEWEST: Final = 5
_HELD_OUT: Final = (50, 80, 95)
# As the report names and colours them.
_SERIES: Final = (
    ("Unseen chemical systems", "valid_mae_by_property", GREEN, "triangle-up"),
    ("Frozen test set", "test_mae_by_property", BLUE, "circle"),
    ("What was validated", "validation_mae_by_property", ORANGE, "square"),
)


@dataclass(frozen=True)
class Answer:
    """What was predicted of a material by something that had learned, and what was measured."""

    material: EvaluatedMaterial
    measured: float
    predicted: float
    std: float


def answers_to(name: str, evaluated: Sequence[EvaluatedMaterial]) -> list[Answer]:
    """Return the answers about a property that a model had predicted."""
    found = []
    for each in evaluated:
        told = each.properties.get(name)
        if told is None or not each.learned or told.measured is None or told.predicted is None:
            continue
        found.append(Answer(each, told.measured, told.predicted, told.uncertainty or 0.0))
    return found


def error_figure(name: str, unit: str, iterations: Sequence[Iteration], answers: Sequence[Answer]) -> Figure:
    """Draw mean absolute errors by iteration, as the report does, and dashed their root mean squares."""
    numbers = [each.iteration for each in iterations]
    traces: list[Trace] = []
    for label, metric, color, symbol in _SERIES:
        values = [(each.metrics.get(metric) or {}).get(name) for each in iterations]
        if any(value is not None for value in values):
            trace = line(numbers, values, label, color, hover=f"{label}<br>MAE %{{y:.3g}} {unit}")
            traces.append(
                trace | {"mode": "lines+markers", "marker": {"color": color, "symbol": symbol, "size": 7}}
            )
    squares = {
        GREEN: [(each.metrics.get("held_out_by_property") or {}).get(name, {}).get("rmse") for each in iterations],
        ORANGE: [_rmse([a for a in answers if a.material.iteration == n]) for n in numbers],
    }  # fmt: skip
    traces += [
        line(numbers, values, "", color, width=1.2, dash="dot", hover=f"RMSE %{{y:.3g}} {unit}")
        for color, values in squares.items()
        if any(value is not None for value in values)
    ]
    if not traces:
        return empty_figure("No error is measured yet")
    whole = {"dtick": 1} if len(numbers) <= 12 else {}
    return figure(
        traces,
        "Iteration",
        f"Error ({unit})" if unit else "Error",
        xaxis={"tickformat": "d", "range": [min(numbers) - 0.3, max(numbers) + 0.3], **whole},
        yaxis={"rangemode": "tozero"},
    )


def calibration_figure(name: str, iterations: Sequence[Iteration], answers: Sequence[Answer]) -> Figure:
    """Draw how many answers lie within the predicted intervals, against how many should."""
    traces: list[Trace] = [line([0, 100], [0, 100], "Perfect", GREY, width=1, dash="dash")]
    observed = [100 * share for share in coverage(answers, _LEVELS)] if len(answers) >= _FEWEST else []
    if observed:
        traces.append(
            line(
                [0, *(100 * level for level in _LEVELS), 100], [0, *observed, 100], "What was validated", ORANGE,
                hover="Interval of %{x:.0f} %<br>holds %{y:.0f} % of the answers",
            )
        )  # fmt: skip
    held_out = _held_out(name, iterations)
    if held_out:
        traces.append(
            marks(
                [*held_out], [100 * share for share in held_out.values()], "Unseen chemical systems", GREEN,
                "Interval of %{x} %<br>holds %{y:.0f} % of the labels left out", symbol="triangle-up", size=9,
            )
        )  # fmt: skip
    if len(traces) == 1:
        return empty_figure("Not measured yet")
    ticks = [0, 25, 50, 75, 100]
    texts = [f"{tick}\u2009%" for tick in ticks]
    # One of the two noughts at the corner is enough.
    return figure(
        traces,
        "Stated interval",
        "Measured inside it",
        xaxis={"range": [0, 100], "tickvals": ticks, "ticktext": texts},
        yaxis={"range": [0, 103], "tickvals": ticks[1:], "ticktext": texts[1:]},
        margin=MARGIN | {"r": 28},
    )


def calibration_remark(name: str, iterations: Sequence[Iteration], answers: Sequence[Answer]) -> str:
    """Say the same in numbers: coverage, and the area between the curve and the diagonal."""
    said = []
    held_out = _held_out(name, iterations)
    area = _newest(iterations, "miscalibration_area_by_property", name)
    if held_out:
        shares = ", ".join(f"{level} %: {100 * share:.0f} %" for level, share in held_out.items())
        said.append(f"Of labels left out lie within {shares}.")
    if area is not None:
        said.append(f"Miscalibration area {number(area, 2)}; 0 is perfect, 0.5 the worst.")
    if answers and len(answers) < _FEWEST:
        said.append(f"{count(len(answers), 'answer')}: too few to tell a share.")
    elif answers:
        (share,) = coverage(answers, [0.8])
        said.append(f"Of {count(len(answers), 'validated answer')} {100 * share:.0f} % lie within 80 %.")
    return " ".join(said)


def parity_figure(
    unit: str, answers: Sequence[Answer], windows: Sequence[Window], has_criteria: bool
) -> Figure:
    """Draw what was predicted, with one standard deviation, against what was measured; the goal shaded."""
    if not answers:
        return empty_figure("Nothing that a model predicted is measured yet")
    low = min(min(each.measured, each.predicted) for each in answers)
    high = max(max(each.measured, each.predicted) for each in answers)
    margin = 0.08 * (high - low) or 0.5
    span = [low - margin, high + margin]
    traces: list[Trace] = [line(span, span, "", GREY, width=1, dash="dash")]
    groups = (("Hit", True, GREEN, "star", 11), ("No hit", False, BLUE, "circle", 6))
    for label, is_hit, color, symbol, size in groups:
        some = [each for each in answers if bool(each.material.hit) is is_hit]
        if some:
            traces.append(_parity_marks(some, label if has_criteria else "", color, symbol, size, unit))
    suffix = f" ({unit})" if unit else ""
    return figure(
        traces,
        f"Measured{suffix}",
        f"Predicted{suffix}",
        shapes=[_window_shape(window, span) for window in windows],
        xaxis={"range": span},
        yaxis={"range": span},
    )


def parity_remark(unit: str, answers: Sequence[Answer], windows: Sequence[Window]) -> str:
    """Say how large the errors are."""
    if not answers:
        return ""
    mae = sum(abs(each.measured - each.predicted) for each in answers) / len(answers)
    bias = sum(each.predicted - each.measured for each in answers) / len(answers)
    whiskers = " Whiskers are one predicted standard deviation"
    shaded = f"{whiskers}, stars hits; shaded is what the goal asks for." if windows else f"{whiskers}."
    side = "more" if bias > 0 else "less"
    return (
        f"{count(len(answers), 'answer')}: MAE {number(mae)} {unit}, RMSE {number(_rmse(answers))} {unit}; on average "
        f"{number(abs(bias), 2)} {unit} {side} is predicted than measured.{shaded}"
    )


def coverage(answers: Sequence[Answer], levels: Sequence[float]) -> list[float]:
    """Return the share of answers within the central interval of each level, of a normal as predicted."""
    positions = [abs(each.measured - each.predicted) / max(each.std, 1e-12) for each in answers]
    reaches = [NormalDist().inv_cdf((1 + level) / 2) for level in levels]
    return [sum(position <= reach for position in positions) / len(positions) for reach in reaches]


def _parity_marks(some: Sequence[Answer], label: str, color: str, symbol: str, size: int, unit: str) -> Trace:
    texts = [
        f"{each.material.formula}, iteration {each.material.iteration}<br>measured {number(each.measured)} {unit}"
        f"<br>predicted {number(each.predicted)} ± {number(each.std, 2)} {unit}"
        for each in some
    ]
    trace = marks(
        [each.measured for each in some], [each.predicted for each in some], label, color, "%{text}",
        symbol=symbol, size=size, text=texts, customdata=[each.material.material_id for each in some],
    )  # fmt: skip
    spread = {
        "type": "data",
        "array": [each.std for each in some],
        "color": f"{color}/0.35",
        "thickness": 1,
        "width": 0,
    }
    return trace | {"error_y": spread}


def _window_shape(window: Window, span: list[float]) -> dict[str, Any]:
    low, high = window
    start, end = span[0] if low is None else low, span[1] if high is None else high
    return {
        "type": "rect",
        "layer": "below",
        "x0": max(start, span[0]),
        "x1": min(end, span[1]) if end > span[0] else span[0],
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "line": {"width": 0},
        "fillcolor": AIM,
    }


def _held_out(name: str, iterations: Sequence[Iteration]) -> dict[int, float]:
    newest: dict[str, float] = _newest(iterations, "held_out_by_property", name) or {}
    return {
        level: newest[f"coverage_{level}"]
        for level in _HELD_OUT
        if newest.get(f"coverage_{level}") is not None
    }


def _newest(iterations: Sequence[Iteration], metric: str, name: str) -> Any:
    told = ((each.metrics.get(metric) or {}).get(name) for each in reversed(iterations))
    return next((value for value in told if value is not None), None)


def _rmse(answers: Sequence[Answer]) -> float | None:
    if not answers:
        return None
    return math.sqrt(sum((each.measured - each.predicted) ** 2 for each in answers) / len(answers))
