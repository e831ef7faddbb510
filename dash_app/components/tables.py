"""Tables and lists of facts: what every panel lays out alike."""

from collections.abc import Iterable
from typing import Any

from dash import html


def column(title: str, kind: str) -> html.Th:
    """Lay out the title of a column that the style sheet treats apart, such as ``number`` or ``spare``."""
    return html.Th(title, scope="col", className=kind)


def table(titles: Iterable[str | html.Th], rows: Iterable[list[Any]], kind: str = "figures") -> html.Table:
    """Lay out a table.

    Parameters
    ----------
    titles
        Of its columns, as texts or by `column`; without any it has no head.
    rows
        Cells of each row, as ``html.Th`` or ``html.Td``.
    kind
        Class names of the style sheet.
    """
    head = [title if isinstance(title, html.Th) else html.Th(title, scope="col") for title in titles]
    body = html.Tbody([html.Tr(cells) for cells in rows])
    return html.Table([html.Thead(html.Tr(head)), body] if head else body, className=kind)


def pairs(facts: Iterable[tuple[str, Any]]) -> html.Dl:
    """Lay out names beside their values."""
    return html.Dl([html.Div([html.Dt(name), html.Dd(value)]) for name, value in facts], className="pairs")


def remark(text: str) -> html.P:
    """Lay out a small remark below what it is about."""
    return html.P(text, className="soft small")
