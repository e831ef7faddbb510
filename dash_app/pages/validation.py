"""One campaign's validation: the board of the lifecycle, its results, what is out at laboratories, what is being computed."""

from typing import Any, Final
from urllib.parse import quote

import dash
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update

from dash_app.client import ApiClient, ApiError
from dash_app.components.candidates.review_area import review_area
from dash_app.components.messages import problem
from dash_app.components.validation.board import VIEWS, board_tools
from dash_app.components.validation.calculations import calculations_view, log_dialog
from dash_app.components.validation.ledger import results_view
from dash_app.components.validation.work_order import work_order_view
from dash_app.components.wording import aria
from dash_app.pages.campaign import campaign_frame
from dash_app.result_contract import ResultPage
from dash_app.work_contract import CalculationDetail, CalculationPage, WorkOrder

_FIRST_RESULTS: Final = 100
_MOST_RESULTS: Final = 1000
_ASKED: Final = tuple(view for view in VIEWS if view != "board")
_Shown = dict[str, Any] | None


def register(app: Dash, client: ApiClient) -> None:
    """Add the page and what fills it to ``app``."""
    dash.register_page(
        "validation",
        path_template="/campaigns/<name>/validation",
        # Before the candidates' page, whose path would take this one for a name.
        order=1,
        title=lambda name="": f"Validation of {name} · Catalyst review",
        layout=_layout,
    )
    # Whatever changes anywhere is shown in the view that is looked at, and in no other.
    app.clientside_callback(
        ClientsideFunction("review", "renewView"),
        *(Output(f"{view}-shown", "data") for view in _ASKED),
        Input("shown-view", "data"),
        Input("changed", "data"),
        Input("decided", "data"),
        prevent_initial_call=True,
    )
    _register_results(app, client)
    _register_work_order(app, client)
    _register_calculations(app, client)


def _register_results(app: Dash, client: ApiClient) -> None:
    @app.callback(
        Output("results-view", "children"),
        Input("results-shown", "data"),
        State("campaign-name", "data"),
        prevent_initial_call=True,
    )
    async def show_results(shown: _Shown, name: str) -> Any:
        if shown is None:
            return no_update
        limit = min(_MOST_RESULTS, max(_FIRST_RESULTS, shown["results"] or 0))
        filters = {"campaign": name, "iteration": shown["iteration"], "limit": limit}
        try:
            page = await client.get(ResultPage, "/results", **filters)
        except ApiError as error:
            return problem(error.message, error.remedy)
        return results_view(page, limit, _MOST_RESULTS)


def _register_work_order(app: Dash, client: ApiClient) -> None:
    @app.callback(
        Output("work-order-view", "children"),
        Input("work-order-shown", "data"),
        State("campaign-name", "data"),
        prevent_initial_call=True,
    )
    async def show_work_order(shown: _Shown, name: str) -> Any:
        if shown is None:
            return no_update
        try:
            order = await client.get(WorkOrder, f"/campaigns/{quote(name, safe='')}/work-order")
        except ApiError as error:
            return problem(error.message, error.remedy)
        return work_order_view(order)


def _register_calculations(app: Dash, client: ApiClient) -> None:
    @app.callback(
        Output("calculations-view", "children"),
        Input("calculations-shown", "data"),
        State("campaign-name", "data"),
        State("campaign-validator", "data"),
        prevent_initial_call=True,
    )
    async def show_calculations(shown: _Shown, name: str, validator: str | None) -> Any:
        if shown is None:
            return no_update
        try:
            page = await client.get(CalculationPage, f"/campaigns/{quote(name, safe='')}/calculations")
        except ApiError as error:
            return problem(error.message, error.remedy)
        return calculations_view(page, validator or "")

    @app.callback(
        Output("log-title", "children"),
        Output("log-text", "children"),
        Input("log-asked", "data"),
        prevent_initial_call=True,
    )
    async def show_log(asked: _Shown) -> tuple[Any, Any]:
        if not asked:
            return no_update, no_update
        try:
            found = await client.get(CalculationDetail, f"/calculations/{asked['job']}")
        except ApiError as error:
            return "What it printed last", f"{error.message} {error.remedy}"
        nothing = "Nothing was printed yet, or not where this server sees it."
        return f"What {found.job_id[:12]} printed last", found.log or nothing


def _layout(name: str = "", **_: str) -> html.Div:
    views = [
        html.Div(
            html.Div(className="skeleton wide-skeleton"),
            id=f"{view}-view",
            className="validation-view",
            role="tabpanel",
            hidden=True,
            **aria(labelledby=f"{view}-tab"),
        )
        for view in _ASKED
    ]
    frame = campaign_frame(name, "validation", board_tools(), review_area(*views))
    stores = [dcc.Store(id=f"{view}-shown") for view in _ASKED]
    return html.Div([frame, *stores, log_dialog()], className="validation-page")
