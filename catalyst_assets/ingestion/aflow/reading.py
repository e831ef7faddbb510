"""Reading AFLUX' pages down to what is known or to the end: what came is counted, a page that fails is asked for in parts.

Pages are counted from the newest entry, so entries that appear meanwhile repeat some and hide none.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from catalyst_assets.errors import SourceError
from catalyst_assets.ingestion.aflow.entries import read_stamp
from catalyst_assets.ingestion.fetching.narrowing import (
    ASK_AGAIN,
    ATTEMPTS,
    BEGIN_ANEW,
    MOST_FAILED_PAGES,
    Span,
    list_gaps,
    read_what_can_be_had,
)

_ANEW: Final = BEGIN_ANEW.capitalize()


class _Ask(Protocol):
    def __call__(self, span: Span, attempts: int | None = None) -> tuple[bytes, int | None, list[Any]]: ...


@dataclass(frozen=True)
class Part:
    """Some entries that came together.

    Attributes
    ----------
    announced
        How many there are in all, as the reply says; None where it does not.
    """

    span: Span
    data: bytes
    announced: int | None
    entries: list[Any]

    @property
    def names(self) -> set[str]:
        """What identifies each entry, as far as it can be told."""
        return {str(entry.get("auid")) if isinstance(entry, dict) else repr(entry) for entry in self.entries}


@dataclass(frozen=True)
class Read:
    """What one step brought.

    Attributes
    ----------
    parts
        To be kept: one page, or the parts of one that came in parts.
    memory
        What is to be remembered once all of them are kept.
    trouble, remedy
        Why the list is not whole; empty while it may be.
    """

    parts: list[Part]
    memory: dict[str, Any]
    trouble: str = ""
    remedy: str = ""


@dataclass
class Reading:
    """One pass over a list; its state is in the memory, but for what only matters within one process.

    Parameters
    ----------
    ask
        Returns the reply about some entries, or raises a SourceError.
    """

    ask: _Ask
    _seen: set[str] = field(default_factory=set)
    _failed_pages: int = 0

    def read_on(self, memory: Mapping[str, Any], span: Span) -> Read:
        """Ask for one page.

        Raises
        ------
        SourceError
            It cannot be had, and not passed over either.
        """
        parts, gaps = self._ask_patiently(span)
        known = set(self._seen)
        after = self._count(memory, parts, gaps)
        entries = [entry for part in parts for entry in part.entries]
        is_repeated = bool(entries) and {name for part in parts for name in part.names} <= known
        is_short = not gaps and len(entries) < span.count
        total, page = after["announced"], memory["page"]
        # Behind its end a list may be given once more.
        if is_repeated and not is_short:
            return Read(parts, self._settle(after), f"page {page} gives the same entries again.", _ANEW)
        if self._reaches_known(memory, entries) or is_repeated or not (entries or gaps):
            return self._end(parts, after)
        # A page may be short because fewer are given at a time, or one of them is left out.
        is_last = (
            after["received"] + _missing(after) >= total
            if total is not None
            else is_short and not self._has_more(span)
        )
        return self._end(parts, after) if is_last else Read(parts, {**after, "page": page + 1})

    def fill(self, memory: Mapping[str, Any]) -> Read:
        """Ask again for what was passed over the last time."""
        parts: list[Part] = []
        still: list[Span] = []
        for start, count in memory["gaps"]:
            found, gaps = self._ask_patiently(Span(start, count))
            parts += found
            still += gaps
        return self._end(parts, self._count({**memory, "gaps": []}, parts, still))

    def _ask_patiently(self, span: Span) -> tuple[list[Part], list[Span]]:
        """Return a page, or what can be had of it in parts and what cannot."""
        try:
            return [Part(span, *self.ask(span))], []
        except SourceError as error:
            if error.is_general or self._failed_pages >= MOST_FAILED_PAGES or not self._is_alive():
                raise
            parts, gaps = read_what_can_be_had(
                span, lambda piece: Part(piece, *self.ask(piece, ATTEMPTS)), error
            )
        self._failed_pages = 0 if parts else self._failed_pages + 1
        return parts, gaps

    def _has_more(self, span: Span) -> bool:
        """Tell whether other entries follow a page that is short."""
        try:
            _, _, entries = self.ask(Span(span.stop, span.count), ATTEMPTS)
        except SourceError:
            return False
        return not {str(entry.get("auid")) for entry in entries if isinstance(entry, dict)} <= self._seen

    def _is_alive(self) -> bool:
        """Tell whether AFLOW answers anything; its newest entry may be the bad one."""
        for span in (Span(0, 1), Span(1, 1)):
            try:
                self.ask(span, ATTEMPTS)
            except SourceError:
                continue
            return True
        return False

    def _count(self, memory: Mapping[str, Any], parts: list[Part], gaps: list[Span]) -> dict[str, Any]:
        names = {name for part in parts for name in part.names}
        received = memory["received"] + len(names - self._seen)
        self._seen |= names
        totals = [part.announced for part in parts if part.announced is not None]
        stamps = [stamp for part in parts for entry in part.entries if (stamp := read_stamp(entry))]
        newest = memory["next_newest"] or max(stamps, default=None)
        return {
            **memory,
            "received": received,
            "announced": totals[-1] if totals else memory.get("announced"),
            "next_newest": newest,
            "gaps": [*memory["gaps"], *([gap.start, gap.count] for gap in gaps)],
        }

    def _reaches_known(self, memory: Mapping[str, Any], entries: list[Any]) -> bool:
        since = memory.get("newest")
        stamps = [stamp for stamp in map(read_stamp, entries) if stamp]
        # An entry without a date says nothing of where the known ones begin.
        return bool(since and stamps and len(stamps) == len(entries) and max(stamps) < since)

    def _end(self, parts: list[Part], after: dict[str, Any]) -> Read:
        """Judge a list whose last page was read."""
        gaps, total, received = after["gaps"], after["announced"], after["received"]
        if gaps:
            shown = list_gaps([str(Span(*gap)) for gap in gaps])
            # Only what is missing is to be asked for again.
            memory = {name: value for name, value in after.items() if name != "page"}
            said = f"counted from the newest, not to be had were {shown}."
            return Read(parts, memory, said, ASK_AGAIN)
        # Of a list that was read down to what is known the rest came before.
        if total is not None and not after.get("newest") and received < total:
            said = f"{received} of {total} entries came."
            return Read(parts, self._settle(after), said, _ANEW)
        return Read(parts, {"question": after["question"], "newest": after["next_newest"]})

    def _settle(self, memory: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is left to know of a list that was given up: what was known before it."""
        return {"question": memory["question"], "newest": memory.get("newest")}


def _missing(memory: Mapping[str, Any]) -> int:
    return sum(count for _, count in memory["gaps"])
