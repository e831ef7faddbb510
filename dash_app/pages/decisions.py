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
    app.clientside_callback(
        ClientsideFunction("review", "openReject"),
        Output("reject-dialog", "hidden"),
        Output("reject-reason", "value"),
        Output("reject-complaint", "children"),
        Output("reject-kind", "value"),
        Input("reject", "n_clicks"),
        Input("reject-cancel", "n_clicks"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("review", "openRestore"),
        Output("restore-dialog", "hidden"),
        Output("restore-reason", "value"),
        Output("restore-complaint", "children"),
        Input("restore", "n_clicks"),
        Input("restore-cancel", "n_clicks"),
        prevent_initial_call=True,
    )
    _register_flag(app, client)
    _register_reject(app, client)
    _register_restore(app, client)


def _register_flag(app: Dash, client: ApiClient) -> None:

    @app.callback(
        Output("outcome", "children"),
        Output("decided", "data"),
        Input("flag", "n_clicks"),
        State(GRID_ID, "selectedRows"),
        State("actor", "value"),
        prevent_initial_call=True,
    )
    async def flag(
        clicks: int | None, rows: list[dict[str, Any]] | None, actor: str | None
    ) -> tuple[Any, Any]:
        if not clicks or not rows:
            return no_update, no_update
        complaint = _complaint(rows, actor)
        if complaint is not None:
            return complaint, no_update
        return await _decide(client, rows, "flag", {"actor": actor}), uuid4().hex


def _register_reject(app: Dash, client: ApiClient) -> None:
    @app.callback(
        Output("outcome", "children", allow_duplicate=True),
        Output("decided", "data", allow_duplicate=True),
        Output("reject-dialog", "hidden", allow_duplicate=True),
        Output("reject-complaint", "children", allow_duplicate=True),
        Input("reject-confirm", "n_clicks"),
        State(GRID_ID, "selectedRows"),
        State("actor", "value"),
        State("reject-kind", "value"),
        State("reject-reason", "value"),
        running=[(Output("reject-confirm", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    async def reject(
        clicks: int | None,
        rows: list[dict[str, Any]] | None,
        actor: str | None,
        kind: str | None,
        reason: str | None,
    ) -> tuple[Any, ...]:
        if not clicks or not rows:
            return no_update, no_update, no_update, no_update
        if kind is None:
            return no_update, no_update, no_update, "Say which kind: it decides what is learned from it."
        if not (reason or "").strip():
            return no_update, no_update, no_update, "Say why: the reason is kept with the decision."
        complaint = _complaint(rows, actor)
        if complaint is not None:
            return complaint, no_update, True, ""
        done = await _decide(client, rows, "reject", {"actor": actor, "reason": reason, "kind": kind})
        return done, uuid4().hex, True, ""


def _register_restore(app: Dash, client: ApiClient) -> None:
    @app.callback(
        Output("outcome", "children", allow_duplicate=True),
        Output("decided", "data", allow_duplicate=True),
        Output("restore-dialog", "hidden", allow_duplicate=True),
        Output("restore-complaint", "children", allow_duplicate=True),
        Input("restore-confirm", "n_clicks"),
        State(GRID_ID, "selectedRows"),
        State("actor", "value"),
        State("restore-reason", "value"),
        running=[(Output("restore-confirm", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    async def restore(
        clicks: int | None, rows: list[dict[str, Any]] | None, actor: str | None, reason: str | None
    ) -> tuple[Any, ...]:
        if not clicks or not rows:
            return no_update, no_update, no_update, no_update
        if not (reason or "").strip():
            return no_update, no_update, no_update, "Say why: the reason is kept with the decision."
        complaint = _complaint(rows, actor)
        if complaint is not None:
            return complaint, no_update, True, ""
        done = await _decide(client, rows, "restore", {"actor": actor, "reason": reason})
        return done, uuid4().hex, True, ""


def _complaint(rows: Sequence[dict[str, Any]], actor: str | None) -> html.Div | None:
    if not (actor or "").strip():
        return problem("Nobody is named as reviewer.", "Enter your name at the top right, then decide again.")
    if len(rows) > MOST_AT_ONCE:
        return problem(f"{len(rows):,} candidates are selected.", f"Decide about {MOST_AT_ONCE} at a time.")
    return None


async def _decide(
    client: ApiClient, rows: Sequence[dict[str, Any]], verb: str, body: dict[str, Any]
) -> html.Div:
    """Send one decision a row, a few at a time, and say what became of them."""
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
    done = {"flag": "flagged for validation", "reject": "rejected", "restore": "restored"}[verb]
    parts = [f"{count(changed, 'candidate')} {done}"] if changed else []
    if unchanged:
        parts.append(f"{unchanged:,} {'was' if unchanged == 1 else 'were'} {done} already")
    if refused:
        parts.append(f"{len(refused):,} refused")
    shown = refused[:_SHOWN_REFUSALS]
    if len(refused) > len(shown):
        shown.append(f"and {len(refused) - len(shown):,} more")
    return outcome(f"{', '.join(parts)}.", shown)
