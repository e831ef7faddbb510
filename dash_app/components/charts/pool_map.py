"""Where the map is drawn, what it is coloured by, and the panel of what is chosen. `assets/review_map*.js` bring it to life."""

from typing import Any

from dash import html

from dash_app.components.controls import button
from dash_app.components.wording import aria


def map_tools() -> html.Div:
    """Lay out the line of controls above the map."""
    keys = "Drag moves, the wheel or + and − zoom, l or Shift-drag draws around some, Escape gives them up, 0 shows all"
    return html.Div(
        [
            html.Select(id="map-iteration", **aria(label="Iteration")),
            html.Label(["Colour by ", html.Select(id="map-colour")]),
            button("◌ Lasso", "map-lasso", "quiet", title="l, or Shift and drag", **aria(pressed="false")),
            button("Reset view", "map-whole", "quiet", title="0"),
            button("Clear selection", "map-clear", "link", hidden=True),
            html.Span(id="map-selection", className="soft", role="status"),
            html.Span(className="gap"),
            html.Span(id="map-told", className="soft", role="status", title=keys),
        ],
        className="tools",
    )


def map_area() -> html.Div:
    """Lay out the map, its legend, and the panel of what is chosen."""
    focus: dict[str, Any] = {"tabIndex": "0"}
    told = "Map of the pool. Arrows move it, plus and minus zoom, l begins to draw around a selection, Escape gives it up."
    frame = html.Div(
        [
            html.Canvas(id="map-canvas", **aria(hidden="true")),
            html.Canvas(id="map-over", role="img", **focus, **aria(label=told)),
            html.Div(id="map-legend", className="map-legend"),
            html.Div(id="map-axes", className="map-axes soft small"),
            html.Div(id="map-tip", className="map-tip", hidden=True),
            html.Div(id="map-message", className="grid-message", role="status", hidden=True),
        ],
        id="map-frame",
        className="grid-frame map-frame",
    )
    panel = html.Aside(
        [
            button("×", "map-close", "quiet close", title="Close", **aria(label="Close")),
            html.Div(id="map-chosen"),
        ],
        id="map-panel",
        className="detail",
        hidden=True,
        **aria(label="Selection"),
    )
    return html.Div([frame, panel], className="review")
