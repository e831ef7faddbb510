"""Where candidates are reviewed: the frame around the grid. What fills it is the pages' business."""

from typing import Any, Final

from dash import dcc, html

from catalyst_assets.campaigns.rejections import RULES, RejectionKind
from dash_app.components.wording import aria, words
from dash_app.contract import CandidateStatus

ALL: Final = "all"
# As a reviewer meets them most often.
_KINDS: Final = (
    RejectionKind.WITHDRAWN,
    RejectionKind.INFEASIBLE,
    RejectionKind.FAILED,
    RejectionKind.POOR,
)


def review_area() -> html.Section:
    """Lay out filters, buttons, the place of the grid, and the panel of one candidate."""
    statuses = [{"label": "Any status", "value": ALL}]
    statuses += [{"label": words(status.value), "value": status.value} for status in CandidateStatus]
    filters = html.Div(
        [
            dcc.Dropdown(
                id="iteration", options=[], clearable=False, searchable=False, placeholder="Iteration"
            ),
            dcc.Dropdown(id="status", options=statuses, value=ALL, clearable=False, searchable=False),
            html.Span(id="candidate-count", className="soft"),
        ],
        className="filters",
    )
    return html.Section(
        [
            html.H2("Candidates"),
            html.Div([filters, _decision_bar()], id="review-tools", className="tools", hidden=True),
            html.Div(id="outcome"),
            html.Div(
                [
                    html.Div(id="grid-place", className="grid-place"),
                    html.Aside(
                        [
                            html.Button("Close", id="detail-close", className="quiet close", type="button"),
                            html.Div(id="detail"),
                        ],
                        id="detail-panel",
                        className="panel detail",
                        hidden=True,
                        **aria(label="Candidate"),
                    ),
                ],
                className="review",
            ),
        ]
    )


def reject_dialog() -> html.Div:
    """Lay out the dialog that asks which kind of rejection and why."""
    kinds = [
        {
            "label": html.Span(
                [html.Strong(words(kind.value)), html.Span(RULES[kind].meaning, className="soft")]
            ),
            "value": kind.value,
        }
        for kind in _KINDS
    ]
    choice = html.Fieldset(
        [
            html.Legend("What kind of rejection is it?"),
            dcc.RadioItems(id="reject-kind", options=kinds, className="kinds", labelClassName="kind"),
        ]
    )
    return _dialog(
        "reject",
        html.P("They leave the loop. Kind and reason stay in their history.", className="soft"),
        choice,
        confirm=html.Button("Reject", id="reject-confirm", className="danger solid", type="button"),
    )


def restore_dialog() -> html.Div:
    """Lay out the dialog that asks why candidates come back."""
    return _dialog(
        "restore",
        html.P(
            "They are ranked again, and may be flagged or suggested in a later iteration. Only withdrawn and failed "
            "ones come back.",
            className="soft",
        ),
        confirm=html.Button("Restore", id="restore-confirm", className="primary", type="button"),
    )


def _dialog(verb: str, *questions: Any, confirm: html.Button) -> html.Div:
    return html.Div(
        html.Div(
            [
                html.H2(f"{words(verb)} candidates", id=f"{verb}-title"),
                *questions,
                html.Label("Reason", htmlFor=f"{verb}-reason"),
                dcc.Textarea(id=f"{verb}-reason", maxLength=2000, rows=3),
                html.P(id=f"{verb}-complaint", className="complaint", role="alert"),
                html.Div(
                    [html.Button("Cancel", id=f"{verb}-cancel", className="quiet", type="button"), confirm],
                    className="dialog-buttons",
                ),
            ],
            className="dialog",
            role="dialog",
            **aria(modal="true", labelledby=f"{verb}-title"),
        ),
        id=f"{verb}-dialog",
        className="veil",
        hidden=True,
    )


def _decision_bar() -> html.Div:
    return html.Div(
        [
            html.Span("Select candidates to decide", id="selection-count", className="soft"),
            html.Button("Flag for validation", id="flag", className="primary", type="button", disabled=True),
            html.Button("Reject…", id="reject", className="danger", type="button", disabled=True),
            html.Button("Restore…", id="restore", className="quiet", type="button", disabled=True),
        ],
        className="decide",
    )
