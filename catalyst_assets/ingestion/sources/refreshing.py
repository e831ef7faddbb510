"""Asking a source for what is new: it lists and fetches, and what came is kept in the raw cache, as received.

Nothing is parsed: parsers read the cache later and touch no network.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from catalyst_assets.errors import SourceError
from catalyst_assets.ingestion.fetching import http
from catalyst_assets.ingestion.progress import report
from catalyst_assets.ingestion.raw_cache import RawRequest, current_files, read_memory, recall, store_raw

if TYPE_CHECKING:
    from catalyst_assets.ingestion.raw_cache import RawFile
    from resources.object_store import ObjectStore
    from resources.platform import Platform
    from resources.postgres.database import Database


class Source(Protocol):
    """Where materials come from: one implementation a module.

    Attributes
    ----------
    memory
        JSON values to remember with the file fetched last, for a source that is read in increments.
    """

    @property
    def memory(self) -> Mapping[str, Any] | None:
        """Return None for a source that is read whole."""
        ...

    def list_new(self) -> Iterable[RawRequest]:
        """Yield what the source has that may not be in the raw cache yet."""
        ...

    def fetch(self, request: RawRequest) -> bytes | Path:
        """Return the bytes of one request, or the file on this machine that holds them."""
        ...


@dataclass(frozen=True)
class Refreshed:
    """What asking a source brought.

    Attributes
    ----------
    sha256
        Of each source's file, by its URL.
    content_sha256
        Of all files together with what was asked; of a source read in increments, of all that is kept of it.
    said
        What else is shown of it, JSON values.
    failures
        Why a part of it could not be read to its end, by its name; the other parts were.
    is_transient
        Asking again later may help with one of them.
    """

    fetched: int
    unchanged: int
    size_bytes: int
    sha256: Mapping[str, str]
    content_sha256: str
    said: Mapping[str, Any] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)
    is_transient: bool = False


class Pages:
    """What sources share that answer one question page after page, with the next page in their memory.

    Parameters
    ----------
    fetcher
        Asks.
    question
        What is asked; another question starts anew.
    memory
        What the last refresh left.
    most_entries
        Stop after the page with which so many entries were fetched; the next refresh goes on from there.
    """

    def __init__(
        self,
        fetcher: "http.Fetcher",
        question: Mapping[str, Any],
        memory: Mapping[str, Any] | None,
        most_entries: int | None,
    ) -> None:
        self._fetcher = fetcher
        self._memory = recall(memory, question)
        self._most_entries = most_entries
        self._entries = 0

    @property
    def memory(self) -> Mapping[str, Any]:
        """What to remember with the page fetched last."""
        return self._memory

    @property
    def is_enough(self) -> bool:
        """Whether as many entries were fetched as are wanted at a time."""
        return self._most_entries is not None and self._entries >= self._most_entries


def refresh(
    source: Source,
    database: "Database",
    objects: "ObjectStore",
    on_file: Callable[[int], object] = lambda count: None,
) -> Refreshed:
    """Fetch what a source has into the raw cache; nothing is parsed.

    ``on_file`` is told after each file how many there are.
    """
    fetched = size = 0
    hashes: dict[str, str] = {}
    digest = hashlib.sha256()
    for request in source.list_new():
        data = source.fetch(request)
        sha256, is_new = store_raw(database, objects, request, data, source.memory)
        fetched += is_new
        size += data.stat().st_size if isinstance(data, Path) else len(data)
        hashes[request.url] = sha256
        on_file(len(hashes))
        report("fetching files")
        digest.update(json.dumps([request.source, request.document, sha256], sort_keys=True).encode())
    return Refreshed(fetched, len(hashes) - fetched, size, hashes, digest.hexdigest())


def refresh_increment(
    name: str,
    platform: "Platform",
    make: "Callable[[http.Fetcher, Mapping[str, Any] | None], Source]",
    tell: Callable[[str], object] = lambda text: None,
    fetcher: "http.Fetcher | None" = None,
) -> Refreshed:
    """Fetch what a source has new since its last refresh.

    Parameters
    ----------
    name
        What its raw files and its memory go by.
    make
        Returns the source, given what asks and what the last refresh left.
    tell
        Told of each file.
    fetcher
        Stays open; one with the usual patience for this refresh alone when None.
    """
    with nullcontext(fetcher) if fetcher else http.Fetcher() as asking:
        source = make(asking, read_memory(platform.database, name))
        refreshed = refresh(
            source, platform.database, platform.objects, lambda count: tell(f"{name}: file {count} kept")
        )
    return replace(refreshed, content_sha256=hash_current(platform.database, [name]))


def refresh_as_far(name: str, platform: "Platform", ask: Callable[[], Refreshed]) -> Refreshed:
    """Refresh a source; one that fails says so beside what it brought before."""
    try:
        return ask()
    except SourceError as error:
        return Refreshed(
            0,
            0,
            0,
            {},
            hash_current(platform.database, [name]),
            failures={name: str(error)},
            is_transient=error.is_transient,
        )


@dataclass(frozen=True)
class Kept:
    """The newest raw files of some kinds: how many, and a hash of their contents."""

    files: int
    sha256: str


def find_kept(database: "Database", kinds: Collection[str]) -> Kept:
    """Return what the raw cache holds of some kinds, whatever refresh brought it."""
    files = [raw for raw in current_files(database) if raw.kind in kinds]
    return Kept(len(files), _hash_files(files))


def is_waiting(database: "Database", kinds: Collection[str]) -> bool:
    """Tell whether files of some kinds wait to be loaded."""
    return any(raw.parse_status == "pending" and raw.kind in kinds for raw in current_files(database))


def list_failed(database: "Database", refreshed: Refreshed) -> list[int]:
    """Return the files of a refresh that could not be read when they were loaded earlier, by their number."""
    asked = set(refreshed.sha256.items())
    return [
        raw.raw_file_id
        for raw in current_files(database)
        if raw.parse_status == "failed" and (raw.url, raw.sha256) in asked
    ]


def hash_current(database: "Database", sources: Iterable[str]) -> str:
    """Hash the newest files of some sources, however many refreshes brought them."""
    wanted = set(sources)
    return _hash_files(raw for raw in current_files(database) if raw.source in wanted)


def _hash_files(files: "Iterable[RawFile]") -> str:
    contents = [[raw.source, raw.url, dict(raw.request), raw.sha256] for raw in files]
    return hashlib.sha256(json.dumps(contents, sort_keys=True).encode()).hexdigest()
