"""Dialogs: the frame around questions, with a place for complaints and what confirms them."""

from typing import Any

from dash import dcc, html

from dash_app.components.controls import button
from dash_app.components.wording import aria


def dialog(
    name: str,
    title: str,
    explanation: str,
    *questions: Any,
    confirm: str,
    look: str = "primary",
    before: Any = None,
    kind: str = "dialog",
    **confirm_options: Any,
) -> html.Div:
    """Lay out a dialog, hidden.

    Parameters
    ----------
    name
        Of the dialog; its parts are called ``<name>-dialog``, ``-title``, ``-complaint``, ``-cancel`` and ``-confirm``.
    confirm, look
        Text and look of the button that does it.
    before
        What stands before that button.
    kind
        Class names of the style sheet.
    """
    buttons = [
        button("Cancel", f"{name}-cancel", "quiet"),
        before,
        button(confirm, f"{name}-confirm", look, **confirm_options),
    ]
    asked = [
        html.H2(title, id=f"{name}-title"),
        html.P(explanation, className="soft"),
        *questions,
        html.P(id=f"{name}-complaint", className="complaint", role="alert"),
        html.Div(buttons, className="dialog-buttons"),
    ]
    attributes = aria(modal="true", labelledby=f"{name}-title")
    return html.Div(
        html.Div(asked, className=kind, role="dialog", **attributes),
        id=f"{name}-dialog",
        className="veil",
        hidden=True,
    )


def question(text: str, name: str, control: Any, kind: str = "") -> html.Div:
    """Lay out a control below its label; ``name`` is the control's id."""
    return html.Div([html.Label(text, htmlFor=name), control], className=kind)


def reason(name: str, text: str = "Reason") -> html.Div:
    """Lay out the question why; the control is called ``<name>-reason``."""
    return question(text, f"{name}-reason", dcc.Textarea(id=f"{name}-reason", maxLength=2000, rows=3))


def native_dialog(name: str, title: str, *content: Any, confirm: Any = None, kind: str = "") -> html.Dialog:
    """Lay out a dialog of the browser's own, which a script opens.

    Parameters
    ----------
    confirm
        The button that does what it was opened for; without one it only shows something.
    kind
        Class names of the style sheet.
    """
    buttons = closing_buttons(*([confirm] if confirm is not None else []))
    return html.Dialog(
        [html.H2(title, id=f"{name}-title"), *content, buttons],
        id=name,
        className=f"dialog {kind}".strip(),
        **aria(labelledby=f"{name}-title"),
    )


def closing_buttons(*more: Any) -> html.Div:
    """Lay out what ends a dialog of the browser's own; the last of ``more`` is what it was opened for."""
    closing: dict[str, Any] = {"data-close": "true"}
    left, right = more[:-1], more[-1:]
    return html.Div(
        [
            *left,
            html.Span(className="gap"),
            html.Button("Close" if not more else "Cancel", type="button", className="quiet", **closing),
            *right,
        ],
        className="dialog-buttons",
    )
