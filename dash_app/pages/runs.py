"""What ran and what runs, why it failed, and what each campaign waits for. The address holds what one looks at."""

from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

import dash
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update

from dash_app.client import ApiClient, ApiError
from dash_app.components.controls import button
from dash_app.components.lists.filters import filter_chips, older_link, pick
from dash_app.components.lists.runs import STATES, launch_dialog, runs_table, stop_dialog
from dash_app.components.messages import empty_state, problem
from dash_app.components.waiting import wait_card
from dash_app.contract import CampaignList
from dash_app.dispatch_contract import RunList, RunnableJobList, WaitList

_PATH: Final = "/runs"
_PAGE: Final = 50
# Dagster tells nobody of its runs, so that a clock asks: often while something runs.
_AT_WORK_MS: Final = 4_000
_AT_REST_MS: Final = 20_000
_NOT_KNOWN: Final = empty_state(
    "Nobody knows what runs",
    "Dagster keeps the runs, and it does not answer. They appear here by themselves once it does.",
)


def register(app: Dash, client: ApiClient) -> None:
    """Add the page and what fills it to ``app``."""
    dash.register_page("runs", path=_PATH, title="Runs · Catalyst review", layout=_layout)

    @app.callback(
        Output("runs-list", "children"),
        Output("runs-trouble", "children"),
        Output("runs-clock", "interval"),
        Output("runs-known", "data"),
        Input("runs-clock", "n_intervals"),
        Input("changed", "data"),
        State("runs-asked", "data"),
        State("runs-known", "data"),
    )
    async def show_runs(_: int, __: Any, asked: dict[str, str], known: bool | None) -> tuple[Any, ...]:
        try:
            found = await client.get(
                RunList,
                "/runs",
                status=list(STATES[asked["state"]][1]) or None,
                job=asked["job"] or None,
                campaign=asked["campaign"] or None,
                cursor=asked["cursor"] or None,
                limit=_PAGE,
            )
            jobs = await client.get(RunnableJobList, "/runs/jobs")
        except ApiError as error:
            shown = no_update if known else _NOT_KNOWN
            return shown, _trouble(error, known), _AT_REST_MS, no_update
        is_at_work = any(not run.status.has_ended for run in found.items)
        names = [each.job for each in jobs.items if not each.unavailable]
        return _list(found, names, asked), None, (_AT_WORK_MS if is_at_work else _AT_REST_MS), True

    @app.callback(
        Output("waits", "children"),
        Input("runs-clock", "n_intervals"),
        Input("changed", "data"),
    )
    async def show_waits(_: int, __: Any) -> Any:
        try:
            found = await client.get(WaitList, "/waits")
        except ApiError as error:
            return problem(error.message, error.remedy)
        if not found.items:
            return html.P("No campaign waits for anything.", className="soft small")
        cards = html.Div([wait_card(wait) for wait in found.items], className="waits-list")
        return [html.H2("Campaigns that wait"), cards]

    @app.callback(
        Output("runs-jobs", "children"),
        Output("runs-campaigns", "children"),
        Input("runs-asked", "data"),
    )
    async def offer_filters(asked: dict[str, str]) -> tuple[Any, Any]:
        try:
            jobs = await client.get(RunnableJobList, "/runs/jobs")
            campaigns = await client.get(CampaignList, "/campaigns")
        except ApiError:
            return no_update, no_update  # the list says why
        return (
            pick("Job", "job", [each.job for each in jobs.items], _PATH, asked),
            pick("Campaign", "campaign", [each.name for each in campaigns.items], _PATH, asked),
        )

    app.clientside_callback(
        ClientsideFunction("review", "followAll"), Output("runs-followed", "data"), Input("visitor", "data")
    )


def _list(found: RunList, launchable: list[str], asked: dict[str, str]) -> Any:
    if not found.items:
        if any(asked.values()):
            everything = dcc.Link("Show all runs", href=_PATH)
            return html.Div(
                [html.H2("No run is like that"), html.P("Leave a filter out."), everything], className="empty"
            )
        return empty_state(
            "Nothing has run yet",
            "Runs appear here as the loop, a schedule, or somebody launches them.",
            "catalyst up",
        )
    more = older_link(_PATH, asked | {"cursor": found.next}) if found.next else None
    newest = (
        dcc.Link("The newest", href=f"{_PATH}?{urlencode(_without_cursor(asked))}")
        if asked["cursor"]
        else None
    )
    return [
        runs_table(found.items, launchable, datetime.now(UTC)),
        html.Div([newest, more], className="pages"),
    ]


def _without_cursor(asked: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in asked.items() if value and name != "cursor"}


def _trouble(error: ApiError, known: bool | None) -> html.Div:
    stays = "What is shown below stays as it was; it is asked again by itself."
    return html.Div(
        [problem(error.message, error.remedy), html.P(stays, className="soft") if known else None]
    )


def _layout(state: str = "", job: str = "", campaign: str = "", cursor: str = "", **_: str) -> html.Div:
    asked = {"state": state if state in STATES else "", "job": job, "campaign": campaign, "cursor": cursor}
    states = [(name, title) for name, (title, _) in STATES.items()]
    launch: dict[str, Any] = {"data-act": "launch"}
    return html.Div(
        [
            dcc.Interval(id="runs-clock", interval=_AT_WORK_MS),
            dcc.Store(id="changed"),
            dcc.Store(id="runs-followed"),
            dcc.Store(id="runs-known"),
            dcc.Store(id="runs-asked", data=asked),
            html.Div(
                [html.H1("Runs"), button("Launch…", "launch-run-open", "primary for-admins", **launch)],
                className="page-head",
            ),
            html.Section(id="waits", className="waits-section"),
            html.Div(
                [
                    filter_chips("State", "state", states, _PATH, asked),
                    html.Span(id="runs-jobs"),
                    html.Span(id="runs-campaigns"),
                ],
                className="tools",
            ),
            html.Div(id="runs-trouble"),
            html.Div(html.Div(className="skeleton wide-skeleton"), id="runs-list"),
            stop_dialog(),
            launch_dialog(),
        ],
        className="page",
    )
