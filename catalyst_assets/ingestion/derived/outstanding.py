"""Whether anything is left to be derived of the records that are loaded: what automation asks, often and in vain.

Nothing is locked or written; a loader that is at work is seen by Dagster.
"""

from functools import lru_cache
from typing import TYPE_CHECKING

from catalyst_assets.ingestion.changes import Reader
from resources.postgres.database import fetch_all, fetch_one

if TYPE_CHECKING:
    from resources.platform import Platform
    from resources.postgres.database import Database


def identity_is_outstanding(platform: "Platform") -> bool:
    """Tell whether records changed that may be one crystal with others."""
    database = platform.database
    after, until = _unread(database, Reader.IDENTITY)
    return after != until and _has_formulas(database, after, until)


def labels_are_outstanding(platform: "Platform") -> bool:
    """Tell whether anything changed that adsorption labels are read from."""
    return _exists(platform.database, Reader.ADSORPTION_LABELS, energies=False)


def hulls_are_outstanding(platform: "Platform") -> bool:
    """Tell whether a formation energy changed."""
    return _exists(platform.database, Reader.HULLS, energies=True)


def _exists(database: "Database", reader: Reader, energies: bool) -> bool:
    with database.transaction() as connection:
        row = fetch_one(connection, "ingestion/has_unread_changes", reader=reader, energies=energies)
    return bool(row and row["present"])


def _unread(database: "Database", reader: Reader) -> tuple[int, int]:
    with database.transaction() as connection:
        (found,) = fetch_all(connection, "ingestion/unread_changes", reader=reader)
    return found["after"], found["until"]


# What was found of the same changes holds: a run that unified records leaves changes of its own, with nothing to compare.
@lru_cache(maxsize=8)
def _has_formulas(database: "Database", after: int, until: int) -> bool:
    with database.transaction() as connection:
        return bool(fetch_all(connection, "ingestion/formulas_to_compare", after=after, until=until))
