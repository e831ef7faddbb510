"""Where candidates are reviewed: the frame around the grid. What fills it is the pages' business."""

from typing import Final

from dash import dcc, html

from dash_app.api.models import CandidateStatus
from dash_app.components.wording import aria, words

ALL: Final = "all"


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
    """Lay out the dialog that asks why."""
    return html.Div(
        html.Div(
            [
                html.H2("Reject candidates", id="reject-title"),
                html.P("They leave the loop. The reason stays in their history.", className="soft"),
                html.Label("Reason", htmlFor="reject-reason"),
                dcc.Textarea(id="reject-reason", maxLength=2000, rows=4),
                html.P(id="reject-complaint", className="complaint", role="alert"),
                html.Div(
                    [
                        html.Button("Cancel", id="reject-cancel", className="quiet", type="button"),
                        html.Button("Reject", id="reject-confirm", className="danger solid", type="button"),
                    ],
                    className="dialog-buttons",
                ),
            ],
            className="dialog",
            role="dialog",
            **aria(modal="true", labelledby="reject-title"),
        ),
        id="reject-dialog",
        className="veil",
        hidden=True,
    )


def _decision_bar() -> html.Div:
    return html.Div(
        [
            html.Span("Select candidates to decide", id="selection-count", className="soft"),
            html.Button("Flag for validation", id="flag", className="primary", type="button", disabled=True),
            html.Button("Reject…", id="reject", className="danger", type="button", disabled=True),
        ],
        className="decide",
    )
