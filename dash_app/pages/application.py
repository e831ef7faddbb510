"""The Dash application on the server's own FastAPI: frame, pages, and what happens when a callback fails."""

import logging
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import dash
from dash import ClientsideFunction, Dash, Input, Output, dcc, html
from fastapi import FastAPI

from dash_app.client import ApiClient, ApiError
from dash_app.components.candidates.review_area import help_dialog
from dash_app.components.controls import button
from dash_app.components.messages import no_page, problem
from dash_app.components.wording import aria
from dash_app.contract import API_PREFIX
from dash_app.pages import (
    campaign,
    campaigns,
    data,
    material,
    new_campaign,
    pool_map,
    progress,
    results,
    runs,
    uploads,
    validation,
)
from dash_app.people_contract import Visitor

_ASSETS: Final = Path(__file__).parent.parent / "assets"
_LOG: Final = logging.getLogger(__name__)
# Dash's own page does not say which language it is in.
_INDEX: Final = """<!DOCTYPE html>
<html lang="en">
  <head>{%metas%}<title>{%title%}</title>{%favicon%}{%css%}</head>
  <body>{%app_entry%}<footer>{%config%}{%scripts%}{%renderer%}</footer></body>
</html>
"""


def add_pages(server: FastAPI, client: ApiClient) -> Dash:
    """Serve the pages from ``server``.

    Parameters
    ----------
    client
        Where everything shown comes from and every decision goes to.
    """
    app = Dash(
        "dash_app",
        server=server,  # type: ignore[arg-type]  # Dash takes any server it has a backend for
        assets_folder=str(_ASSETS),
        # What one page needs is asked for by that page.
        assets_path_ignore=["vendor"],
        use_pages=True,
        pages_folder="",
        include_pages_meta=False,
        serve_locally=True,
        suppress_callback_exceptions=True,
        title="Catalyst review",
        index_string=_INDEX,
        update_title="",
        on_error=_show_failure,
        add_log_handler=False,
    )
    app.layout = _frame()
    _register_visitor(app, client)
    campaigns.register(app, client)
    new_campaign.register(app, client)
    progress.register(app, client)
    pool_map.register(app, client)
    validation.register(app, client)
    campaign.register(app, client)
    results.register(app, client)
    runs.register(app, client)
    data.register(app, client)
    material.register(app, client)
    uploads.register(app)
    dash.register_page("not_found_404", layout=_not_found, title="Not found · Catalyst review")
    return app


def _frame() -> html.Div:
    links = [
        dcc.Link("Campaigns", href="/"),
        dcc.Link("Runs", href="/runs"),
        dcc.Link("Data", href="/data"),
        html.A("API ↗", href=f"{API_PREFIX}/docs", title="The API's reference, beyond these pages"),
    ]
    tools = [
        html.Span(
            id="live", className="live", role="status", title="Changes made elsewhere appear by themselves"
        ),
        button("?", "keys", "quiet icon", title="Help: ?", **aria(label="Help")),
        button("◐", "theme", "quiet icon", title="Light or dark", **aria(label="Light or dark")),
    ]
    top = [
        dcc.Link("Catalyst review", href="/", className="wordmark"),
        html.Nav(links, **aria(label="Main")),
        html.Div(tools, className="top-tools"),
        html.Div(id="who", className="reviewer"),
    ]
    offline = html.Div(
        "The server does not answer. What is shown stays as it was; it is tried again by itself.",
        id="offline",
        className="band problem",
        role="alert",
        hidden=True,
    )
    return html.Div(
        [
            dcc.Store(id="visitor"),
            dcc.Store(id="section"),
            html.A("To the page's content", href="#content", className="skip"),
            html.Header(top, className="top"),
            offline,
            html.Div(id="unsent", className="band warning", role="status", hidden=True),
            html.Div(id="notice", role="status", **aria(live="polite")),
            html.Main(dash.page_container, id="content"),
            html.Div(id="toasts", className="toasts"),
            help_dialog(),
        ],
        id="frame",
    )


def _register_visitor(app: Dash, client: ApiClient) -> None:
    app.clientside_callback(
        ClientsideFunction("review", "markSection"),
        Output("section", "data"),
        Input("_pages_location", "pathname"),
    )

    @app.callback(
        Output("who", "children"),
        Output("visitor", "data"),
        Output("frame", "className"),
        Input("who", "id"),
    )
    async def show_visitor(_: str) -> tuple[Any, str, str]:
        visitor = await client.get(Visitor, "/session")
        leave = html.Form(html.Button("Sign out", className="quiet"), action="/sign-out", method="POST")
        shown: list[Any] = [
            html.Span(visitor.name),
            html.Span(visitor.role or visitor.right, className="role"),
        ]
        return [*shown, *([leave] if visitor.by == "session" else [])], visitor.name, f"right-{visitor.right}"


def _not_found(**_: str) -> html.Div:
    return html.Div(
        no_page(ApiError("There is no such page.", status=HTTPStatus.NOT_FOUND)), className="page"
    )


def _show_failure(error: Exception) -> None:
    if isinstance(error, ApiError):
        notice = problem(error.message, error.remedy)
    else:
        _LOG.error("A callback failed.", exc_info=error)
        notice = problem("The page failed unexpectedly.", "The server's log has the details.")
    dash.set_props("notice", {"children": notice})
