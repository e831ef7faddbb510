"""Where each part of a material's page stands, before anything is known of it."""

from typing import Any

from dash import html

from dash_app.components.controls import button
from dash_app.components.material.standing import note_form
from dash_app.components.wording import aria


def material_body() -> html.Div:
    """Lay out the page: what is looked at in the wide column, what is looked up in the narrow one."""
    wide = [
        _structure(),
        _panel(
            "Predicted and measured",
            html.Div(id="material-campaigns"),
            html.Div(id="material-charts"),
            html.Div(id="material-track"),
        ),
        _panel("Ranked in", html.Div(id="material-rankings")),
        _panel("Results", html.Div(id="material-results", className="tall")),
        _panel(
            "Similar materials",
            html.Div(html.Div(className="skeleton"), id="material-neighbours", className="wide"),
        ),
    ]
    narrow = [
        html.Section(id="material-why", className="panel"),
        _panel("Crystal", html.Div(id="material-facts"), html.H3("Sources"), html.Div(id="material-sources")),
        _panel("Notes", note_form(), html.Div(id="material-notes")),
        _panel("Decisions", html.Div(id="material-history")),
        _panel("Known values", html.Div(id="material-values", className="wide")),
    ]
    return html.Div(
        [html.Div(wide, className="material-wide"), html.Div(narrow, className="material-narrow")],
        className="material-columns",
    )


def _panel(title: str, *children: Any) -> html.Section:
    return html.Section([html.H2(title), *children], className="panel")


def _structure() -> html.Section:
    cells = [
        button(f"{n}×{n}×{n}" if n > 1 else "1 cell", f"structure-cells-{n}", "chip", **_cells(n))
        for n in (1, 2, 3)
    ]
    tools = [
        html.H2("Structure"),
        html.Span("as ingested", className="soft small"),
        html.Span(className="gap"),
        html.Div(cells, className="chips-group", role="group", **aria(label="How many cells are shown")),
        button("Bonds", "structure-bonds", "chip", **aria(pressed="true")),
        button("Cell", "structure-cell", "chip", **aria(pressed="true")),
        button("Reset view", "structure-reset", "quiet"),
    ]
    place: dict[str, Any] = {"tabIndex": 0, "role": "img", **aria(label="Crystal structure")}
    return html.Section(
        [
            html.Div(tools, className="tools structure-tools", id="structure-tools"),
            html.Div(
                [
                    html.Div(id="structure-view", className="structure-view", **place),
                    html.Div(id="structure-message", className="structure-message", hidden=True),
                ],
                className="structure-place",
            ),
            html.Div(
                [
                    html.Ul(id="structure-legend", className="legend", **aria(label="Elements")),
                    html.Span(
                        "Drag or arrow keys turn it, + and − come closer; click it, then scroll, to zoom.",
                        className="soft small",
                    ),
                ],
                className="structure-foot",
                id="structure-foot",
            ),
            html.Details(
                [html.Summary("Sites"), html.Div(id="material-sites", className="tall")], id="sites-details"
            ),
        ],
        className="panel structure-panel",
    )


def _cells(n: int) -> dict[str, Any]:
    data: dict[str, Any] = {"data-cells": str(n)}
    return data | aria(pressed="true" if n == 1 else "false")
