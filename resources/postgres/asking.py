"""What a person asks of the database in words of their own: one statement, which only reads, answered part by part."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.errors import UsageError
from resources.postgres.database import Database, Role, fetch_one, run_as_written

if TYPE_CHECKING:
    import sqlalchemy as sa

_CURSOR: Final = "catalyst_asked"
_AT_ONCE: Final = 5_000
# SQLSTATEs.
_NO_CURSOR: Final = "42P11"
_TIMED_OUT: Final = "57014"


@dataclass(frozen=True)
class Asked:
    """An answer.

    Attributes
    ----------
    columns
        Their names, in order; two may be the same.
    rows
        Read while they are taken.
    """

    columns: tuple[str, ...]
    rows: Iterator[tuple[Any, ...]]


@contextmanager
def ask(database: Database, statement: str, seconds: float) -> Iterator[Asked]:
    """Run one statement as the analyst's role and yield its answer, which ends with the block.

    Parameters
    ----------
    seconds
        That finding it, and that reading a part of it, may take.

    Raises
    ------
    UsageError
        It is more than one statement, changes something, takes too long, or PostgreSQL does not understand it.
    DatabaseUnavailableError
        The server went away.
    """
    import sqlalchemy as sa

    with database.transaction(Role.ANALYST) as connection:
        try:
            fetch_one(connection, "services/begin_reading", milliseconds=max(round(seconds * 1000), 1))
            fetch_one(connection, "services/open_statement", statement=statement, name=_CURSOR)
            first = _fetch(connection)
            yield Asked(tuple(first.keys()), _rows(connection, first))
        except sa.exc.DBAPIError as error:
            raise _explain(error, seconds) from None


def _fetch(connection: "sa.Connection") -> "sa.CursorResult[Any]":
    return run_as_written(connection, f"FETCH FORWARD {_AT_ONCE} FROM {_CURSOR}")


def _rows(connection: "sa.Connection", part: "sa.CursorResult[Any]") -> Iterator[tuple[Any, ...]]:
    while rows := [tuple(row) for row in part]:
        yield from rows
        part = _fetch(connection)


def _explain(error: "sa.exc.DBAPIError", seconds: float) -> Exception:
    code = getattr(error.orig, "pgcode", None)
    reason = (str(error.orig).strip().splitlines() or [""])[0]
    if code is None:
        return error
    if code == _TIMED_OUT:
        return UsageError(
            f"The statement was ended after {seconds:g} s.",
            "Ask for less of it (WHERE, LIMIT), or give it longer with --timeout.",
        )
    if code == _NO_CURSOR and "multi-query" in reason:
        return UsageError("That is not one statement, but several or none.", "Run them one by one.")
    if code == _NO_CURSOR:
        kind = reason.removeprefix("cannot open ").removesuffix(" query as cursor")
        return UsageError(
            f"{kind} is no statement that reads.", "Only such statements are run: SELECT, VALUES, EXPLAIN."
        )
    return UsageError(f"PostgreSQL refuses the statement: {reason}.", "Correct it; it may only read.")
