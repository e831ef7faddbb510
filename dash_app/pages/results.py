"""Results in the review app: entered by a form, uploaded as a file, retracted; validation started and given back.

What is right is the API's to say: everything is sent, and a refusal is shown as it came back.
"""

import base64
import binascii
from typing import Any, Final
from urllib.parse import quote
from uuid import uuid4

import dash
from dash import ALL, ClientsideFunction, Dash, Input, Output, State, no_update

from dash_app.client import ApiClient, ApiError
from dash_app.components.messages import outcome
from dash_app.components.results import told
from dash_app.components.validation.checked import preview, refusal
from dash_app.components.validation.entered import FIELDS, as_it_was, named_by, result_of
from dash_app.components.validation.ledger import chain
from dash_app.components.wording import formula, with_unit
from dash_app.contract import CampaignDetail, CandidateDetail, Transition
from dash_app.result_contract import Recorded, ResultDetail, Retracted

_DIALOGS: Final = ("result", "upload", "retract", "return")
_Opened = int | None


def register(app: Dash, client: ApiClient) -> None:
    """Add the dialogs and buttons to ``app``."""
    for name in _DIALOGS:
        app.clientside_callback(
            ClientsideFunction("review", "close"),
            Output(f"{name}-dialog", "hidden", allow_duplicate=True),
            Input(f"{name}-cancel", "n_clicks"),
            prevent_initial_call=True,
        )
    app.clientside_callback(
        ClientsideFunction("review", "reveal"),
        Output("revealed", "data"),
        Input("result-preview", "children"),
        Input("upload-preview", "children"),
        prevent_initial_call=True,
    )
    _register_form(app, client)
    _register_upload(app, client)
    _register_retraction(app, client)
    _register_history(app, client)
    _register_starting(app, client)


def _register_form(app: Dash, client: ApiClient) -> None:
    @app.callback(
        Output("result-dialog", "hidden"),
        Output("result-title", "children"),
        Output("result-property", "options"),
        *(Output(f"result-{name}", "value") for name in FIELDS),
        Output("result-preview", "children", allow_duplicate=True),
        Output("result-about", "data"),
        Input("result-asked", "data"),
        State("opened", "data"),
        State("campaign-name", "data"),
        State("visitor", "data"),
        prevent_initial_call=True,
    )
    async def open_form(
        asked: dict[str, Any] | None, opened: _Opened, name: str, visitor: str | None
    ) -> tuple[Any, ...]:
        if not asked:
            return (no_update,) * (5 + len(FIELDS))
        held = await client.get(ResultDetail, f"/results/{asked['result']}") if asked.get("result") else None
        about = named_by(held, asked.get("candidate") or opened)
        campaign = await client.get(CampaignDetail, f"/campaigns/{quote(name, safe='')}")
        named = campaign.properties
        options = [
            {"label": with_unit(each.name, each.unit, {each.name: each.label}), "value": each.name}
            for each in named
        ]
        if held is not None:
            if held.property and held.property not in {each.name for each in named}:
                options.append({"label": held.label or held.property, "value": held.property})
            title = [f"Correct result {held.result_id} of ", *formula(held.formula)]
            return False, title, options, *(as_it_was(held)[each] for each in FIELDS), None, about
        candidate = await client.get(CandidateDetail, f"/candidates/{about['candidate']}")
        first = named[0] if named else None
        values = dict.fromkeys(FIELDS, "") | {
            "property": first.name if first else None,
            "unit": first.unit if first else "",
            "outcome": "measured",
            "method": campaign.document.get("method", ""),
            "operator": visitor or "",
            "replicate": 1,
        }
        title = ["Result of ", *formula(candidate.formula), f", candidate {candidate.candidate_id}"]
        return False, title, options, *(values[each] for each in FIELDS), None, about

    @app.callback(
        Output("result-unit", "value", allow_duplicate=True),
        Input("result-property", "value"),
        State("campaign-name", "data"),
        State("result-unit", "value"),
        prevent_initial_call=True,
    )
    async def fill_unit(chosen: str | None, name: str, held: str | None) -> Any:
        campaign = await client.get(CampaignDetail, f"/campaigns/{quote(name, safe='')}")
        unit = next((each.unit for each in campaign.properties if each.name == chosen), held)
        # A unit that stays must not look like a change, which would take the preview away.
        return no_update if unit == held else unit

    @app.callback(
        Output("result-preview", "children"),
        Output("result-confirm", "disabled"),
        Output("result-previewed", "data"),
        Input("result-look", "n_clicks"),
        *(Input(f"result-{name}", "value") for name in FIELDS),
        State("result-about", "data"),
        State("about", "data"),
        prevent_initial_call=True,
    )
    async def look(clicks: int | None, *given: Any) -> tuple[Any, bool, Any]:
        *values, named, campaign = given
        if dash.ctx.triggered_id != "result-look" or not clicks or not named:
            return None, True, None  # what was looked at is not what stands there now
        try:
            row = result_of(dict(zip(FIELDS, values, strict=True)), named)
            shown = await client.post(Recorded, "/results", row, preview="true")
        except ApiError as error:
            return refusal(error), True, None
        is_new = bool(shown.added or shown.corrected)
        return preview(shown, has_criteria=_has_criteria(campaign)), not is_new, row

    @app.callback(
        Output("result-preview", "children", allow_duplicate=True),
        Output("result-dialog", "hidden", allow_duplicate=True),
        Output("outcome", "children", allow_duplicate=True),
        Output("decided", "data", allow_duplicate=True),
        Input("result-confirm", "n_clicks"),
        State("result-previewed", "data"),
        running=[(Output("result-confirm", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    async def submit(clicks: int | None, row: dict[str, Any] | None) -> tuple[Any, ...]:
        if not clicks or not row:
            return (no_update,) * 4
        try:
            done = await client.post(Recorded, "/results", row)
        except ApiError as error:
            return refusal(error), *(no_update,) * 3
        return None, True, outcome(told(done)[0]), uuid4().hex


def _register_upload(app: Dash, client: ApiClient) -> None:
    @app.callback(
        Output("upload-dialog", "hidden"),
        Output("upload-file", "contents"),
        Output("upload-method", "value"),
        Input("upload", "n_clicks"),
        State("campaign-method", "data"),
        prevent_initial_call=True,
    )
    async def open_upload(clicks: int | None, method: str | None) -> tuple[Any, ...]:
        return (False, None, method) if clicks else (no_update,) * 3

    @app.callback(
        Output("upload-preview", "children"),
        Output("upload-confirm", "disabled"),
        Output("upload-name", "children"),
        Input("upload-file", "contents"),
        Input("upload-method", "value"),
        State("upload-file", "filename"),
        State("about", "data"),
        prevent_initial_call=True,
    )
    async def look(
        contents: str | None, method: str | None, name: str | None, campaign: dict[str, Any] | None
    ) -> tuple[Any, ...]:
        if not contents:
            return None, True, ""
        try:
            shown = await _send(client, contents, name, method, preview="true")
        except ApiError as error:
            return refusal(error), True, name
        is_new = bool(shown.added or shown.corrected)
        return preview(shown, has_criteria=_has_criteria(campaign)), not is_new, name

    @app.callback(
        Output("upload-preview", "children", allow_duplicate=True),
        Output("upload-dialog", "hidden", allow_duplicate=True),
        Output("outcome", "children", allow_duplicate=True),
        Output("decided", "data", allow_duplicate=True),
        Input("upload-confirm", "n_clicks"),
        State("upload-file", "contents"),
        State("upload-method", "value"),
        State("upload-file", "filename"),
        running=[(Output("upload-confirm", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    async def submit(
        clicks: int | None, contents: str | None, method: str | None, name: str | None
    ) -> tuple[Any, ...]:
        if not clicks or not contents:
            return (no_update,) * 4
        try:
            done = await _send(client, contents, name, method)
        except ApiError as error:
            return refusal(error), *(no_update,) * 3
        return None, True, outcome(told(done)[0]), uuid4().hex


def _register_retraction(app: Dash, client: ApiClient) -> None:
    @app.callback(
        Output("retract-dialog", "hidden"),
        Output("retract-title", "children"),
        Output("retract-reason", "value"),
        Output("retract-complaint", "children"),
        Output("retract-number", "data"),
        Input({"type": "retract", "result": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )
    async def open_retraction(clicks: list[int | None]) -> tuple[Any, ...]:
        chosen = dash.ctx.triggered_id
        if not chosen or not any(clicks):
            return (no_update,) * 5
        return False, f"Retract result {chosen['result']}", "", "", chosen["result"]

    @app.callback(
        Output("retract-complaint", "children", allow_duplicate=True),
        Output("retract-dialog", "hidden", allow_duplicate=True),
        Output("outcome", "children", allow_duplicate=True),
        Output("decided", "data", allow_duplicate=True),
        Input("retract-confirm", "n_clicks"),
        State("retract-number", "data"),
        State("retract-reason", "value"),
        running=[(Output("retract-confirm", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    async def retract(clicks: int | None, number: int | None, why: str | None) -> tuple[Any, ...]:
        if not clicks or not number:
            return (no_update,) * 4
        if not (why or "").strip():
            return "Say why: the reason is kept with the result.", *(no_update,) * 3
        try:
            await client.post(Retracted, f"/results/{number}/retract", {"reason": why})
        except ApiError as error:
            return str(error), *(no_update,) * 3
        return "", True, outcome(f"Result {number} was retracted."), uuid4().hex


def _register_history(app: Dash, client: ApiClient) -> None:
    @app.callback(
        Output("history-title", "children"),
        Output("history-list", "children"),
        Input("history-asked", "data"),
        prevent_initial_call=True,
    )
    async def show_history(asked: dict[str, Any] | None) -> tuple[Any, Any]:
        if not asked:
            return no_update, no_update
        try:
            held = await client.get(ResultDetail, f"/results/{asked['result']}")
        except ApiError as error:
            return "History of a result", refusal(error)
        return [f"{held.label or 'Attempt'} of ", *formula(held.formula)], chain(held.chain)


def _register_starting(app: Dash, client: ApiClient) -> None:
    @app.callback(
        Output("outcome", "children", allow_duplicate=True),
        Output("decided", "data", allow_duplicate=True),
        Input("start", "n_clicks"),
        State("opened", "data"),
        prevent_initial_call=True,
    )
    async def start(clicks: int | None, opened: _Opened) -> tuple[Any, Any]:
        if not clicks or not opened:
            return no_update, no_update
        try:
            done = await client.post(Transition, f"/candidates/{opened}/start", {})
        except ApiError as error:
            return refusal(error), no_update
        return outcome(f"Validation of {done.candidate.formula} has begun."), uuid4().hex

    @app.callback(
        Output("return-dialog", "hidden"),
        Output("return-reason", "value"),
        Output("return-complaint", "children"),
        Input("return", "n_clicks"),
        prevent_initial_call=True,
    )
    async def open_return(clicks: int | None) -> tuple[Any, ...]:
        return (False, "", "") if clicks else (no_update,) * 3

    @app.callback(
        Output("return-complaint", "children", allow_duplicate=True),
        Output("return-dialog", "hidden", allow_duplicate=True),
        Output("outcome", "children", allow_duplicate=True),
        Output("decided", "data", allow_duplicate=True),
        Input("return-confirm", "n_clicks"),
        State("opened", "data"),
        State("return-reason", "value"),
        prevent_initial_call=True,
    )
    async def give_back(clicks: int | None, opened: _Opened, why: str | None) -> tuple[Any, ...]:
        if not clicks or not opened:
            return (no_update,) * 4
        if not (why or "").strip():
            return "Say why: the reason is kept in its history.", *(no_update,) * 3
        path = f"/candidates/{opened}/return"
        try:
            done = await client.post(Transition, path, {"reason": why})
        except ApiError as error:
            return str(error), *(no_update,) * 3
        return "", True, outcome(f"{done.candidate.formula} is flagged again."), uuid4().hex


async def _send(
    client: ApiClient, contents: str, name: str | None, method: str | None, **query: Any
) -> Recorded:
    """Send a file that the browser gave as text.

    Raises
    ------
    ApiError
        It is refused, or what came is none.
    """
    try:
        data = base64.b64decode(contents.partition(",")[2], validate=True)
    except (binascii.Error, ValueError):
        raise ApiError("The file did not arrive whole.", "Choose it again.") from None
    return await client.post(
        Recorded, "/results/files", file=(name or "results", data), method=method, **query
    )


def _has_criteria(about: dict[str, Any] | None) -> bool:
    return bool((about or {}).get("has_criteria"))
