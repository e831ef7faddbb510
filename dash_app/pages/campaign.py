"""One campaign: how far it is, what it looks for, and its candidates.

Deciding about candidates is `decisions`.
"""

from typing import Any, Final
from urllib.parse import quote

import dash
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update

from dash_app.candidate_contract import CandidatePage
from dash_app.client import ApiClient, ApiError
from dash_app.components.detail import candidate_panel
from dash_app.components.goal import goal_panel
from dash_app.components.grid import GRID_ID, candidate_grid, grid_row, sort_order
from dash_app.components.messages import empty_state, problem
from dash_app.components.progress import discovery_figure
from dash_app.components.results import result_dialog, retract_dialog, return_dialog, upload_dialog
from dash_app.components.review_area import ALL, reject_dialog, restore_dialog, review_area
from dash_app.components.superseded import superseded_banner
from dash_app.components.tiles import badge, summary_tiles
from dash_app.components.waiting import notice_banner, waiting_panel
from dash_app.components.what_if import what_if_panel
from dash_app.components.wording import count
from dash_app.contract import CampaignDetail, CandidateDetail
from dash_app.result_contract import ResultPage

_REFRESH_MS: Final = 15_000
_SHOWN_RESULTS: Final = 50


def register(app: Dash, client: ApiClient) -> None:
    """Add the page and what fills it to ``app``."""
    dash.register_page(
        "campaign",
        path_template="/campaigns/<name>",
        title=lambda name="": f"{name} · Catalyst review",
        layout=_layout,
    )
    _register_summary(app, client)
    _register_grid(app, client)
    _register_detail(app, client)


def _register_summary(app: Dash, client: ApiClient) -> None:
    @app.callback(
        Output("campaign-head", "children"),
        Output("campaign-tiles", "children"),
        Output("campaign-progress", "figure"),
        Output("campaign-goal", "children"),
        Output("campaign-body", "hidden"),
        Output("iteration", "options"),
        Output("iteration", "value"),
        Output("candidates-known", "data"),
        Input("campaign-clock", "n_intervals"),
        Input("decided", "data"),
        State("campaign-name", "data"),
        State("iteration", "value"),
        State("candidates-known", "data"),
    )
    async def show_summary(_: int, __: Any, name: str, iteration: Any, known: bool | None) -> tuple[Any, ...]:
        try:
            campaign = await client.get(CampaignDetail, f"/campaigns/{quote(name, safe='')}")
        except ApiError as error:
            if known is not None:
                raise  # what is shown stays; the notice says why it is not renewed
            head = problem(error.message, error.remedy, "/")
            return head, None, no_update, None, True, no_update, no_update, no_update
        dash.set_props("notice", {"children": None})
        ranked = [each.iteration for each in campaign.progress if each.candidates]
        options = [{"label": "All iterations", "value": ALL}]
        options += [{"label": f"Iteration {number}", "value": str(number)} for number in reversed(ranked)]
        has_candidates = bool(ranked)
        return (
            _head(campaign),
            summary_tiles(campaign),
            discovery_figure(campaign),
            goal_panel(campaign),
            False,
            options,
            str(ranked[-1]) if ranked and iteration is None else no_update,
            has_candidates if has_candidates != known else no_update,
        )

    @app.callback(
        Output("superseded", "children"),
        Input("campaign-clock", "n_intervals"),
        Input("iteration", "value"),
        State("campaign-name", "data"),
    )
    async def show_superseded(_: int, iteration: str | None, name: str) -> Any:
        try:
            campaign = await client.get(CampaignDetail, f"/campaigns/{quote(name, safe='')}")
        except ApiError:
            return no_update  # the head of the page says why
        shown = [each for each in campaign.progress if iteration in (None, ALL, str(each.iteration))]
        return superseded_banner(shown, {each.name: each.label for each in campaign.properties})


def _register_grid(app: Dash, client: ApiClient) -> None:
    @app.callback(
        Output("grid-place", "children"),
        Output("review-tools", "hidden"),
        Input("candidates-known", "data"),
        State("campaign-name", "data"),
        prevent_initial_call=True,
    )
    async def lay_out_grid(known: bool, name: str) -> tuple[Any, bool]:
        if not known:
            return empty_state(
                "No candidates yet",
                "They appear once the first iteration has ranked the pool: materialize "
                "ranked_candidates in Dagster, or let the loop's sensor do it.",
                "catalyst up",
            ), True
        return candidate_grid(await client.get(CampaignDetail, f"/campaigns/{quote(name, safe='')}")), False

    @app.callback(
        Output(GRID_ID, "getRowsResponse"),
        Output("candidate-count", "children"),
        Input(GRID_ID, "getRowsRequest"),
        State("campaign-name", "data"),
        State("iteration", "value"),
        State("status", "value"),
        State("campaign-method", "data"),
        prevent_initial_call=True,
    )
    async def send_rows(
        request: dict[str, Any] | None, name: str, iteration: str | None, status: str, method: str
    ) -> tuple[Any, Any]:
        if not request:
            return no_update, no_update
        try:
            page = await client.get(
                CandidatePage,
                "/candidates",
                campaign=name,
                iteration=None if iteration in (None, ALL) else iteration,
                status=None if status == ALL else status,
                limit=request["endRow"] - request["startRow"],
                offset=request["startRow"],
                sort=sort_order(request),
            )
        except ApiError as error:
            dash.set_props("notice", {"children": problem(error.message, error.remedy)})
            return {"rowData": [], "rowCount": 0}, "The candidates could not be loaded."
        rows = [grid_row(candidate, method) for candidate in page.items]
        shown = count(page.total, "candidate")
        if page.total_is_exact:
            return {"rowData": rows, "rowCount": page.total}, shown
        # Nobody scrolls through so many: the grid is told of no more than the API skips.
        return {"rowData": rows, "rowCount": page.total}, f"more than {shown}: the first are shown"

    app.clientside_callback(
        ClientsideFunction("review", "reload"),
        Output("grid-reloaded", "data"),
        Input("iteration", "value"),
        Input("status", "value"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("review", "refresh"),
        Output("grid-refreshed", "data"),
        Input("decided", "data"),
        prevent_initial_call=True,
    )


def _register_detail(app: Dash, client: ApiClient) -> None:
    @app.callback(
        Output("detail", "children"),
        Output("detail-panel", "hidden"),
        Input(GRID_ID, "cellClicked"),
        Input("detail-close", "n_clicks"),
        Input("decided", "data"),
        State("detail-panel", "hidden"),
        State("campaign-method", "data"),
        State("campaign-validator", "data"),
        prevent_initial_call=True,
    )
    async def show_detail(
        clicked: dict[str, Any] | None, _: int, __: Any, closed: bool, method: str, validator: str
    ) -> tuple[Any, Any]:
        if dash.ctx.triggered_id == "detail-close":
            return None, True
        opening = dash.ctx.triggered_id == GRID_ID
        if not clicked or not clicked.get("rowId") or (closed and not opening):
            return no_update, no_update
        candidate = await client.get(CandidateDetail, f"/candidates/{clicked['rowId']}")
        results = await client.get(
            ResultPage, "/results", candidate=candidate.candidate_id, limit=_SHOWN_RESULTS
        )
        return candidate_panel(candidate, results, method, validator), False


def _layout(name: str = "", **_: str) -> html.Div:
    known = (
        "candidates-known",
        "grid-reloaded",
        "grid-refreshed",
        "decided",
        "result-previewed",
        "retract-number",
    )
    chart = dcc.Graph(
        id="campaign-progress", config={"displayModeBar": False, "responsive": True}, className="chart"
    )
    discovery = html.Section([html.H2("Discovery"), chart], className="panel")
    body = [
        html.Div(id="campaign-tiles"),
        html.Div([discovery, html.Div(id="campaign-goal")], className="overview"),
        review_area(),
        what_if_panel(),
    ]
    return html.Div(
        [
            dcc.Interval(id="campaign-clock", interval=_REFRESH_MS),
            dcc.Store(id="campaign-name", data=name),
            *(dcc.Store(id=each) for each in known),
            html.Div(html.P("Loading…", className="soft"), id="campaign-head"),
            html.Div(body, id="campaign-body", hidden=True),
            reject_dialog(),
            restore_dialog(),
            result_dialog(),
            upload_dialog(),
            retract_dialog(),
            return_dialog(),
        ]
    )


def _head(campaign: CampaignDetail) -> html.Div:
    return html.Div(
        [
            html.P([dcc.Link("Campaigns", href="/"), " / ", campaign.name], className="soft small crumbs"),
            html.Div([html.H1(campaign.name), badge(campaign.status)], className="card-head"),
            html.P(campaign.description, className="soft") if campaign.description else None,
            html.P(campaign.stop_reason, className="stop-reason") if campaign.stop_reason else None,
            *map(notice_banner, campaign.notices),
            waiting_panel(campaign.waiting) if campaign.waiting else None,
            dcc.Store(id="campaign-method", data=campaign.document.get("method", "")),
            dcc.Store(id="campaign-validator", data=campaign.document.get("validator", "")),
        ]
    )
