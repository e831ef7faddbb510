"""Adding candidates of one's own: files or formulas, and what would become of each before they are sent.

The page is `assets/review_uploads.js`, which asks the API itself: files go there as they are.
"""

from typing import Any

import dash
from dash import ClientsideFunction, Dash, Input, Output, dcc, html

from catalyst_assets.constants import title_of
from dash_app.components.controls import button
from dash_app.components.wording import aria, formula
from dash_app.upload_contract import PROTOTYPE_FORMULAS


def register(app: Dash) -> None:
    """Add the page to ``app``."""
    dash.register_page("uploads", path="/uploads", title="Add candidates · Catalyst review", layout=_layout)
    app.clientside_callback(
        ClientsideFunction("review", "beginUploads"),
        Output("uploads-begun", "data"),
        Input("uploads-page", "id"),
    )


def _titled(prototype: str) -> str:
    """Return how a prototype is shown; symbols of the Strukturbericht (``L1_2``) as they are."""
    return prototype if prototype[1].isdigit() else title_of(prototype)


def _layout(**_: str) -> html.Div:
    prototypes = [html.Option("Choose a prototype", value="")]
    prototypes += [
        html.Option(f"{_titled(name)}, {kind}", value=name) for name, kind in PROTOTYPE_FORMULAS.items()
    ]
    files = html.Div(
        [
            html.H2("Structures"),
            html.P(
                "CIF, POSCAR or pymatgen's JSON; also compressed, or many in a ZIP.", className="soft small"
            ),
            html.Div(id="uploads-drop", className="drop"),
            html.Ul(id="uploads-files", className="menu"),
        ]
    )
    formulas = html.Div(
        [
            html.H2("Formulas on a prototype"),
            html.P(
                [
                    "Each becomes an ideal crystal, sized by ionic radii: ",
                    *formula("SrTiO3"),
                    " on a perovskite.",
                ],
                className="soft small",
            ),
            html.Label("Formulas", htmlFor="uploads-formulas"),
            html.Textarea(id="uploads-formulas", rows=4, placeholder="SrTiO3, BaZrO3"),
            html.Label("Prototype", htmlFor="uploads-prototype"),
            html.Select(prototypes, id="uploads-prototype"),
        ]
    )
    live: dict[str, Any] = aria(live="polite")
    return html.Div(
        [
            dcc.Store(id="uploads-begun"),
            html.H1("Add candidates"),
            html.P(
                "Materials of your own go into the pools of campaigns that name the source uploads, or no source. "
                "Look at what would become of each, then send them.",
                className="soft lead",
            ),
            html.Section(
                [
                    html.Div([files, formulas], className="two"),
                    html.Div(id="uploads-preview", **live),
                    html.Div(
                        [
                            html.Span(id="uploads-told", className="soft", role="status"),
                            button("Clear", "uploads-clear", "quiet"),
                            button("Send", "uploads-send", "primary", disabled=True),
                        ],
                        className="dialog-buttons",
                    ),
                ],
                className="panel decide",
            ),
            dcc.Link("What became of those that were sent", href="/data?show=uploads"),
        ],
        className="page uploads",
        id="uploads-page",
    )
