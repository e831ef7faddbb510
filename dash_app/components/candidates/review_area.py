"""Where candidates are reviewed: the grid's place, the panel of one candidate, and the dialogs over them."""

from typing import Any, Final

from dash import html

from catalyst_assets.campaigns.rejections import RULES, RejectionKind
from catalyst_assets.constants import title_of
from dash_app.components.controls import button
from dash_app.components.dialogs import closing_buttons
from dash_app.components.wording import aria

# As a reviewer meets them most often.
_KINDS: Final = [RejectionKind(name) for name in ("withdrawn", "infeasible", "failed", "poor")]
_READING: Final = (
    (
        "Bar",
        "The green band is the goal, dot and line are the predicted value ± one standard deviation, the diamond is what was measured.",
    ),
    (
        "35\u2009%",
        "How likely the property is within the goal, by the draws of the model. ✓ and ✗ say whether a measured value is.",
    ),
    (
        "Chance of a hit",
        "How likely all criteria hold together: properties that go together make it more than the product of theirs.",
    ),
    (
        "Score",
        "What the strategy gave; the first ranks are the batch, where each is also unlike those before it.",
    ),
    (
        "Distance",
        "To what the model had learned from; 1 is typical of a chemical system that it has not seen. Far: do not rely on the ±.",
    ),
    ("Stale", "A better model has been trained since it was ranked."),
    ("Flag", "Ask for it to be measured or computed. Who answers is the campaign's validator."),
)
_KEYS: Final = (
    ("j k  ↓ ↑", "the next or previous candidate"),
    ("Enter", "show it beside the grid; the arrows then move on to others"),
    ("x  Space", "select it; Shift-click selects all between"),
    ("f", "flag what is selected, or the candidate one is at"),
    ("r", "reject it"),
    ("c", "compare two to four that are selected"),
    ("s  b", "on the board: start its validation, give it back"),
    ("e  u", "on the board: enter a result of it, restore it"),
    ("h l  ← →", "on the board: the column before or behind"),
    ("w", "rank the iteration again"),
    ("m", "the material's own page; there j and k go through the ranking"),
    ("/", "filter by formula"),
    ("Escape", "close the panel, a menu or a dialog; give up a selection"),
    ("?", "this list"),
)


def review_area(*beside: Any) -> html.Div:
    """Lay out the place of the grid or board, ``beside`` it what is shown in its stead, and the panel of one candidate."""
    detail = html.Aside(
        [
            button("×", "detail-close", "quiet close", title="Close", **aria(label="Close")),
            html.Div(id="detail"),
        ],
        id="detail-panel",
        className="detail",
        hidden=True,
        **aria(label="Candidate"),
    )
    place = html.Div(
        [
            html.Div(id="grid-place", className="grid-place"),
            html.Div(id="grid-message", className="grid-message", role="status", hidden=True),
            *beside,
        ],
        className="grid-frame",
    )
    return html.Div([place, detail], className="review")


def decide_dialog() -> html.Dialog:
    """Lay out the dialog of a decision: which kind of rejection where it is one, and why."""
    kinds = [_kind(kind) for kind in _KINDS]
    return html.Dialog(
        [
            html.H2(id="decide-title"),
            html.P(id="decide-who", className="who"),
            html.P(id="decide-why", className="soft"),
            html.Div(
                kinds,
                id="decide-kinds",
                className="kinds",
                role="radiogroup",
                hidden=True,
                **aria(label="Kind"),
            ),
            html.Label("Reason", htmlFor="decide-reason"),
            html.Textarea(id="decide-reason", rows=2, maxLength=2000),
            html.Div(id="decide-complaint", className="complaint", role="alert"),
            closing_buttons(
                html.Span("Enter sends, Shift+Enter begins a line", className="soft small"), _confirm()
            ),
        ],
        id="decide",
        className="dialog",
        **aria(labelledby="decide-title"),
    )


def compare_dialog() -> html.Dialog:
    """Lay out where candidates are compared."""
    return html.Dialog(
        [html.H2("Side by side"), html.Div(id="compared-table", className="wide"), closing_buttons()],
        id="compare-dialog",
        className="dialog compare-dialog",
        **aria(label="Side by side"),
    )


def help_dialog() -> html.Dialog:
    """Lay out what the table says and what the keys do."""
    rows = [
        html.Tr([html.Th([html.Kbd(key) for key in keys.split()], scope="row"), html.Td(text)])
        for keys, text in _KEYS
    ]
    read = [html.Div([html.Dt(name), html.Dd(text)]) for name, text in _READING]
    return html.Dialog(
        [
            html.Div(
                [
                    html.Section([html.H2("Reading the table"), html.Dl(read, className="reading")]),
                    html.Section([html.H2("Keys"), html.Table(html.Tbody(rows), className="keys")]),
                ],
                className="two",
            ),
            closing_buttons(),
        ],
        id="help",
        className="dialog help-dialog",
        **aria(label="Help"),
    )


def _kind(kind: RejectionKind) -> html.Button:
    attributes: dict[str, Any] = {"data-kind": kind.value, **aria(checked="false")}
    label = [
        html.Strong(title_of(kind.value)),
        html.Span(RULES[kind].meaning, className="soft"),
        html.Span(className="why-not"),
    ]
    return html.Button(label, type="button", className="kind", role="radio", **attributes)


def _confirm() -> html.Button:
    return button("Decide", "decide-confirm", "primary")
