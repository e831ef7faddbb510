"""The bytes a source gave, as received: stored under their sha256 before anything is parsed.

Each is audited by a row of `raw_files`. Parsing reads from here and never from the source, and every read
checks the hash.
"""

import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Literal, cast

from catalyst_assets.errors import CorruptArtifactError
from resources.postgres.database import execute, fetch_all, fetch_one, storable

if TYPE_CHECKING:
    from resources.object_store import ObjectStore
    from resources.postgres.database import Database

# What is larger is read as a stream.
_HELD_BYTES: Final = 64 * 1024**2
# Large files that this process has checked: store, hash and size. Every shard of an archive opens it again.
_CHECKED: Final[set[tuple[str, str, int]]] = set()


@dataclass(frozen=True)
class RawRequest:
    """What to ask a source for, and all that parsing the answer will need.

    Attributes
    ----------
    url
        Where the bytes come from.
    kind
        Which parser reads them: a key of ``sources.parsers.PARSERS``.
    parameters
        JSON values for the parser.
    slot
        Files of one source and slot supersede each other; the URL if empty.
    answers
        The values are a validator's answers, to be kept from everyone else.
    """

    source: str
    url: str
    kind: str
    licence: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    slot: str = ""
    answers: bool = False

    @property
    def document(self) -> dict[str, Any]:
        """What ``raw_files.request`` holds."""
        return {
            "kind": self.kind,
            "slot": self.slot or self.url,
            "answers": self.answers,
            "parameters": dict(self.parameters),
        }


@dataclass(frozen=True)
class RawFile:
    """One row of ``raw_files``.

    Attributes
    ----------
    row_count
        Rows that give a record or a rejection, counted before any was parsed; None until then.
    """

    raw_file_id: int
    source: str
    url: str
    request: Mapping[str, Any]
    sha256: str
    size_bytes: int
    licence: str
    fetched_at: datetime
    parse_status: str
    parse_note: str | None
    row_count: int | None = None

    @property
    def kind(self) -> str:
        """Which parser reads it: a key of ``sources.parsers.PARSERS``."""
        return str(self.request["kind"])

    @property
    def answers(self) -> bool:
        """Whether its values are a validator's answers."""
        return bool(self.request["answers"])


def raw_key(sha256: str) -> str:
    """Return the object key of raw bytes."""
    return f"raw/{sha256[:2]}/{sha256}"


def store_raw(
    database: "Database",
    objects: "ObjectStore",
    request: RawRequest,
    data: bytes | Path,
    memory: Mapping[str, Any] | None = None,
) -> tuple[str, bool]:
    """Keep what a source answered: first the bytes, then the row that says they are there.

    The same answer to the same request is kept once. A file that is new, asked for otherwise, or back after
    another one took its slot is pending, to be parsed, and so is one whose bytes had been lost. ``memory`` is what its source is to remember, in the
    same transaction: what was kept is not asked for again. ``data`` may be a file too large for memory; it stays.

    Returns
    -------
    sha256, is_new
        Hash of the bytes, and whether they wait to be parsed because of this call.
    """
    if isinstance(data, Path):
        with data.open("rb") as file:
            sha256, size_bytes = hash_file(file), data.stat().st_size
    else:
        sha256, size_bytes = hashlib.sha256(data).hexdigest(), len(data)
    is_stored = not is_whole(objects, sha256)
    if is_stored:
        _put(objects, sha256, data)
    with database.transaction() as connection:
        touched = execute(
            connection,
            "ingestion/record_raw_file",
            source=request.source,
            url=request.url,
            request=json.dumps(request.document),
            sha256=sha256,
            size_bytes=size_bytes,
            licence=request.licence,
            is_stored=is_stored,
        )
        if memory is not None:
            execute(
                connection, "ingestion/write_memory", source=request.source, memory=json.dumps(dict(memory))
            )
    # Whoever drops a file takes its bytes when no row names them, which was so a moment ago.
    if not objects.exists(raw_key(sha256)):
        _put(objects, sha256, data)
    return sha256, touched > 0


def _put(objects: "ObjectStore", sha256: str, data: bytes | Path) -> None:
    if isinstance(data, Path):
        objects.put_file(raw_key(sha256), data)
    else:
        objects.put_bytes(raw_key(sha256), data)


def recall(memory: Mapping[str, Any] | None, question: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is remembered of a question; of another one nothing but the question."""
    known = dict(memory or {})
    return known if known.get("question") == question else {"question": dict(question)}


def read_memory(database: "Database", source: str) -> Mapping[str, Any] | None:
    """Return what a source remembers of its last refresh; None before the first."""
    with database.transaction() as connection:
        row = fetch_one(connection, "ingestion/read_memory", source=source)
    return None if row is None else dict(row["memory"])


def hash_file(file: BinaryIO) -> str:
    """Return the sha256 of what a file holds, read in pieces."""
    return hashlib.file_digest(cast("Any", file), "sha256").hexdigest()


@contextmanager
def open_raw(objects: "ObjectStore", sha256: str) -> Iterator[BinaryIO]:
    """Open raw bytes, checked against their hash, as a file that can be sought in; large ones stay on disk.

    Raises
    ------
    CorruptArtifactError
        They are gone, or are not what was received.
    """
    remedy = "Materialize the source's raw asset again: it stores the file anew."
    try:
        stored = objects.open(raw_key(sha256))
    except KeyError:
        raise CorruptArtifactError(f"The raw file {sha256} is not in {objects.url}.", remedy) from None
    with stored:
        held = stored.read(_HELD_BYTES)
        is_large = len(held) == _HELD_BYTES
        file = stored if is_large else io.BytesIO(held)
        checked = (objects.url, sha256, file.seek(0, io.SEEK_END))
        file.seek(0)
        if checked not in _CHECKED and hash_file(file) != sha256:
            raise CorruptArtifactError(
                f"The raw file {raw_key(sha256)} in {objects.url} was changed or cut off: "
                f"its {file.tell()} bytes have another sha256.",
                remedy,
            )
        if is_large:
            _CHECKED.add(checked)
        file.seek(0)
        yield file


def read_raw(objects: "ObjectStore", sha256: str) -> bytes:
    """Return raw bytes, checked against their hash.

    Raises
    ------
    CorruptArtifactError
        They are gone, or are not what was received.
    """
    with open_raw(objects, sha256) as file:
        return file.read()


def current_files(database: "Database") -> list[RawFile]:
    """Return the newest file of every source and slot, whatever its parse status."""
    with database.transaction() as connection:
        return [RawFile(**row) for row in fetch_all(connection, "ingestion/current_raw_files")]


def find_raw_file(database: "Database", raw_file_id: int) -> RawFile:
    """Return one file's row.

    Raises
    ------
    KeyError
        There is none.
    """
    with database.transaction() as connection:
        row = fetch_one(connection, "ingestion/find_raw_file", raw_file_id=raw_file_id)
    if row is None:
        raise KeyError(raw_file_id)
    return RawFile(**row)


def mark_counted(database: "Database", raw_file_id: int, rows: int) -> None:
    """Record how many rows of a file give a record or a rejection."""
    with database.transaction() as connection:
        execute(connection, "ingestion/count_raw_file", raw_file_id=raw_file_id, row_count=rows)


def mark(database: "Database", raw_file_id: int, status: Literal["failed", "parsed"], note: str) -> None:
    """Record that a file cannot be parsed, and why, or that every row of it was loaded or quarantined."""
    with database.transaction() as connection:
        execute(
            connection, "ingestion/mark_raw_file", raw_file_id=raw_file_id, status=status, note=storable(note)
        )


def is_whole(objects: "ObjectStore", sha256: str) -> bool:
    """Tell whether raw bytes are there as they were received."""
    _CHECKED.clear()  # whoever asks wants to know it now
    try:
        with open_raw(objects, sha256):
            return True
    except CorruptArtifactError:
        return False
