"""The map of a campaign's pool: near ones are alike. `assets/review_map*.js` draws it of what the API tells."""

from typing import Any, Final
from urllib.parse import quote

import dash
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update

from dash_app.client import ApiClient, ApiError
from dash_app.components.campaign_line import campaign_head
from dash_app.components.candidates.about import campaign_about
from dash_app.components.candidates.review_area import decide_dialog
from dash_app.components.charts.pool_map import map_area, map_tools
from dash_app.components.messages import no_page
from dash_app.components.waiting import campaign_lines
from dash_app.contract import CampaignDetail

# Changes are told at once; the clock is for what grows old.
_REFRESH_MS: Final = 60_000
_STORES: Final = ("map-about", "map-taken", "map-followed", "changed", "decided")


def register(app: Dash, client: ApiClient) -> None:
    """Add the page and what fills it to ``app``."""
    # Before the candidates' page, whose path would take this one for a name.
    dash.register_page(
        "map",
        path_template="/campaigns/<name>/map",
        order=1,
        title=lambda name="": f"Map of {name} · Catalyst review",
        layout=_layout,
    )

    @app.callback(
        Output("map-head", "children"),
        Output("map-body", "hidden"),
        Output("map-about", "data"),
        Input("map-clock", "n_intervals"),
        Input("changed", "data"),
        State("map-name", "data"),
        State("map-about", "data"),
    )
    async def show_campaign(_: int, __: Any, name: str, known: Any) -> tuple[Any, ...]:
        try:
            campaign = await client.get(CampaignDetail, f"/campaigns/{quote(name, safe='')}")
        except ApiError as error:
            if known is not None:
                raise  # what is shown stays; the notice says why it is not renewed
            return no_page(error), True, no_update
        dash.set_props("notice", {"children": None})
        return [campaign_head(campaign, "map"), *campaign_lines(campaign)], False, campaign_about(campaign)

    app.clientside_callback(
        ClientsideFunction("review", "takeMap"), Output("map-taken", "data"), Input("map-about", "data")
    )
    app.clientside_callback(
        ClientsideFunction("review", "followMap"),
        Output("map-followed", "data"),
        Input("map-about", "data"),
        Input("visitor", "data"),
    )


def _layout(name: str = "", **_: str) -> html.Div:
    return html.Div(
        [
            dcc.Interval(id="map-clock", interval=_REFRESH_MS),
            dcc.Store(id="map-name", data=name),
            *(dcc.Store(id=each) for each in _STORES),
            html.Div(html.Div(className="skeleton wide-skeleton"), id="map-head"),
            html.Div([map_tools(), map_area()], id="map-body", className="campaign-body", hidden=True),
            decide_dialog(),
        ],
        className="workbench",
    )
