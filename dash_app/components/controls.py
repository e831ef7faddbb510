"""Controls that several panels hold: buttons and lists to choose from."""

from typing import Any

from dash import dcc, html


def button(text: str, name: str, look: str, **options: Any) -> html.Button:
    """Lay out a button; ``name`` is its id and ``look`` its class of the style sheet."""
    return html.Button(text, id=name, className=look, type="button", **options)


def choice(name: str, options: list[dict[str, str]] | None = None, **more: Any) -> dcc.Dropdown:
    """Lay out a list from which exactly one thing is chosen; ``name`` is its id."""
    return dcc.Dropdown(id=name, options=options or [], clearable=False, searchable=False, **more)
