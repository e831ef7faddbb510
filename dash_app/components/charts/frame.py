"""What every chart of a campaign shares: margins, axes, lines, marks, and where one is laid out."""

from typing import Any, Final

from dash import dcc, html

from dash_app.components.wording import aria

# Variables of `assets/review.css`; a part after a slash is how opaque.
BLUE: Final = "--blue"
ORANGE: Final = "--orange"
GREEN: Final = "--green"
GREY: Final = "--grey"
BAND: Final = "--grey/0.22"
AIM: Final = "--green/0.13"
MARGIN: Final = {"l": 52, "r": 14, "t": 8, "b": 44}
_TEXT: Final = 12.5
SMALL: Final = 264
WIDE: Final = 352
Figure = dict[str, Any]
Trace = dict[str, Any]
_CLEAR: Final = "rgba(0,0,0,0)"
_LEGEND: Final[dict[str, Any]] = {
    "orientation": "h",
    "x": 0,
    "xanchor": "left",
    "y": 1.02,
    "yanchor": "bottom",
    "traceorder": "normal",
}
# Before anything is known: Plotly's own axes would look like those of a result.
_NOTHING: Final[Figure] = {
    "data": [],
    "layout": {
        "xaxis": {"visible": False},
        "yaxis": {"visible": False},
        "paper_bgcolor": _CLEAR,
        "plot_bgcolor": _CLEAR,
    },
}


def chart(name: str, label: str, height: int = SMALL) -> html.Div:
    """Lay out a chart so many pixels high; ``label`` says what it shows to who does not see it.

    The place has its height from the beginning, and the drawing follows the place: as long as nothing is drawn, nothing
    looks like a result, and nothing below moves when it is.
    """
    graph = dcc.Graph(
        id={"type": "chart", "name": name},
        figure=_NOTHING,
        config={"displayModeBar": False},
        responsive=True,
        className="chart",
        style={"height": f"{height}px"},
    )
    return html.Div(graph, role="img", className="figure-frame", **aria(label=label))


def figure(traces: list[Trace], across: str, up: str, *, has_legend: bool = False, **layout: Any) -> Figure:
    """Return a figure with both axes named; more of the ``layout`` joins what all have."""
    axis = {
        "gridcolor": "--line",
        "zeroline": False,
        "linecolor": "--strong-line",
        "automargin": True,
    }
    shared: Figure = {
        "margin": MARGIN,
        "paper_bgcolor": _CLEAR,
        "plot_bgcolor": _CLEAR,
        "font": {"family": "system-ui, sans-serif", "size": _TEXT, "color": "--soft"},
        "hoverlabel": {"bgcolor": "--ink", "font": {"color": "--paper"}, "align": "left"},
        "legend": _LEGEND,
        "showlegend": has_legend,
        "hovermode": "closest",
    }
    for name, title in (("xaxis", across), ("yaxis", up)):
        shared[name] = (
            axis | {"title": {"text": title, "standoff": 8, "font": {"size": _TEXT}}} | layout.pop(name, {})
        )
    return {"data": traces, "layout": shared | layout}


def empty_figure(text: str) -> Figure:
    """Return a figure that says why there is nothing to draw."""
    hidden = {"visible": False}
    note = {"text": text, "showarrow": False, "x": 0.5, "y": 0.5, "xref": "paper", "yref": "paper"}
    return figure([], "", "", xaxis=hidden, yaxis=hidden, annotations=[note])


def line(x: list[Any], y: list[Any], name: str, color: str, **more: Any) -> Trace:
    """Return a line; a ``dash`` makes it a dashed one, ``hover`` what its places say."""
    hover = more.pop("hover", None)
    style = {"color": color, "width": more.pop("width", 2), "dash": more.pop("dash", "solid")}
    if "shape" in more:
        style["shape"] = more.pop("shape")
    told = {"hoverinfo": "skip"} if hover is None else {"hovertemplate": hover + "<extra></extra>"}
    return {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": y,
        "name": name,
        "line": style,
        "cliponaxis": False,
        "showlegend": bool(name),
        **told,
        **more,
    }


def marks(x: list[Any], y: list[Any], name: str, color: str, hover: str, **more: Any) -> Trace:
    """Return marks without a line."""
    marker = {"color": color, "size": more.pop("size", 7), "symbol": more.pop("symbol", "circle")}
    return {
        "type": "scatter",
        "mode": "markers",
        "x": x,
        "y": y,
        "name": name,
        "marker": marker,
        "cliponaxis": False,
        "showlegend": bool(name),
        "hovertemplate": hover + "<extra></extra>",
        **more,
    }
