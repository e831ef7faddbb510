"""Flagging, rejecting and restoring what is selected in the grid.

Nothing here knows which step is legal: every decision is sent, and a refusal is shown as it came back.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final
from uuid import uuid4

from dash import ClientsideFunction, Dash, Input, Output, State, html, no_update

from dash_app.client import ApiClient, ApiError
from dash_app.components.grid import GRID_ID
from dash_app.components.messages import outcome, problem
from dash_app.components.wording import count
from dash_app.contract import Transition

MOST_AT_ONCE: Final = 500
_AT_A_TIME: Final = 4
_SHOWN_REFUSALS: Final = 8
_DONE: Final = {"flag": "flagged for validation", "reject": "rejected", "restore": "restored"}
_Rows = list[dict[str, Any]] | None


def register(app: Dash, client: ApiClient) -> None:
    """Add the decisions to ``app``."""
    app.clientside_callback(
        ClientsideFunction("review", "describeSelection"),
        Output("selection-count", "children"),
        Output("flag", "disabled"),
        Output("reject", "disabled"),
        Output("restore", "disabled"),
        Output("reject-title", "children"),
        Output("restore-title", "children"),
        Input(GRID_ID, "selectedRows"),
    )
    _register_flag(app, client)
    _register_dialog(app, client, "reject", "openReject", "reject-kind")
    _register_dialog(app, client, "restore", "openRestore")


def _register_flag(app: Dash, client: ApiClient) -> None:
    @app.callback(
        Output("outcome", "children"),
        Output("decided", "data"),
        Input("flag", "n_clicks"),
        State(GRID_ID, "selectedRows"),
        prevent_initial_call=True,
    )
    async def flag(clicks: int | None, rows: _Rows) -> tuple[Any, Any]:
        if not clicks or not rows:
            return no_update, no_update
        return await _decide(client, rows, "flag", {})


def _register_dialog(app: Dash, client: ApiClient, verb: str, opening: str, *kinds: str) -> None:
    """Add what opens the dialog of a decision, and what its button does; ``kinds`` asks for the kind."""
    app.clientside_callback(
        ClientsideFunction("review", opening),
        Output(f"{verb}-dialog", "hidden"),
        Output(f"{verb}-reason", "value"),
        Output(f"{verb}-complaint", "children"),
        *(Output(each, "value") for each in kinds),
        Input(verb, "n_clicks"),
        Input(f"{verb}-cancel", "n_clicks"),
        prevent_initial_call=True,
    )

    @app.callback(
        Output("outcome", "children", allow_duplicate=True),
        Output("decided", "data", allow_duplicate=True),
        Output(f"{verb}-dialog", "hidden", allow_duplicate=True),
        Output(f"{verb}-complaint", "children", allow_duplicate=True),
        Input(f"{verb}-confirm", "n_clicks"),
        State(GRID_ID, "selectedRows"),
        State(f"{verb}-reason", "value"),
        *(State(each, "value") for each in kinds),
        running=[(Output(f"{verb}-confirm", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    async def decide(
        clicks: int | None, rows: _Rows, reason: str | None, *kind: str | None
    ) -> tuple[Any, ...]:
        nothing = (no_update,) * 3
        if not clicks or not rows:
            return *nothing, no_update
        if None in kind:
            return *nothing, "Say which kind: it decides what is learned from it."
        if not (reason or "").strip():
            return *nothing, "Say why: the reason is kept with the decision."
        body = {"reason": reason} | ({"kind": kind[0]} if kind else {})
        return *await _decide(client, rows, verb, body), True, ""


async def _decide(
    client: ApiClient, rows: Sequence[dict[str, Any]], verb: str, body: dict[str, Any]
) -> tuple[html.Div, Any]:
    """Send one decision a row, a few at a time; say what became of them, and when there was anything to renew."""
    if len(rows) > MOST_AT_ONCE:
        return problem(
            f"{len(rows):,} candidates are selected.", f"Decide about {MOST_AT_ONCE} at a time."
        ), no_update
    gate = asyncio.Semaphore(_AT_A_TIME)

    async def send(row: dict[str, Any]) -> Transition | str:
        async with gate:
            try:
                return await client.post(Transition, f"/candidates/{row['id']}/{verb}", body)
            except ApiError as error:
                return f"{row['formula']}: {error}"

    answers = await asyncio.gather(*(send(row) for row in rows))
    refused = [answer for answer in answers if isinstance(answer, str)]
    changed = sum(1 for answer in answers if isinstance(answer, Transition) and answer.changed)
    unchanged = len(answers) - len(refused) - changed
    done = _DONE[verb]
    parts = [f"{count(changed, 'candidate')} {done}"] if changed else []
    if unchanged:
        parts.append(f"{unchanged:,} {'was' if unchanged == 1 else 'were'} {done} already")
    if refused:
        parts.append(f"{len(refused):,} refused")
    shown = refused[:_SHOWN_REFUSALS]
    if len(refused) > len(shown):
        shown.append(f"and {len(refused) - len(shown):,} more")
    return outcome(f"{', '.join(parts)}.", shown), uuid4().hex
