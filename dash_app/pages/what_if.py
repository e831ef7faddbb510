"""Ranking an iteration again under another strategy, while the reviewer moves a slider.

The slider answers when it is let go, so a drag is one request.
"""

from typing import Any, Final
from urllib.parse import quote

import dash
from dash import Dash, Input, Output, State, html, no_update

from catalyst_assets.constants import title_of
from dash_app.client import ApiClient, ApiError
from dash_app.components.messages import problem
from dash_app.components.review_area import ALL
from dash_app.components.what_if import reranked_list
from dash_app.contract import Reranking

_CONFLICT: Final = 409
# What asks for the recorded ranking; the other controls ask for another one.
_AS_RECORDED: Final = ("what-if-open", "what-if-reset", "iteration")


def register(app: Dash, client: ApiClient) -> None:
    """Add the panel's callbacks to ``app``."""

    @app.callback(
        Output("what-if-body", "hidden"),
        Output("what-if-open", "children"),
        Input("what-if-open", "n_clicks"),
        prevent_initial_call=True,
    )
    async def toggle(clicks: int | None) -> tuple[bool, str]:
        is_open = bool((clicks or 0) % 2)
        return not is_open, "Close" if is_open else "Rank again…"

    @app.callback(
        Output("what-if-list", "children"),
        Output("what-if-controls", "hidden"),
        Output("what-if-strategy", "options"),
        Output("what-if-strategy", "value"),
        Output("what-if-weight", "value"),
        Output("what-if-weight", "disabled"),
        Input("what-if-open", "n_clicks"),
        Input("what-if-reset", "n_clicks"),
        Input("iteration", "value"),
        Input("what-if-strategy", "value"),
        Input("what-if-weight", "value"),
        State("campaign-name", "data"),
        running=[(Output("what-if-busy", "hidden"), False, True)],
        prevent_initial_call=True,
    )
    async def rank_again(
        clicks: int | None,
        _: int | None,
        iteration: str | None,
        strategy: str | None,
        weight: float | None,
        name: str,
    ) -> tuple[Any, ...]:
        if not (clicks or 0) % 2:
            return (no_update,) * 6
        if iteration in (None, ALL):
            empty = html.P("Choose a single iteration above the candidates to rank it again.")
            return empty, True, *(no_update,) * 4
        changed = dash.ctx.triggered_id not in _AS_RECORDED
        try:
            found = await client.get(
                Reranking,
                f"/campaigns/{quote(name, safe='')}/iterations/{iteration}/rerank",
                strategy=strategy if changed else None,
                exploration_weight=weight if changed else None,
            )
        except ApiError as error:
            if error.status == _CONFLICT:  # there is nothing to rank again, and nothing went wrong
                return html.P(str(error)), True, *(no_update,) * 4
            return problem(error.message, error.remedy), not changed, *(no_update,) * 4
        options = [
            {"label": title_of(each.name.value), "value": each.name.value} for each in found.strategies
        ]
        explores = next((each.explores for each in found.strategies if each.name is found.strategy), True)
        return (
            reranked_list(found),
            False,
            options,
            found.strategy.value,
            found.exploration_weight,
            not explores,
        )
