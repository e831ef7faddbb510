"""What changed in `materials` since a stage that derives something from them last looked.

Triggers number the changes (`sql/migrations/0009_what_changed.sql`); each reader remembers how far it has read.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from resources.postgres.database import execute, fetch_all

if TYPE_CHECKING:
    from resources.postgres.database import Database


class Reader(StrEnum):
    """Who reads changes; the database knows them by these names."""

    IDENTITY = "identity"
    ADSORPTION_LABELS = "adsorption_labels"
    HULLS = "hulls"
    CHECKED_PROPERTIES = "checked_properties"
    CHECKED_HASHES = "checked_hashes"


@dataclass(frozen=True)
class Span:
    """Changes that a reader has not read.

    Attributes
    ----------
    after, until
        Their numbers are above the first and at most the second.
    is_all
        What the reader found of everything else holds no longer, either.
    """

    after: int
    until: int
    is_all: bool = False


@dataclass(frozen=True)
class Plan:
    """What a reader is to look at.

    Attributes
    ----------
    until
        Number of the last change that it takes in.
    names
        Formulas or chemical systems that the changes concern.
    """

    until: int
    names: tuple[str, ...]


EVERYTHING: Final = Span(0, 0, is_all=True)


def unread(database: "Database", reader: Reader, context: str = "") -> Span:
    """Return what a reader has not read, once everybody who writes materials now has finished.

    Parameters
    ----------
    context
        What else decides what the reader finds: where it is another than last time, the span is of everything.
    """
    with database.transaction() as connection:
        fetch_all(connection, "ingestion/lock_materials")
        (found,) = fetch_all(connection, "ingestion/unread_changes", reader=reader)
    return Span(found["after"], found["until"], found["context"] != context)


def mark_read(database: "Database", reader: Reader, until: int, context: str = "") -> None:
    """Remember that a reader has read so far, and forget what all have read."""
    with database.transaction() as connection:
        execute(connection, "ingestion/mark_changes_read", reader=reader, until=until, context=context)
        execute(connection, "ingestion/forget_read_changes")
