"""Dropping raw files with what came from them: records, energies, refusals, and what their sources remember.

In one transaction that nobody loads beside. What a campaign has used is retired as if its source had withdrawn it. What
an earlier file said of the same records waits to be loaded again; identities, labels and hulls follow from what changed.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from catalyst_assets.errors import UsageError
from catalyst_assets.ingestion.raw_cache import raw_key
from resources.postgres.database import Role, execute, fetch_all

if TYPE_CHECKING:
    from resources.object_store import ObjectStore
    from resources.postgres.database import Database

_SHOWN = 5


@dataclass(frozen=True)
class ListedFile:
    """A raw file, as lists show it.

    Attributes
    ----------
    row_count
        Rows that give a record or a rejection; None before they were counted.
    is_current
        No later file has taken its place.
    """

    raw_file_id: int
    source: str
    url: str
    fetched_at: datetime
    parse_status: str
    parse_note: str | None
    row_count: int | None
    size_bytes: int
    is_current: bool


@dataclass(frozen=True)
class Dropped:
    """What goes, or went, with some raw files.

    Attributes
    ----------
    files
        Raw files.
    records
        Records of crystals that are forgotten.
    retired
        Names of those that a campaign has used: they stay, deprecated.
    answers
        A validator's answers.
    energies, systems
        Adsorption energies, and systems of such.
    refusals
        Rows that were set aside.
    waiting
        Earlier files that are to be loaded again.
    sources
        Whose next refresh asks for everything again.
    """

    files: int
    records: int
    retired: tuple[str, ...]
    answers: int
    energies: int
    systems: int
    refusals: int
    waiting: int
    sources: tuple[str, ...]


def list_files(database: "Database", source: str = "", since: datetime | None = None) -> list[ListedFile]:
    """Return the raw files there are, the newest last.

    Parameters
    ----------
    source
        Only of this one; of all if empty.
    since
        Only those fetched then or later.
    """
    with database.transaction() as connection:
        rows = fetch_all(connection, "ingestion/list_raw_files", source=source, since=since)
    return [ListedFile(**row) for row in rows]


def find_files(files: Sequence[ListedFile], named: str) -> list[ListedFile]:
    """Return the raw file of a number, or the newest one of an address, a path, or the last part of either.

    Raises
    ------
    UsageError
        Several files are called so.
    """
    if named.isascii() and named.isdigit():
        return [file for file in files if file.raw_file_id == int(named)]
    address = Path(named).expanduser().absolute().as_uri()
    found = [file for file in files if file.is_current and file.url in (named, address)]
    found = found or [file for file in files if file.is_current and file.url.rpartition("/")[2] == named]
    if len(found) > 1:
        numbers = ", ".join(f"{file.raw_file_id} ({file.url})" for file in found[:_SHOWN])
        raise UsageError(f"{len(found)} files are called {named!r}: {numbers}.", "Name one by its number.")
    return found


def drop_files(
    database: "Database",
    objects: "ObjectStore",
    raw_file_ids: Collection[int],
    sources: Collection[str] = (),
    *,
    is_rehearsal: bool = False,
) -> Dropped:
    """Drop raw files with all that came from them alone; dropping them again changes nothing.

    Parameters
    ----------
    sources
        Forget what these remember of their last refresh, also where they have no file left.
    is_rehearsal
        Only find out what would go; nothing is changed.
    """
    with database.transaction(Role.OWNER) as connection, connection.begin_nested() as nested:
        fetch_all(connection, "ingestion/lock_materials")
        execute(connection, "ingestion/dropping/stage_files", raw_file_ids=list(raw_file_ids))
        execute(connection, "ingestion/dropping/stage_records")
        files = fetch_all(connection, "ingestion/dropping/staged_files")
        used = fetch_all(connection, "ingestion/dropping/used_records")
        concerned = sorted({row["source"] for row in files} | set(sources))
        execute(connection, "ingestion/dropping/part_sources")
        execute(connection, "ingestion/dropping/part_materials")
        answers = execute(connection, "ingestion/dropping/delete_answers")
        execute(connection, "ingestion/dropping/delete_origins")
        execute(connection, "ingestion/dropping/retire_used")
        records = execute(connection, "ingestion/dropping/delete_materials")
        energies = execute(connection, "ingestion/dropping/delete_energies")
        ((systems,),) = (row.values() for row in fetch_all(connection, "ingestion/dropping/delete_systems"))
        refusals = execute(connection, "ingestion/dropping/delete_refusals")
        execute(connection, "ingestion/dropping/forget_memory", sources=concerned)
        execute(connection, "ingestion/dropping/delete_files")
        waiting = execute(connection, "ingestion/dropping/load_again")
        if is_rehearsal:
            nested.rollback()
    if not is_rehearsal:
        _remove_bytes(database, objects, {row["sha256"] for row in files})
    return Dropped(
        files=len(files),
        records=records,
        retired=tuple(row["material_id"] for row in used),
        answers=answers,
        energies=energies,
        systems=systems,
        refusals=refusals,
        waiting=waiting,
        sources=tuple(concerned),
    )


def _remove_bytes(database: "Database", objects: "ObjectStore", sha256s: Collection[str]) -> None:
    """Remove bytes that no raw file names any more."""
    with database.transaction(Role.OWNER) as connection:
        execute(connection, "ingestion/dropping/lock_files")
        rows = fetch_all(connection, "ingestion/dropping/bytes_without_file", sha256s=sorted(sha256s))
        for row in rows:
            objects.remove(raw_key(row["sha256"]))
