"""Where a page ended, as the opaque text by which the next one is asked for.

It holds no secret and grants nothing. The check finds what was cut off or is of another query, which would skip
candidates without a word.
"""

import base64
import hashlib
import json
from dataclasses import astuple, dataclass
from typing import Final

from pydantic import TypeAdapter, ValidationError

from catalyst_assets.errors import UsageError
from dash_app.candidate_contract import CandidateOrder

_VERSION: Final = "1"
_CHECK: Final = 8


@dataclass(frozen=True)
class Position:
    """The last candidate of a page.

    Attributes
    ----------
    known
        Whether it has what is sorted by.
    number, word
        What it is sorted by.
    total
        How many there were when the first page was read.
    """

    known: bool
    number: float | None
    word: str | None
    place: float
    candidate_id: int
    total: int


_READ: Final = TypeAdapter(tuple[bool, float | None, str | None, float, int, int])


def write_cursor(position: Position, query: CandidateOrder) -> str:
    """Return a cursor that goes on behind a position."""
    payload = json.dumps(astuple(position), separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_check(payload, query) + payload).decode().rstrip("=")


def read_cursor(text: str, query: CandidateOrder) -> Position:
    """Return the position that a cursor of the same query goes on behind.

    Raises
    ------
    UsageError
        It is none, or of another query.
    """
    try:
        held = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        payload = held[_CHECK:]
        if held[:_CHECK] != _check(payload, query):
            raise ValueError
        position = Position(*_READ.validate_json(payload, strict=False))
        if not 0 < position.candidate_id < 2**63:
            raise ValueError
    except (ValueError, UnicodeError, ValidationError):
        raise UsageError(
            "The cursor is not of this query.",
            "Take `next` of the page before as it is and keep filters and order, or begin again without a cursor.",
        ) from None
    return position


def _check(payload: bytes, query: CandidateOrder) -> bytes:
    asked = query.model_dump_json(include=set(CandidateOrder.model_fields), exclude_none=True)
    return hashlib.blake2b(f"{_VERSION}{asked}".encode() + payload, digest_size=_CHECK).digest()
