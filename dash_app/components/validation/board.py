"""The board: a column for each status of the lifecycle. `assets/review_lifecycle.js` fills it with candidates."""

from typing import Any, Final

from dash import html

from catalyst_assets.constants import title_of
from dash_app.components.candidates.toolbar import export_menu, filters
from dash_app.components.controls import button
from dash_app.components.wording import aria
from dash_app.contract import CandidateStatus

# What stands in a column where nothing is.
_EMPTY: Final = {
    CandidateStatus.RANKED: "Everything on the list is decided.",
    CandidateStatus.FLAGGED: "Nothing waits to be begun. Flag what is worth measuring.",
    CandidateStatus.IN_VALIDATION: "Nobody is working on any.",
    CandidateStatus.VALIDATED: "Nothing is fully answered yet.",
    CandidateStatus.REJECTED: "Nothing was rejected.",
}
VIEWS: Final = {
    "board": "Board",
    "results": "Results",
    "work-order": "Work order",
    "calculations": "Calculations",
}
_MOVES: Final = {
    "flag": ("Flag…", "primary", "f"),
    "start": ("Start…", "quiet", "s"),
    "return": ("Give back…", "quiet", "b"),
    "restore": ("Restore…", "quiet", "u"),
    "reject": ("Reject…", "danger", "r"),
}


def board() -> html.Div:
    """Lay out the columns."""
    return html.Div([_column(status) for status in CandidateStatus], id="board", className="board")


def board_tools() -> html.Div:
    """Lay out what stands above the board: which view, filters, and what is done with a selection."""
    tabs = html.Div(
        [_tab(name, text) for name, text in VIEWS.items()],
        className="views",
        role="tablist",
        **aria(label="View"),
    )
    moves = [_move(verb, *look) for verb, look in _MOVES.items()]
    actions = html.Div(
        [
            html.Strong(id="candidate-count", role="status", **aria(live="polite")),
            html.Span(id="selection-count", className="soft", role="status"),
            html.Span(moves, className="decide", id="moves"),
            html.Span(className="gap"),
            html.Span(id="card-legend", className="soft"),
            *export_menu(),
            html.A("Add candidates…", href="/uploads", className="button quiet decide"),
            button("Upload results…", "upload", "quiet decide"),
        ],
        className="tools",
    )
    return html.Div([filters(tabs), actions], id="toolbar", className="toolbar")


def _tab(name: str, text: str) -> html.Button:
    attributes: dict[str, Any] = {
        "data-view": name,
        **aria(selected="false", controls="grid-place" if name == "board" else f"{name}-view"),
    }
    return html.Button(
        [text, html.Span(className="n", id=f"{name}-count")],
        id=f"{name}-tab",
        type="button",
        role="tab",
        className="view-tab",
        **attributes,
    )


def _move(verb: str, text: str, look: str, key: str) -> html.Button:
    attributes: dict[str, Any] = {"data-decide": verb}
    return html.Button(
        text, id=f"move-{verb}", type="button", className=look, title=key, hidden=True, **attributes
    )


def _column(status: CandidateStatus) -> html.Section:
    name = status.value
    head = html.Header(
        [html.H2(title_of(name), id=f"head-{name}"), html.Span("", className="n", id=f"count-{name}")],
        className=f"column-head status-{name}",
    )
    attributes: dict[str, Any] = {"data-column": name}
    cards = html.Div(
        id=f"cards-{name}",
        className="column-cards",
        role="list",
        tabIndex="0",
        **aria(labelledby=f"head-{name}"),
    )
    empty = html.P(_EMPTY[status], className="soft small column-empty", id=f"empty-{name}", hidden=True)
    return html.Section([head, empty, cards], className="column", **attributes)
