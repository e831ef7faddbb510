"""One page of an OPTIMADE answer: its entries, how many there are in all, and which page it says comes next.

The specification (optimade.org, 1.2, "JSON response schema: common fields"): `links.next` is an address, an object
with `href`, or null on the last page; `meta.data_returned` counts what the filter matches, `meta.data_available` all.
What a page says is judged here; how its list is read to the end is `source`'s business.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from catalyst_assets.errors import SourceError
from catalyst_assets.ingestion.fetching.narrowing import BEGIN_ANEW, Span
from catalyst_assets.ingestion.pages import dict_in

_REMEDY: Final = f"Tell the provider: {BEGIN_ANEW}"
_NEXT: Final = re.compile(r"next", re.IGNORECASE)
_ASKED: Final = ("filter", "response_fields", "page_limit")


@dataclass(frozen=True)
class Page:
    """A page that was received.

    Attributes
    ----------
    url
        What was asked.
    data
        The reply as received.
    document
        What it says.
    entries
        What it holds under ``data``.
    """

    url: str
    data: bytes
    document: Mapping[str, Any]
    entries: list[Any]

    @property
    def names(self) -> set[str]:
        """What identifies each entry, as far as it can be told."""
        return {str(entry.get("id")) if isinstance(entry, dict) else repr(entry) for entry in self.entries}

    @property
    def says_more(self) -> bool:
        """Whether it says that more entries follow."""
        return dict_in(self.document, "meta").get("more_data_available") is True

    def announced(self, *, is_filtered: bool) -> int | None:
        """Return how many entries the provider counts for the whole question; None where it does not say."""
        meta = dict_in(self.document, "meta")
        returned, available = (
            count if isinstance(count, int) and not isinstance(count, bool) else None
            for count in (meta.get("data_returned"), meta.get("data_available"))
        )
        # Some count the entries of the page alone; what is available in all tells then.
        if not is_filtered and available is not None and returned in (None, len(self.entries)):
            return max(available, returned or 0)
        return returned

    def next_url(self) -> str | None:
        """Return the address of the next page, with all that was asked of this one; None where it names none.

        Raises
        ------
        SourceError
            What it names cannot be followed: no address, or one on another host.
        """
        link = dict_in(self.document, "links").get("next")
        if isinstance(link, dict):
            link = link.get("href")
        if link is None or link == "":
            return None
        if not isinstance(link, str):
            raise SourceError(
                f"The page after {shown_url(self.url)} is named by {str(link)[:100]!r}.", _REMEDY
            )
        here = urlsplit(self.url)
        try:
            there = urlsplit(urljoin(self.url, link.strip()))
            host = there.hostname
        except ValueError:
            raise SourceError(
                f"The page after {shown_url(self.url)} is named by {link[:100]!r}.", _REMEDY
            ) from None
        if host != here.hostname:
            raise SourceError(
                f"The page after {shown_url(self.url)} is said to lie at {host}.",
                "A provider's pages must lie on its own host; correct base_url if it has moved.",
            )
        # Some providers behind a proxy name their pages by http: the connection must not get worse.
        there = there._replace(scheme=here.scheme, netloc=here.netloc, fragment="")
        asked = dict(parse_qsl(here.query))
        kept = dict(parse_qsl(there.query))
        lost: dict[str, str] = {name: asked[name] for name in _ASKED if name in asked and not kept.get(name)}
        lacks = set(asked.get("response_fields", "").split(",")) - set(
            kept.get("response_fields", "").split(",")
        )
        if lacks and "response_fields" in kept:
            pairs = [pair for pair in parse_qsl(there.query) if pair[0] != "response_fields"]
            there = there._replace(query=urlencode(pairs))
            lost["response_fields"] = asked["response_fields"]
        return there._replace(query="&".join(filter(None, [there.query, urlencode(lost)]))).geturl()

    def misnamed_next(self) -> str:
        """Return where something stands that looks like a next page under another name; empty where nothing does."""
        places = {
            "": self.document,
            "links.": dict_in(self.document, "links"),
            "meta.": dict_in(self.document, "meta"),
            "meta.links.": dict_in(dict_in(self.document, "meta"), "links"),
        }
        return next(
            (
                f"{place}{key}"
                for place, held in places.items()
                for key, value in held.items()
                if _NEXT.search(key) and value and f"{place}{key}" != "links.next"
            ),
            "",
        )


def read_page(url: str, data: bytes, document: Any, *, is_transient: bool = False) -> Page:
    """Return a reply as a page.

    Raises
    ------
    SourceError
        It is none, or says that something went wrong.
    """
    entries = document.get("data") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(entries, list) or document.get("errors"):
        said = document.get("errors") if isinstance(document, dict) else document
        raise SourceError(
            f"{url} does not answer with a page of structures: {str(said)[:200]}",
            "Correct the address.",
            is_transient=is_transient,
        )
    return Page(url, data, document, entries)


def span_of(url: str) -> Span | None:
    """Return which entries a page holds by its address; None where that cannot be told."""
    asked = dict(parse_qsl(urlsplit(url).query))
    pages = {name for name in asked if name.startswith("page_")} - {"page_limit", "page_offset"}
    start, count = asked.get("page_offset", "0"), asked.get("page_limit", "")
    if pages or not (start.isascii() and start.isdigit() and count.isascii() and count.isdigit()):
        return None
    return Span(int(start), int(count)) if int(count) else None


def shown_url(url: str) -> str:
    """Return an address as messages show it: without the long list of fields that is asked for everywhere."""
    parts = urlsplit(url)
    asked = [pair for pair in parse_qsl(parts.query) if pair[0] != "response_fields"]
    return parts._replace(query=urlencode(asked)).geturl()


def url_of(url: str, span: Span) -> str:
    """Return the address of the same question about other entries."""
    parts = urlsplit(url)
    asked = dict(parse_qsl(parts.query)) | {"page_offset": str(span.start), "page_limit": str(span.count)}
    return parts._replace(query=urlencode(asked)).geturl()
