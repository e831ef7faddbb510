"""The first page: every campaign and how far it is, as it changes."""

from typing import Any, Final

import dash
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html

from dash_app.client import ApiClient, ApiError
from dash_app.components.campaign_list import campaign_list
from dash_app.components.messages import empty_state, problem
from dash_app.contract import CampaignList

# Changes are told at once; the clock is for what grows old.
_REFRESH_MS: Final = 60_000
_STORES: Final = ("changed", "campaigns-followed", "campaigns-filtered", "campaigns-known")


def register(app: Dash, client: ApiClient) -> None:
    """Add the page and what fills it to ``app``."""
    dash.register_page("campaigns", path="/", title="Campaigns · Catalyst review", layout=_layout)

    @app.callback(
        Output("campaigns", "children"),
        Output("campaigns-known", "data"),
        Input("campaigns-clock", "n_intervals"),
        Input("changed", "data"),
        State("campaigns-known", "data"),
    )
    async def show_campaigns(_: int, __: Any, known: bool | None) -> tuple[html.Div, bool | None]:
        try:
            found = await client.get(CampaignList, "/campaigns")
        except ApiError as error:
            if known:
                raise  # what is shown stays; the notice says why it is not renewed
            return problem(error.message, error.remedy), None
        dash.set_props("notice", {"children": None})
        return (campaign_list(found.items) if found.items else _nothing_yet()), True

    app.clientside_callback(
        ClientsideFunction("review", "followCampaigns"),
        Output("campaigns-followed", "data"),
        Input("campaigns-clock", "id"),
        Input("visitor", "data"),
    )
    app.clientside_callback(
        ClientsideFunction("review", "filterCampaigns"),
        Output("campaigns-filtered", "data"),
        Input("campaigns", "children"),
    )


def _layout(**_: str) -> html.Div:
    head = [
        html.H1("Campaigns"),
        dcc.Link("Add candidates…", href="/uploads", className="button quiet decide"),
        dcc.Link("New campaign", href="/new-campaign", className="button primary admin"),
    ]
    return html.Div(
        [
            html.Div(head, className="page-head"),
            dcc.Interval(id="campaigns-clock", interval=_REFRESH_MS),
            *(dcc.Store(id=each) for each in _STORES),
            html.Div(html.Div(className="skeleton wide-skeleton"), id="campaigns"),
        ],
        className="page",
    )


def _nothing_yet() -> html.Div:
    start = empty_state(
        "No campaign has run yet",
        "A campaign is one search for materials that meet a goal: a pool, what makes a hit, who measures. Make one of your "
        "own, or run the one that ships with the platform; candidates appear here while it works.",
        "catalyst demo",
    )
    start.children.append(
        html.P(dcc.Link("New campaign", href="/new-campaign", className="button primary"), className="admin")
    )
    return start
