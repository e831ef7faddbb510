"""Where candidates are reviewed: the frame around the grid. What fills it is the pages' business."""

from typing import Final

from dash import dcc, html

from catalyst_assets.campaigns.rejections import RULES, RejectionKind
from catalyst_assets.constants import title_of
from dash_app.components.controls import button, choice
from dash_app.components.dialogs import dialog, reason
from dash_app.components.wording import aria
from dash_app.contract import CandidateStatus

ALL: Final = "all"
# As a reviewer meets them most often.
_KINDS: Final = [RejectionKind(name) for name in ("withdrawn", "infeasible", "failed", "poor")]


def review_area() -> html.Section:
    """Lay out filters, buttons, the place of the grid, and the panel of one candidate."""
    statuses = [{"label": "Any status", "value": ALL}]
    statuses += [{"label": title_of(status.value), "value": status.value} for status in CandidateStatus]
    filters = [
        choice("iteration", placeholder="Iteration"),
        choice("status", statuses, value=ALL),
        html.Span(id="candidate-count", className="soft"),
    ]
    detail = html.Aside(
        [button("Close", "detail-close", "quiet close"), html.Div(id="detail")],
        id="detail-panel",
        className="panel detail",
        hidden=True,
        **aria(label="Candidate"),
    )
    tools = [html.Div(filters, className="filters"), _decision_bar()]
    return html.Section(
        [
            html.H2("Candidates"),
            html.Div(id="superseded"),
            html.Div(tools, id="review-tools", className="tools", hidden=True),
            html.Div(id="outcome"),
            html.Div([html.Div(id="grid-place", className="grid-place"), detail], className="review"),
        ]
    )


def reject_dialog() -> html.Div:
    """Lay out the dialog that asks which kind of rejection and why."""
    kinds = []
    for kind in _KINDS:
        meaning = html.Span(RULES[kind].meaning, className="soft")
        label = html.Span([html.Strong(title_of(kind.value)), meaning])
        kinds.append({"label": label, "value": kind.value})
    radio = dcc.RadioItems(id="reject-kind", options=kinds, className="kinds", labelClassName="kind")
    return dialog(
        "reject",
        "Reject candidates",
        "They leave the loop. Kind and reason stay in their history.",
        html.Fieldset([html.Legend("What kind of rejection is it?"), radio]),
        reason("reject"),
        confirm="Reject",
        look="danger solid",
    )


def restore_dialog() -> html.Div:
    """Lay out the dialog that asks why candidates come back."""
    return dialog(
        "restore",
        "Restore candidates",
        "They are ranked again, and may be flagged or suggested in a later iteration. Only withdrawn and failed "
        "ones come back.",
        reason("restore"),
        confirm="Restore",
    )


def _decision_bar() -> html.Div:
    return html.Div(
        [
            html.Span("Select candidates to decide", id="selection-count", className="soft"),
            button("Flag for validation", "flag", "primary", disabled=True),
            button("Reject…", "reject", "danger", disabled=True),
            button("Restore…", "restore", "quiet", disabled=True),
            button("Upload results…", "upload", "quiet"),
        ],
        className="decide",
    )
