"""Filters that the address holds: chips and menus that lead to the same page with one of them changed, and to older rows."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from dash import dcc, html

from catalyst_assets.constants import title_of
from dash_app.components.wording import aria

# Where a list goes on; another filter begins at its top.
_PLACES: Final = ("cursor", "before")


def address(path: str, asked: Mapping[str, Any], **changed: Any) -> str:
    """Return a page's address with some filters changed; those that are empty are left out."""
    begun_anew = dict.fromkeys(_PLACES, "") if changed else {}
    query = urlencode({name: value for name, value in {**asked, **begun_anew, **changed}.items() if value})
    return f"{path}?{query}" if query else path


def filter_chips(
    title: str, name: str, options: Iterable[tuple[str, str]], path: str, asked: Mapping[str, Any]
) -> html.Div:
    """Lay out one filter as chips: each a value and what it says; the empty value is all of them."""
    chips = [
        dcc.Link(
            text, href=address(path, asked, **{name: value}), className=_look(asked.get(name, "") == value)
        )
        for value, text in options
    ]
    return html.Div(chips, className="statuses", role="group", **aria(label=title))


def pick(title: str, name: str, options: Sequence[str], path: str, asked: Mapping[str, Any]) -> html.Details:
    """Lay out one filter as a menu of links."""
    chosen = asked.get(name, "")
    every = [("", f"Every {title.lower()}"), *((option, _shown(name, option)) for option in options)]
    links = [
        html.Li(dcc.Link(text, href=address(path, asked, **{name: value}), className=_entry(value == chosen)))
        for value, text in every
    ]
    summary = html.Summary(_shown(name, chosen) if chosen else title, className="drop-down")
    return html.Details(
        [summary, html.Ul(links, className="menu")], className=f"pick {'active' if chosen else ''}"
    )


def older_link(path: str, asked: Mapping[str, Any]) -> dcc.Link:
    """Lead to the rows that come after those of the page."""
    return dcc.Link("Older", href=address(path, asked), className="older")


def _shown(name: str, value: str) -> str:
    return title_of(value) if name == "job" else value


def _look(is_chosen: bool) -> str:
    return "chip chosen" if is_chosen else "chip"


def _entry(is_chosen: bool) -> str:
    return "chosen" if is_chosen else ""
