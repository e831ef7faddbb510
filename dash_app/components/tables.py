"""Tables and lists of facts: what every panel lays out alike."""

from collections.abc import Iterable
from typing import Any

from dash import html


def table(titles: Iterable[str], rows: Iterable[list[Any]], kind: str = "figures") -> html.Table:
    """Lay out a table.

    Parameters
    ----------
    titles
        Of its columns; without any it has no head.
    rows
        Cells of each row, as ``html.Th`` or ``html.Td``.
    kind
        Class names of the style sheet.
    """
    head = [html.Th(title, scope="col") for title in titles]
    body = html.Tbody([html.Tr(cells) for cells in rows])
    return html.Table([html.Thead(html.Tr(head)), body] if head else body, className=kind)


def pairs(facts: Iterable[tuple[str, Any]]) -> html.Dl:
    """Lay out names beside their values."""
    return html.Dl([html.Div([html.Dt(name), html.Dd(value)]) for name, value in facts], className="pairs")


def remark(text: str) -> html.P:
    """Lay out a small remark below what it is about."""
    return html.P(text, className="soft small")
