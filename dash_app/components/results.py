"""The results of a candidate: what counts, what does not and why; and the dialogs by which they come and go."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from dash import dcc, html

from catalyst_assets.constants import decimals, title_of
from dash_app.components.controls import button, choice
from dash_app.components.dialogs import dialog, native_dialog, question, reason
from dash_app.components.wording import aria, moment, plus_minus, signed
from dash_app.contract import CandidateDetail, CandidateStatus
from dash_app.result_contract import Recorded, Result, ResultPage

# What both dialogs offer while one writes a method: `assets/review_validation.js` fills it.
_METHODS_ID: Final = "known-methods"
OUTCOMES: Final[Mapping[str, str]] = {
    "measured": "Measured",
    "failed": "Measurement failed",
    "not_made": "Could not be made",
}


def results_section(candidate: CandidateDetail, results: ResultPage, validator: str) -> list[Any]:
    """Show a candidate's results with what can be done; ``validator`` is its campaign's."""
    rest = results.total - len(results.items)
    return [
        html.H3("Results"),
        html.Div(_actions(candidate, validator), className="actions"),
        results_list(results.items),
        html.P(f"And {rest:,} older ones.", className="soft small") if rest > 0 else None,
    ]


def results_list(results: Sequence[Result], *, is_apart: bool = False) -> html.Ul | html.P:
    """Show results: what was measured how, whether it counts, what it corrects.

    Parameters
    ----------
    is_apart
        Whether they are shown away from their candidate: then with who asked for them, and without what retracts them.
    """
    shown = [_result(result, is_apart) for result in results if result.outcome != "retracted"]
    return html.Ul(shown, className="results") if shown else html.P("None yet.", className="soft small")


def result_dialog() -> html.Div:
    """Lay out the form of one result."""
    fields = [
        question(
            "Property", "result-property", choice("result-property", placeholder="Choose"), "wide-field"
        ),
        html.Fieldset(
            [
                html.Legend("Outcome"),
                dcc.RadioItems(
                    id="result-outcome",
                    options=[{"label": label, "value": value} for value, label in OUTCOMES.items()],
                    value="measured",
                    inline=True,
                    className="outcomes",
                ),
            ],
            className="wide-field",
        ),
        _text("Value", "result-value", placeholder="1.62"),
        _text("Standard deviation", "result-deviation", placeholder="not stated"),
        _text("Unit", "result-unit"),
        _text("Method", "result-method", list=_METHODS_ID),
        _text("Note", "result-note", "wide-field", maxLength=2000),
        _text(
            "Correction: why it replaces an earlier value", "result-correction", "wide-field", maxLength=500
        ),
    ]
    more = [
        _text("Sample", "result-sample", maxLength=100),
        _text("Batch", "result-batch", maxLength=100),
        question(
            "Replicate",
            "result-replicate",
            dcc.Input(id="result-replicate", type="number", min=1, step=1, value=1),
        ),
        _text("Measured on", "result-date", placeholder="2026-03-31", maxLength=10),
        _text("Operator", "result-operator", maxLength=100),
        _text("Conditions", "result-conditions", placeholder="T = 300 K; pH = 13"),
    ]
    return dialog(
        "result",
        "Enter result",
        "Look at the preview, then submit. Nothing is ever overwritten: a correction stands beside what it corrects.",
        html.Div(fields, className="fields"),
        html.Details(
            [
                html.Summary("Sample, replicate, date, operator, conditions"),
                html.Div(more, className="fields"),
            ],
            className="more-fields",
        ),
        html.Div(id="result-preview", **aria(live="polite")),
        confirm="Submit",
        before=button("Preview", "result-look", "quiet"),
        kind="dialog wide-dialog",
        disabled=True,
    )


def upload_dialog() -> html.Div:
    """Lay out the upload of a file of results."""
    drop = dcc.Upload(
        id="upload-file",
        children=html.Div(
            [
                html.Strong("Choose a file"),
                " or drop it here",
                html.Div(id="upload-name", className="soft small"),
            ]
        ),
        className="drop",
        max_size=-1,
    )
    return dialog(
        "upload",
        "Upload results",
        "CSV, Excel (.xlsx), JSON or Parquet: one row a measurement, with candidate, material_id or formula. "
        "It is taken whole or not at all.",
        drop,
        _text("Method of rows that name none", "upload-method", list=_METHODS_ID),
        html.Datalist(id=_METHODS_ID),
        html.Div(id="upload-preview", **aria(live="polite")),
        confirm="Submit",
        kind="dialog wide-dialog",
        disabled=True,
    )


def history_dialog() -> html.Dialog:
    """Lay out where the history of one result is shown."""
    return native_dialog("history", "History of a result", html.Div(id="history-list"), kind="wide-dialog")


def retract_dialog() -> html.Div:
    """Lay out the dialog that asks why a result is withdrawn."""
    return dialog(
        "retract",
        "Retract result",
        "It stays in the ledger with this reason, and the next iteration learns without it.",
        reason("retract"),
        confirm="Retract",
        look="danger solid",
    )


def return_dialog() -> html.Div:
    """Lay out the dialog that asks why a candidate is given back."""
    return dialog(
        "return",
        "Give candidate back",
        "It is flagged again, so that somebody else may take it. If it was tried and failed, enter that as a result instead.",
        reason("return"),
        confirm="Give back",
    )


def told(recorded: Recorded) -> list[str]:
    """Return what became of results as lines to read, the first without the name of the file."""
    first, *rest = recorded.summary
    text = first.removeprefix(f"{recorded.file}: ").removeprefix("results: ")
    return [f"{text[:1].upper()}{text[1:]}", *rest]


def _actions(candidate: CandidateDetail, validator: str) -> list[Any]:
    is_asked = candidate.status in (CandidateStatus.FLAGGED, CandidateStatus.IN_VALIDATION)
    look = "primary" if is_asked else "quiet"
    shown = [_asks("Enter result…", look, candidate=candidate.candidate_id, id="result")]
    if validator == "laboratory" and candidate.status is CandidateStatus.FLAGGED:
        shown.insert(0, button("Start validation", "start", "quiet"))
    if validator == "laboratory" and candidate.status is CandidateStatus.IN_VALIDATION:
        shown.append(button("Give back…", "return", "quiet"))
    return shown


def _result(result: Result, is_apart: bool) -> html.Li:
    name = result.label or (title_of(result.property) if result.property else "Whole attempt")
    value: Any = html.Strong(result_value(result))
    if result.superseded_by is not None:
        value = html.S(result_value(result))
    measured = [
        result.method,
        f"sample {result.sample}" if result.sample else "",
        f"batch {result.batch}" if result.batch else "",
        f"replicate {result.replicate}" if result.replicate > 1 else "",
        *(f"{key} {given}" for key, given in result.conditions.items()),
        f"by {result.operator}" if result.operator else "",
        f"on {result.date.isoformat()}" if result.date else "",
    ]
    standing = (
        html.Span("Counts", className="badge badge-validated")
        if result.counts
        else html.Span("Does not count", className="badge")
    )
    head = html.Div([html.Span([name, " ", value]), standing], className="result-head")
    children: list[Any] = [head, html.Div(" · ".join(part for part in measured if part), className="small")]
    if result.synthesis is not None:
        children.append(html.Div(f"Synthesis {result.synthesis}", className="small"))
    children += [html.Q(result.note, className="small")] if result.note else []
    if result.reason:
        children.append(html.Div(f"Corrects result {result.supersedes}: {result.reason}", className="small"))
    if result.why_not:
        children.append(
            html.Div(f"{result.why_not[:1].upper()}{result.why_not[1:]}.", className="small why-not")
        )
    foot: list[Any] = [f"No. {result.result_id} · {result.submitted_by} · {moment(result.submitted_at)}"]
    if is_apart and result.campaign is not None:
        foot[0] = f"{foot[0]} · for {result.campaign}, iteration {result.iteration}"
    if not is_apart:
        foot.append(html.Span(result_actions(result)))
    return html.Li([*children, html.Div(foot, className="soft small result-foot")])


def result_actions(result: Result) -> list[Any]:
    """Show what can be done about a result: correct and retract what stands, and see what became of the others."""
    if result.superseded_by is not None or result.supersedes is not None:
        history: dict[str, Any] = {"data-history": str(result.result_id)}
        past = [html.Button("History", className="link history-link", type="button", **history)]
    else:
        past = []
    if result.superseded_by is not None or result.outcome == "retracted":
        return past
    opener = {"type": "retract", "result": result.result_id}
    return [
        *past,
        _asks("Correct…", "link", result.candidate_id, result.material_id, result.result_id),
        html.Button("Retract…", id=opener, className="link dangerous", type="button"),
    ]


def _asks(
    text: str,
    look: str,
    candidate: int | None = None,
    material: str = "",
    result: int | None = None,
    **more: Any,
) -> html.Button:
    """Lay out a button that opens the form of a result, as `assets/review_lifecycle.js` has it."""
    told: dict[str, Any] = {
        "data-ask-result": str(result or ""),
        "data-candidate": str(candidate or ""),
        "data-material": material,
    }
    return html.Button(text, type="button", className=look, **told, **more)


def result_value(result: Result) -> str:
    """Write what was measured with its deviation and unit, or that nothing was."""
    if result.value is None:
        return result.outcome
    text = signed(decimals(result.value))
    if result.standard_deviation:
        text = plus_minus(result.value, result.standard_deviation)
    return f"{text} {result.unit or ''}".strip()


def _text(label: str, name: str, kind: str = "", **options: Any) -> html.Div:
    return question(label, name, dcc.Input(id=name, type="text", **options), kind)
