"""The source `aflow`: AFLOW's entries by its search language AFLUX (Rose et al., Comput. Mater. Sci. 137, 362 (2017)).

AFLUX has no filter by date, and its newer replies give no total, but it sorts by the first keyword and counts pages from the end when
their number is negative. So a refresh reads the entries from the newest to the oldest and stops where the last one
began; entries that appear meanwhile shift the pages, which repeats some and misses none.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.errors import SourceError, UsageError
from catalyst_assets.ingestion.aflow.entries import (
    KEYWORDS,
    AflowParser,
    count_announced,
    list_entries,
    read_stamp,
)
from catalyst_assets.ingestion.aflow.reading import Read, Reading
from catalyst_assets.ingestion.aflow.spec import ENDPOINT, LICENCE, NAME, AflowConfig
from catalyst_assets.ingestion.fetching.http import Fetcher
from catalyst_assets.ingestion.fetching.narrowing import Span
from catalyst_assets.ingestion.raw_cache import RawRequest
from catalyst_assets.ingestion.sources.refreshing import Pages, Refreshed, refresh_increment

if TYPE_CHECKING:
    from resources.platform import Platform
    from resources.settings import Settings

_LONGEST_URL: Final = 8000


class Aflow(Pages):
    """AFLOW behind its AFLUX endpoint.

    Parameters
    ----------
    fetcher
        Asks it.
    matchbook
        AFLUX conditions, such as ``species(Ti,O),nspecies(2)``. Another matchbook is another question: it starts
        anew.
    memory
        What the last refresh left.
    most_entries
        Stop after the page with which so many entries were fetched; the next refresh goes on from there.
    endpoint
        Where AFLUX is.
    page_size
        Entries a page.
    most_pages
        After so many the refresh ends; the next one goes on from there.

    Raises
    ------
    UsageError
        The matchbook is empty or too long, or gives directives of its own.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        matchbook: str,
        memory: Mapping[str, Any] | None = None,
        most_entries: int | None = None,
        endpoint: str = ENDPOINT,
        page_size: int = 500,
        most_pages: int = 100_000,
    ) -> None:
        self._matchbook = check_matchbook(matchbook)
        self._endpoint = endpoint
        self._page_size = page_size
        self._most_pages = most_pages
        question = {"endpoint": endpoint, "matchbook": self._matchbook}
        super().__init__(fetcher, question, memory, most_entries)
        self._reading = Reading(self._ask)
        self._held = b""

    def list_new(self) -> Iterator[RawRequest]:
        """Ask for the newest entry, then yield one request a page until what is known.

        Raises
        ------
        SourceError
            AFLOW cannot be asked, or not all of its list can be had.
        """
        # A list whose entries were not counted on the way is read anew.
        is_under_way = "page" in self._memory and "received" in self._memory
        if not is_under_way and not self._begin():
            return
        if "page" not in self._memory:
            read = self._reading.fill(self._memory)
            yield from self._keep(read)
        pages = 0
        while "page" in self._memory and not self.is_enough:
            if pages == self._most_pages:
                raise SourceError(
                    f"{NAME}: {pages} pages were read, and page {self._memory['page']} comes next.",
                    "Run again: it goes on from there; CATALYST_SOURCE_PAGES lets one refresh read more.",
                )
            pages += 1
            start = (self._memory["page"] - 1) * self._page_size
            yield from self._keep(self._reading.read_on(self._memory, Span(start, self._page_size)))

    def fetch(self, request: RawRequest) -> bytes:
        """Return the page that was asked for last."""
        return self._held

    def _keep(self, read: Read) -> Iterator[RawRequest]:
        """Yield what came of a page, and say what is missing."""
        before = self._memory
        started = before["started"]
        for part in read.parts:
            # Of a page that came in parts the last one says that all of them are kept.
            self._memory = read.memory if part is read.parts[-1] else before
            self._entries += len(part.entries)
            self._held = part.data
            is_page = part.span.count == self._page_size
            number = part.span.start // part.span.count + 1
            place = f"page {number}" if is_page else str(part.span)
            # The same page of another refresh holds other entries: neither takes the other's place.
            yield RawRequest(NAME, self._url(part.span), AflowParser.kind, LICENCE, slot=f"{started} {place}")
        self._memory = read.memory
        if read.trouble:
            raise SourceError(f"{NAME}: {read.trouble}", read.remedy)

    def _begin(self) -> bool:
        """Look whether there is anything new, and if so remember where its list begins."""
        newest: str | None = None
        try:
            _, _, entries = self._ask(Span(0, 1))
        except SourceError as error:
            # One bad entry must not hide the others: they are asked for.
            if not error.is_transient or error.is_general:
                raise
        else:
            newest = read_stamp(entries[0]) if entries else None
            if not entries or (newest is not None and newest == self._memory.get("newest")):
                return False
        if self._memory.get("gaps") and newest is not None and newest == self._memory["next_newest"]:
            return True
        self._memory = {
            "question": self._memory["question"],
            "newest": self._memory.get("newest"),
            "page": 1,
            "next_newest": newest,
            "started": datetime.now(UTC).isoformat(),
            "received": 0,
            "gaps": [],
        }
        return True

    def _url(self, span: Span) -> str:
        page = span.start // span.count + 1
        return _request(self._endpoint, self._matchbook, -page, span.count)

    def _ask(self, span: Span, attempts: int | None = None) -> tuple[bytes, int | None, list[Any]]:
        """Return a page as received, how many entries it says there are in all, and its own."""
        url = self._url(span)
        data, page = self._fetcher.get_json(url, attempts)
        entries = list_entries(page)
        if entries is None:
            raise SourceError(
                f"{url} does not answer with entries: {str(page)[:200]}", "Correct the matchbook."
            )
        return data, count_announced(page), entries


def require(config: AflowConfig, settings: "Settings", *, reparse: bool) -> list[str]:
    """Refuse a matchbook that cannot be asked for, unless nobody is asked.

    Raises
    ------
    UsageError
        See :func:`check_matchbook`.
    """
    if not reparse:
        check_matchbook(config.matchbook)
    return []


def refresh_source(config: AflowConfig, platform: "Platform", tell: Callable[[str], object]) -> Refreshed:
    """Fetch what AFLOW has new.

    Raises
    ------
    SourceError
        AFLOW refuses, or gives nothing usable before the deadline.
    """
    refreshed = refresh_increment(
        NAME,
        platform,
        lambda fetcher, memory: Aflow(
            fetcher,
            config.matchbook,
            memory,
            config.most_entries,
            config.endpoint or ENDPOINT,
            most_pages=platform.settings.source_pages,
        ),
        tell,
    )
    return replace(refreshed, said={"matchbook": config.matchbook})


def check_matchbook(matchbook: str) -> str:
    """Return the conditions as they are asked for.

    Raises
    ------
    UsageError
        They are none, too long, or hold directives of their own.
    """
    conditions = matchbook.strip().strip(",")
    remedy = "Give conditions as in AFLUX, such as 'species(Ti,O),nspecies(2)'."
    if not conditions:
        raise UsageError("The matchbook is empty: that would be all of AFLOW.", remedy)
    if re.search(r"(^|[,$])\s*\$?(paging|format)\s*\(", conditions) or re.search(r"[\s#&]", conditions):
        raise UsageError(f"The matchbook {conditions!r} holds blanks, '#', '&', paging or format.", remedy)
    length = len(_request(ENDPOINT, conditions, -1_000_000, 1000))
    if length > _LONGEST_URL:
        raise UsageError(
            f"The matchbook makes a request of {length} characters, AFLUX reads {_LONGEST_URL}.",
            "Ask for less at a time.",
        )
    return conditions


def _request(endpoint: str, conditions: str, page: int, size: int) -> str:
    # The first keyword sets the order; page 0 would be everything at once.
    keywords = ",".join(["aflowlib_date", conditions, *KEYWORDS])
    return f"{endpoint}?{keywords},$paging({page},{size}),$format(json)"
