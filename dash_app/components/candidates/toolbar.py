"""What stands above the grid: filters, what decides about a selection, ranking again. `assets/` brings it to life."""

from typing import Any, Final

from dash import html

from dash_app.components.candidates.periodic_table import periodic_table
from dash_app.components.controls import button
from dash_app.components.wording import aria

_EXPORTS: Final = {"csv": "CSV, a row a candidate", "parquet": "Parquet", "cif": "CIF, the structures"}


def toolbar() -> html.Div:
    """Lay out both lines of controls and what they open."""
    statuses = html.Div(id="statuses", className="statuses", role="group", **aria(label="Status"))
    return html.Div([filters(statuses), _actions(), _rerank()], id="toolbar", className="toolbar")


def filters(*more: Any) -> html.Div:
    """Lay out what filters candidates, with ``more`` beside the iteration; `assets/review_filters.js` fills it."""
    return html.Div(
        [
            html.Select(id="iteration", **aria(label="Iteration")),
            *more,
            _opens("Elements", "elements"),
            html.Span(id="formula-place"),
            _opens("Ranges", "ranges"),
            button("Clear", "clear", "link", hidden=True, title="Leave every filter out"),
            html.Span(className="gap"),
            _opens("Views", "views"),
            _popover("elements", "Elements", _elements(), "elements-popover"),
            _popover("ranges", "Ranges", _ranges(), "ranges-popover"),
            _popover("views", "Views", _views(), "views-popover"),
        ],
        id="filters",
        className="tools",
    )


def _actions() -> html.Div:
    decide = [
        button("Flag…", "flag", "primary", disabled=True, title="f"),
        button("Reject…", "reject", "danger", disabled=True, title="r"),
        button("Restore…", "restore", "quiet", hidden=True),
    ]
    return html.Div(
        [
            html.Span(decide, className="decide"),
            button("Compare", "compare", "quiet", disabled=True, title="Two to four that are selected: c"),
            html.Strong(id="candidate-count", role="status", **aria(live="polite")),
            html.Span(id="selection-count", className="soft", role="status"),
            html.Span(className="gap"),
            bar_legend(),
            button("Rank again", "rerank-open", "quiet", **aria(pressed="false")),
            *export_menu(),
            button("Upload results…", "upload", "quiet decide"),
        ],
        className="tools",
    )


def bar_legend() -> html.Span:
    """Say what the bars of the grid mean."""
    return html.Span(
        [
            html.Span([html.I(className="key-aim"), "goal"]),
            html.Span([html.I(className="key-predicted"), "predicted ± 1 std"]),
            html.Span([html.I(className="key-measured"), "measured"]),
        ],
        className="bar-legend",
    )


def export_menu() -> list[Any]:
    """Lay out the button that exports what is filtered, and its menu."""
    exports = [
        html.Li(html.A(text, id=f"export-{name}", href=f"/api/v1/exports/candidates.{name}", download=""))
        for name, text in _EXPORTS.items()
    ]
    menu = [html.Ul(exports, className="menu")]
    return [_opens("Export", "export"), _popover("export", "Export what is filtered", menu, "export-popover")]


def _rerank() -> html.Div:
    return html.Div(
        [
            html.Strong("Preview"),
            html.Label(["Strategy ", html.Select(id="rerank-strategy")]),
            html.Span(id="rerank-weight-place"),
            html.Span(id="rerank-told", className="soft", role="status"),
            html.Span(className="gap"),
            button("Back to the recorded ranking", "rerank-close", "quiet"),
        ],
        id="rerank",
        className="tools rerank",
        hidden=True,
    )


def _elements() -> list[Any]:
    keys = [
        button("Only these", "elements-only", "chip", **aria(pressed="false")),
        button("Clear", "elements-clear", "link"),
        html.Span("Click: must contain it. Again: must not. A third time: either.", className="soft small"),
    ]
    return [periodic_table(), html.Div(keys, className="popover-foot")]


def _ranges() -> list[Any]:
    return [html.Div(id="ranges-fields"), html.P(id="ranges-complaint", className="complaint", role="alert")]


def _views() -> list[Any]:
    return [
        html.Ul(id="views-list", className="menu"),
        html.Div(
            [html.Span(id="view-name-place"), button("Save", "view-save", "primary")],
            className="popover-foot",
        ),
    ]


def _opens(text: str, name: str) -> html.Button:
    attributes: dict[str, Any] = {"data-opens": f"{name}-popover", **aria(haspopup="dialog")}
    return button(text, f"{name}-open", "drop-down", **attributes)


def _popover(name: str, title: str, children: list[Any], kind: str) -> html.Div:
    attributes: dict[str, Any] = {"data-popover": name, **aria(label=title)}
    return html.Div(children, id=f"{name}-popover", className=f"popover {kind}", role="dialog", **attributes)
