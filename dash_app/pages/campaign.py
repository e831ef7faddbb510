"""One campaign's candidates: the grid over the whole width, one candidate beside it, several side by side.

Rows, filters and decisions are the browser's (`assets/review_*.js`), which asks the API itself. The page of validation has
the same frame around its board.
"""

import asyncio
from typing import Any, Final
from urllib.parse import quote

import dash
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update

from dash_app.client import ApiClient, ApiError
from dash_app.components.campaign_line import campaign_head
from dash_app.components.candidates.about import campaign_about
from dash_app.components.candidates.compare import comparison
from dash_app.components.candidates.detail import candidate_panel
from dash_app.components.candidates.grid import candidate_grid
from dash_app.components.candidates.review_area import compare_dialog, decide_dialog, review_area
from dash_app.components.candidates.toolbar import toolbar
from dash_app.components.messages import empty_state, no_page, problem
from dash_app.components.results import (
    history_dialog,
    result_dialog,
    retract_dialog,
    return_dialog,
    upload_dialog,
)
from dash_app.components.superseded import superseded_banner, unlearned_line
from dash_app.components.validation.board import board
from dash_app.components.waiting import campaign_lines
from dash_app.contract import CampaignDetail, CandidateDetail
from dash_app.result_contract import ResultPage

# Changes are told at once; the clock is for what grows old.
_REFRESH_MS: Final = 60_000
_SHOWN_RESULTS: Final = 50
_STORES: Final = (
    "about",
    "candidates-known",
    "laid-out",
    "grid-ready",
    "renewed",
    "followed",
    "taken",
    "changed",
    "decided",
    "opened",
    "compared",
    "shown-iteration",
    "campaign-method",
    "campaign-validator",
    "result-asked",
    "result-about",
    "history-asked",
    "shown-view",
    "log-asked",
    "result-previewed",
    "revealed",
    "retract-number",
)


def register(app: Dash, client: ApiClient) -> None:
    """Add the page and what fills it to ``app``."""
    dash.register_page(
        "campaign",
        path_template="/campaigns/<name>",
        order=2,
        title=lambda name="": f"{name} · Catalyst review",
        layout=_layout,
    )
    _register_summary(app, client)
    _register_grid(app)
    _register_candidates(app, client)


async def read_campaign(client: ApiClient, name: str) -> CampaignDetail:
    """Return a campaign; raises as `ApiClient.get`."""
    return await client.get(CampaignDetail, f"/campaigns/{quote(name, safe='')}")


def _register_summary(app: Dash, client: ApiClient) -> None:
    @app.callback(
        Output("campaign-head", "children"),
        Output("campaign-notices", "children"),
        Output("campaign-body", "hidden"),
        Output("about", "data"),
        Output("candidates-known", "data"),
        Output("campaign-method", "data"),
        Output("campaign-validator", "data"),
        Output("grid-place", "children"),
        Output("toolbar", "hidden"),
        Output("laid-out", "data"),
        Input("campaign-clock", "n_intervals"),
        Input("decided", "data"),
        Input("changed", "data"),
        State("campaign-name", "data"),
        State("campaign-page", "data"),
        State("candidates-known", "data"),
    )
    async def show_summary(
        _: int, __: Any, ___: Any, name: str, page: str, known: bool | None
    ) -> tuple[Any, ...]:
        try:
            campaign = await read_campaign(client, name)
        except ApiError as error:
            if known is not None:
                raise  # what is shown stays; the notice says why it is not renewed
            return no_page(error), None, True, *(no_update,) * 7
        dash.set_props("notice", {"children": None})
        about = campaign_about(campaign)
        has_candidates = about["latest"] is not None
        centre = (no_update,) * 3 if has_candidates == known else _centre(campaign, page, has_candidates)
        return (
            campaign_head(campaign, page),
            campaign_lines(campaign),
            False,
            about,
            has_candidates if has_candidates != known else no_update,
            campaign.document.get("method", ""),
            campaign.document.get("validator", ""),
            *centre,
        )

    @app.callback(
        Output("superseded", "children"),
        Input("shown-iteration", "data"),
        Input("changed", "data"),
        State("campaign-name", "data"),
        prevent_initial_call=True,
    )
    async def show_superseded(iteration: str | None, _: Any, name: str) -> Any:
        try:
            campaign = await read_campaign(client, name)
        except ApiError:
            return no_update  # the head of the page says why
        shown = [each for each in campaign.progress if iteration in ("all", str(each.iteration))]
        return [
            unlearned_line(shown),
            superseded_banner(shown, {each.name: each.label for each in campaign.properties}),
        ]

    app.clientside_callback(
        ClientsideFunction("review", "takeAbout"), Output("taken", "data"), Input("about", "data")
    )
    app.clientside_callback(
        ClientsideFunction("review", "follow"),
        Output("followed", "data"),
        Input("about", "data"),
        Input("visitor", "data"),
    )


def _centre(campaign: CampaignDetail, page: str, has_candidates: bool) -> tuple[Any, bool, Any]:
    if has_candidates:
        return board() if page == "validation" else candidate_grid(campaign), False, page
    waits = empty_state(
        "No candidates yet",
        "They appear here by themselves once the first iteration has ranked the pool, while the loop runs.",
        "catalyst up",
    )
    return waits, True, no_update


def _register_grid(app: Dash) -> None:
    app.clientside_callback(
        ClientsideFunction("review", "layOut"),
        Output("grid-ready", "data"),
        Input("laid-out", "data"),
        State("about", "data"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("review", "renew"),
        Output("renewed", "data"),
        Input("decided", "data"),
        prevent_initial_call=True,
    )


def _register_candidates(app: Dash, client: ApiClient) -> None:
    @app.callback(
        Output("detail", "children"),
        Input("opened", "data"),
        Input("decided", "data"),
        Input("changed", "data"),
        State("campaign-method", "data"),
        State("campaign-validator", "data"),
        State("about", "data"),
        prevent_initial_call=True,
    )
    async def show_detail(
        opened: int | None, _: Any, __: Any, method: str, validator: str, about: dict[str, Any] | None
    ) -> Any:
        if opened is None:
            return None
        try:
            candidate, results = await asyncio.gather(
                client.get(CandidateDetail, f"/candidates/{opened}"),
                client.get(ResultPage, "/results", candidate=opened, limit=_SHOWN_RESULTS),
            )
        except ApiError as error:
            return problem(error.message, error.remedy)
        unlearned = candidate.iteration in (about or {}).get("unlearned", ())
        return candidate_panel(candidate, results, method, validator, is_learned=not unlearned)

    @app.callback(
        Output("compared-table", "children"),
        Input("compared", "data"),
        State("campaign-name", "data"),
        prevent_initial_call=True,
    )
    async def compare(chosen: list[int] | None, name: str) -> Any:
        if not chosen:
            return None
        try:
            campaign = await read_campaign(client, name)
            found = await asyncio.gather(
                *(client.get(CandidateDetail, f"/candidates/{number}") for number in chosen)
            )
        except ApiError as error:
            return problem(error.message, error.remedy)
        return comparison(campaign, found)


def _layout(name: str = "", **_: str) -> html.Div:
    return campaign_frame(name, "candidates", toolbar(), review_area())


def campaign_frame(name: str, page: str, tools: Any, area: Any) -> html.Div:
    """Lay out a page of one campaign at which candidates are decided about.

    Parameters
    ----------
    page
        As the campaign's tabs call it.
    tools
        The lines of controls above what is shown.
    area
        What is shown, with a place for the grid or the board.
    """
    body = [
        html.Div(id="campaign-notices"),
        html.Div(id="superseded"),
        html.Div(tools),
        html.Div(id="outcome"),
        area,
    ]
    return html.Div(
        [
            dcc.Interval(id="campaign-clock", interval=_REFRESH_MS),
            dcc.Store(id="campaign-name", data=name),
            dcc.Store(id="campaign-page", data=page),
            *(dcc.Store(id=each) for each in _STORES),
            html.Div(html.Div(className="skeleton wide-skeleton"), id="campaign-head"),
            html.Div(body, id="campaign-body", className="campaign-body", hidden=True),
            decide_dialog(),
            compare_dialog(),
            result_dialog(),
            upload_dialog(),
            retract_dialog(),
            return_dialog(),
            history_dialog(),
        ],
        className="workbench",
    )
