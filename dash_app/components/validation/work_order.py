"""What a campaign asks a laboratory for: its files, how far it is, and what another system was told."""

from typing import Any, Final

from dash import html

from dash_app.components.messages import empty_state
from dash_app.components.tables import table
from dash_app.components.wording import MISSING, count, moment
from dash_app.work_contract import OutInIteration, WorkOrder, WorkOrderMessage

_FILES: Final = {
    "results.xlsx": ("Workbook to fill in (.xlsx)", "Opens with decimals as your computer writes them."),
    "results.csv": ("Table to fill in (.csv)", "The same rows as text."),
    "work-order.html": (
        "Sheet to print",
        "One A4 page a candidate: what to weigh, what is predicted, boxes.",
    ),
    "structures.cif": ("Structures (.cif)", "A block a candidate."),
}


def work_order_view(order: WorkOrder) -> list[Any]:
    """Show a work order."""
    if not order.candidates and not order.messages:
        return [
            empty_state(
                "Nothing is to be measured yet",
                "What is flagged or in validation stands here, with files to fill in and to print.",
            )
        ]
    asked = [
        html.Li(f"{each.label or each.property}{f' in {each.unit}' if each.unit else ''}")
        for each in order.asked
    ]
    return [
        html.Div(
            [
                html.Section(
                    [
                        html.H2(f"{count(order.candidates, 'candidate')} out"),
                        html.P(f"Each is measured, by {order.method}, for"),
                        html.Ul(asked, className="criteria"),
                        table(
                            ("Iteration", "Flagged", "In validation", "Waits since"),
                            [_iteration(each) for each in order.iterations],
                        ),
                    ],
                    className="panel",
                ),
                html.Section([html.H2("Files"), *_files(order)], className="panel"),
            ],
            className="side-by-side",
        ),
        html.Section([html.H2("Told to another system"), *_messages(order)], className="panel"),
    ]


def _iteration(each: OutInIteration) -> list[Any]:
    return [
        html.Th(str(each.iteration), scope="row"),
        html.Td(f"{each.flagged:,}"),
        html.Td(f"{each.in_validation:,}"),
        html.Td(moment(each.since)),
    ]


def _files(order: WorkOrder) -> list[Any]:
    rows = [
        html.Li([html.A(text, href=order.files[name], download=""), html.Div(about, className="soft small")])
        for name, (text, about) in _FILES.items()
        if name in order.files
    ]
    back = (
        "Filled in, a table comes back by Upload results above, by the API, or by a folder that is watched."
    )
    return [html.Ul(rows, className="menu files") if rows else None, html.P(back, className="soft small")]


def _messages(order: WorkOrder) -> list[Any]:
    if not order.messages:
        text = (
            "No batch was sent yet: each goes out twenty seconds after its last candidate was flagged."
            if order.is_announced
            else "No other system is told of batches. CATALYST_WORK_ORDER_WEBHOOK names one."
        )
        return [html.P(text, className="soft small")]
    titles = ("Batch", "Candidates", "Written", "Attempts", "State")
    return [table(titles, [_message(each) for each in order.messages])]


def _message(each: WorkOrderMessage) -> list[Any]:
    if each.delivered_at is not None:
        state: list[Any] = [
            html.Span("Delivered", className="badge badge-validated"),
            f" {moment(each.delivered_at)}",
        ]
    elif each.next_attempt_at is not None:
        again = f" again at {moment(each.next_attempt_at)}" if each.attempts else ""
        state = [html.Span(f"Being sent{again}", className="badge badge-flagged")]
    else:
        state = [html.Span("Given up", className="badge badge-rejected")]
    failure = html.Div(each.failure, className="small why-not") if each.failure else None
    return [
        html.Th(f"Iteration {each.iteration}", scope="row"),
        html.Td(f"{each.candidates:,}"),
        html.Td(moment(each.created_at)),
        html.Td(str(each.attempts) if each.attempts else MISSING),
        html.Td([*state, failure]),
    ]
