"""A page that keeps failing, asked for in smaller parts: what works is kept, what does not is known by its place.

Only for sources whose parts can be named by where they begin and how many entries they hold.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from catalyst_assets.errors import SourceError

Answer = TypeVar("Answer")
# So many pages of a list may fail one after the other, whatever part is asked for.
MOST_FAILED_PAGES: Final = 5
BEGIN_ANEW: Final = "what came before is kept and loads, and the next refresh begins anew."
ASK_AGAIN: Final = "The other entries are kept and load; the next refresh asks for these again."
_SHOWN: Final = 5

# A part has failed as a whole page by then, with all patience.
ATTEMPTS: Final = 2
# One bad entry among 500 costs fewer.
_MOST_FAILURES: Final = 32


@dataclass(frozen=True)
class Span:
    """So many entries of a list from one on, counted from 0."""

    start: int
    count: int

    @property
    def stop(self) -> int:
        """The first entry behind it."""
        return self.start + self.count

    def __str__(self) -> str:
        first = f"entry {self.start + 1}"
        return first if self.count == 1 else f"entries {self.start + 1} to {self.stop}"

    def split(self) -> list["Span"]:
        """Return equal parts, as few as there can be: each begins at a multiple of its own length if this one does."""
        parts = next((n for n in range(2, self.count) if self.count % n == 0), self.count)
        size = self.count // parts
        return [Span(self.start + part * size, size) for part in range(parts)]


class Part(Protocol):
    """What a source answered about some entries of a list."""

    @property
    def entries(self) -> list[Any]:
        """The entries it gave."""
        ...

    @property
    def names(self) -> set[str]:
        """What identifies each of them, as far as it can be told."""
        ...


AnyPart = TypeVar("AnyPart", bound=Part)


def read_what_can_be_had(
    span: Span, ask: Callable[[Span], AnyPart], error: SourceError
) -> tuple[list[AnyPart], list[Span]]:
    """Return the parts of a page that failed, and where those begin that cannot be had.

    Parameters
    ----------
    error
        Why the page failed as a whole.

    Raises
    ------
    SourceError
        ``error``, where the source gives what it likes, whatever part is asked for; or as of :func:`read_in_parts`.
    """
    parts: list[AnyPart] = []
    gaps: list[Span] = []
    begun: set[str] = set()
    for part, found in read_in_parts(span, ask):
        if isinstance(found, SourceError):
            gaps.append(part)
        elif len(found.entries) > part.count or found.names & begun:
            raise error from None
        else:
            begun |= found.names
            parts.append(found)
    return parts, gaps


def list_gaps(gaps: Sequence[str]) -> str:
    """Return what cannot be had as messages name it: the first few, and how many there are besides."""
    more = f" and {len(gaps) - _SHOWN} more" if len(gaps) > _SHOWN else ""
    return f"{', '.join(gaps[:_SHOWN])}{more}"


def read_in_parts(span: Span, ask: Callable[[Span], Answer]) -> Iterator[tuple[Span, Answer | SourceError]]:
    """Yield the parts of a span in order, each with its answer, or with why it cannot be had.

    Parameters
    ----------
    ask
        Raises a SourceError for a part that cannot be had.

    Raises
    ------
    SourceError
        The source as a whole refuses or is busy: the other parts could not be had either.
    """
    waiting, failures = span.split() if span.count > 1 else [span], 0
    while waiting:
        part = waiting.pop(0)
        try:
            yield part, ask(part)
        except SourceError as error:
            if error.is_general:
                raise
            failures += 1
            if part.count == 1 or failures > _MOST_FAILURES:
                yield part, error
            else:
                waiting[:0] = part.split()
