"""Reading a provider's list to its end, and no further: what came is counted, a page that fails is asked for in parts.

A list is whole when it ends as the specification says, when as many entries came as the provider counts, and when no
page was passed over. Until then the next refresh asks for what is missing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from catalyst_assets.errors import SourceError
from catalyst_assets.ingestion.fetching.narrowing import (
    ASK_AGAIN,
    ATTEMPTS,
    BEGIN_ANEW,
    MOST_FAILED_PAGES,
    Span,
    list_gaps,
    read_what_can_be_had,
)
from catalyst_assets.ingestion.optimade.pages import Page, shown_url, span_of, url_of
from catalyst_assets.ingestion.pages import dict_in

_ANEW: Final = f"Tell the provider: {BEGIN_ANEW}"


class _Ask(Protocol):
    def __call__(self, url: str, attempts: int | None = None) -> Page: ...


class _Settle(Protocol):
    def __call__(self, memory: Mapping[str, Any], *, is_whole: bool = False) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Read:
    """What one step brought.

    Attributes
    ----------
    pages
        To be kept: one, or the parts of one that came in parts.
    memory
        What is to be remembered once all of them are kept.
    trouble, remedy
        Why the list is not whole, or cannot be read on; empty while it can.
    is_stale
        The list is another one than when a part of it was passed over: it must be read anew.
    """

    pages: list[Page]
    memory: dict[str, Any]
    trouble: str = ""
    remedy: str = ""
    is_stale: bool = False


@dataclass
class Reading:
    """One pass over a list; its state is in the memory, but for what only matters within one process.

    Parameters
    ----------
    ask
        Returns a page, or raises a SourceError.
    is_alive
        Whether the provider answers anything.
    settle
        Returns what is remembered of a list that is whole, or is given up.
    is_filtered
        Whether the question is about a part of the provider's entries.
    """

    ask: _Ask
    is_alive: Callable[[], bool]
    settle: _Settle
    is_filtered: bool = False
    _visited: set[str] = field(default_factory=set)
    _seen: set[int] = field(default_factory=set)
    _failed_pages: int = 0

    def read_on(self, memory: Mapping[str, Any]) -> Read:
        """Ask for the next page, or, where there is none, for the entries that were passed over the last time.

        Raises
        ------
        SourceError
            The page cannot be had, and not passed over either.
        """
        url = memory["next"]
        if url is None:
            return self._fill_gap(memory)
        self._visited.add(url)
        pages, gaps = self._ask_patiently(url)
        after = self._count(memory, pages, gaps)
        fresh = after["received"] > memory["received"]
        if any(page.entries for page in pages) and not fresh:
            return self._give_up(pages, after, f"{shown_url(url)} gives the same entries again.")
        if gaps or len(pages) > 1:
            return self._go_behind(url, pages, after)
        (page,) = pages[-1:]
        try:
            following = page.next_url()
        except SourceError as error:
            return Read(pages, self.settle(after), error.message, error.remedy)
        if following is None:
            return self._end(pages, after)
        if not page.entries:
            return self._give_up(
                pages,
                after,
                f"the page {shown_url(url)} is empty and names a next one, {shown_url(following)}.",
            )
        if following in self._visited:
            return self._give_up(pages, after, f"the page {shown_url(following)} comes after itself.")
        return Read(pages, {**after, "next": following})

    def _ask_patiently(self, url: str) -> tuple[list[Page], list[str]]:
        """Return a page, or what can be had of it in parts and the addresses of what cannot."""
        try:
            page = self.ask(url)
        except SourceError as error:
            if error.is_general or not self.is_alive():
                raise
            pages, gaps = self._narrow(url, error)
        else:
            pages, gaps = [page], []
        self._failed_pages = 0 if pages else self._failed_pages + 1
        return pages, gaps

    def _narrow(self, url: str, error: SourceError) -> tuple[list[Page], list[str]]:
        span = span_of(url)
        # Which entries follow a page without an offset is known to the provider alone.
        if span is None or self._failed_pages >= MOST_FAILED_PAGES:
            raise error
        pages, gaps = read_what_can_be_had(span, lambda part: self.ask(url_of(url, part), ATTEMPTS), error)
        return pages, [url_of(url, gap) for gap in gaps]

    def _count(self, memory: Mapping[str, Any], pages: list[Page], gaps: list[str]) -> dict[str, Any]:
        names = {hash(name) for page in pages for name in page.names}
        counts = [page.announced(is_filtered=self.is_filtered) for page in pages]
        announced = next((count for count in reversed(counts) if count is not None), None)
        stamps = [_last_modified(entry) for page in pages for entry in page.entries]
        newest = max(filter(None, [memory["newest_seen"], *stamps]), default=None)
        received = memory["received"] + len(names - self._seen)
        self._seen |= names
        return {
            **memory,
            "newest_seen": newest,
            "received": received,
            "announced": memory.get("announced") if announced is None else announced,
            "gaps": [*memory["gaps"], *gaps],
        }

    def _go_behind(self, url: str, pages: list[Page], after: dict[str, Any]) -> Read:
        """Go on behind a page that came in parts, or of which not everything came."""
        span = span_of(url) or Span(0, 1)
        following = Span(span.stop, span.count)
        announced = after["announced"]
        # A provider that counts says where its list ends; another one must be asked.
        if announced is not None and following.start >= announced:
            return self._end(pages, after)
        return Read(pages, {**after, "next": url_of(url, following)})

    def _fill_gap(self, memory: Mapping[str, Any]) -> Read:
        """Ask again for what was passed over; when the list is another one by now it is read anew."""
        asked = list(memory["gaps"])
        pages: list[Page] = []
        still: list[str] = []
        for url in asked:
            found, gaps = self._ask_patiently(url)
            pages += found
            still += gaps
        counts = {page.announced(is_filtered=self.is_filtered) for page in pages}
        if counts - {memory["announced"]} or memory["announced"] is None:
            return Read(pages, self.settle(memory), is_stale=True)
        after = self._count({**memory, "gaps": []}, pages, still)
        if still:
            return self._miss(pages, after)
        if after["received"] < after["announced"]:
            said = f"{after['received']} of {after['announced']} entries came, the last of them from {shown_url(asked[-1])}."
            return self._give_up(pages, after, said)
        return Read(pages, self.settle(after, is_whole=True))

    def _end(self, pages: list[Page], after: dict[str, Any]) -> Read:
        """Judge a list whose last page was read."""
        if after["gaps"]:
            return self._miss(pages, after)
        url, announced, received = shown_url(pages[-1].url), after["announced"], after["received"]
        elsewhere = pages[-1].misnamed_next()
        hint = f"; it may mean {elsewhere}, where OPTIMADE says links.next" if elsewhere else ""
        if announced is not None and received < announced:
            said = f"{received} of {announced} entries came, and {url} names no next page{hint}."
        elif pages[-1].says_more:
            said = f"{url} says that there is more, but names no next page{hint}."
        elif announced is None and elsewhere:
            said = f"{url} names no next page{hint}."
        else:
            return Read(pages, self.settle(after, is_whole=True))
        return self._give_up(pages, after, said)

    def _miss(self, pages: list[Page], after: dict[str, Any]) -> Read:
        """Name what was passed over; nothing but that is to be asked for again."""
        shown = list_gaps([f"{span_of(gap)} ({shown_url(gap)})" for gap in after["gaps"]])
        return Read(pages, {**after, "next": None}, f"not to be had were {shown}.", ASK_AGAIN)

    def _give_up(self, pages: list[Page], after: Mapping[str, Any], trouble: str) -> Read:
        return Read(pages, self.settle(after), trouble, _ANEW)


def _last_modified(entry: Any) -> str | None:
    """Return an entry's time stamp in UTC, None when it has none that can be read."""
    try:
        moment = datetime.fromisoformat(str(dict_in(entry, "attributes").get("last_modified")))
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat()
