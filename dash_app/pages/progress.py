"""What one campaign looks for, and how far it is: counts, what was found for what was spent, the goal in words."""

from typing import Any, Final
from urllib.parse import quote

import dash
from dash import Dash, Input, Output, State, dcc, html, no_update

from dash_app.client import ApiClient, ApiError
from dash_app.components.campaign_line import campaign_head
from dash_app.components.goal import goal_panel
from dash_app.components.messages import problem
from dash_app.components.progress import discovery_figure
from dash_app.components.tiles import summary_tiles
from dash_app.components.waiting import notice_banner, waiting_panel
from dash_app.contract import CampaignDetail

_REFRESH_MS: Final = 15_000


def register(app: Dash, client: ApiClient) -> None:
    """Add the page and what fills it to ``app``."""
    # Before the candidates' page, whose path would take this one for a name.
    dash.register_page(
        "progress",
        path_template="/campaigns/<name>/progress",
        order=1,
        title=lambda name="": f"Progress of {name} · Catalyst review",
        layout=_layout,
    )

    @app.callback(
        Output("progress-head", "children"),
        Output("campaign-tiles", "children"),
        Output("campaign-progress", "figure"),
        Output("campaign-goal", "children"),
        Output("progress-body", "hidden"),
        Input("progress-clock", "n_intervals"),
        State("progress-name", "data"),
        State("progress-body", "hidden"),
    )
    async def show_progress(_: int, name: str, is_empty: bool) -> tuple[Any, ...]:
        try:
            campaign = await client.get(CampaignDetail, f"/campaigns/{quote(name, safe='')}")
        except ApiError as error:
            if not is_empty:
                raise  # what is shown stays; the notice says why it is not renewed
            return problem(error.message, error.remedy, "/"), None, no_update, None, True
        dash.set_props("notice", {"children": None})
        return (
            _head(campaign),
            summary_tiles(campaign),
            discovery_figure(campaign),
            goal_panel(campaign),
            False,
        )


def _head(campaign: CampaignDetail) -> html.Div:
    return html.Div(
        [
            campaign_head(campaign, "progress"),
            html.P(campaign.description, className="soft lead") if campaign.description else None,
            *map(notice_banner, campaign.notices),
            waiting_panel(campaign.waiting) if campaign.waiting else None,
        ]
    )


def _layout(name: str = "", **_: str) -> html.Div:
    chart = dcc.Graph(
        id="campaign-progress", config={"displayModeBar": False, "responsive": True}, className="chart"
    )
    discovery = html.Section([html.H2("Discovery"), chart], className="panel")
    body = [
        html.Div(id="campaign-tiles"),
        html.Div([discovery, html.Div(id="campaign-goal")], className="overview"),
    ]
    return html.Div(
        [
            dcc.Interval(id="progress-clock", interval=_REFRESH_MS),
            dcc.Store(id="progress-name", data=name),
            html.Div(html.Div(className="skeleton wide-skeleton"), id="progress-head"),
            html.Div(body, id="progress-body", hidden=True),
        ],
        className="page",
    )
