"""The first page: every campaign and how far it is."""

from typing import Final

import dash
from dash import Dash, Input, Output, dcc, html

from dash_app.client import ApiClient, ApiError
from dash_app.components.messages import empty_state, problem
from dash_app.components.tiles import campaign_card
from dash_app.contract import CampaignList

_REFRESH_MS: Final = 15_000


def register(app: Dash, client: ApiClient) -> None:
    """Add the page and what fills it to ``app``."""
    dash.register_page("campaigns", path="/", title="Campaigns · Catalyst review", layout=_layout)

    @app.callback(Output("campaigns", "children"), Input("campaigns-clock", "n_intervals"))
    async def show_campaigns(_: int) -> html.Div:
        try:
            found = await client.get(CampaignList, "/campaigns")
        except ApiError as error:
            return problem(error.message, error.remedy)
        if not found.items:
            return _nothing_yet()
        return html.Div([campaign_card(each) for each in found.items], className="cards")


def _layout(**_: str) -> html.Div:
    return html.Div(
        [
            html.H1("Campaigns"),
            dcc.Interval(id="campaigns-clock", interval=_REFRESH_MS),
            html.Div(html.Div(className="skeleton wide-skeleton"), id="campaigns"),
        ],
        className="page",
    )


def _nothing_yet() -> html.Div:
    return empty_state(
        "No campaign has run yet",
        "A campaign is one search for materials that meet a goal. Run the one that ships with the platform; "
        "its candidates appear here while it works.",
        "catalyst demo",
    )
