"""Bytes by key: a local folder or any universal-pathlib URL such as S3, written atomically.

What the bytes mean is the business of the stage that writes them. Credentials and endpoint of S3 are found as every
AWS client finds them (environment, shared configuration, role): nothing of them is kept here.
"""

import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from catalyst_assets.errors import CatalystError
from resources.bucket.clients import CLIENT_OPTIONS

if TYPE_CHECKING:
    from upath import UPath


_CHUNK_BYTES: Final = 1024 * 1024
# What is larger goes to S3 in parts of this size, or larger ones: there may be 10,000.
_PART_BYTES: Final = 8 * 1024**2
_MOST_PARTS: Final = 9_000
_S3_OPTIONS: Final[dict[str, Any]] = {
    # A listing that is remembered hides what other processes write.
    "use_listings_cache": False,
    "default_block_size": _PART_BYTES,
    "config_kwargs": CLIENT_OPTIONS,
}


@dataclass(frozen=True)
class StoredFile:
    """A file as a listing shows it.

    Attributes
    ----------
    state
        What changes when the file does: its size, and its time or what the bucket calls its version.
    """

    key: str
    size: int
    state: str


class ObjectStore:
    """A flat store of immutable objects under slash-separated keys.

    Parameters
    ----------
    url
        A folder, or a URL that universal-pathlib understands (``s3://bucket/prefix``).
    before_write
        Called before anything is written or removed; what it raises prevents it.
    """

    def __init__(self, url: str, *, before_write: Callable[[], None] | None = None) -> None:
        self.url = url
        self._before_write = before_write

    @property
    def _root(self) -> "UPath":
        # Made anew each time: a process that was forked may not use its parent's connection.
        from upath import UPath

        return UPath(self.url, **_S3_OPTIONS) if self.url.startswith("s3:") else UPath(self.url)

    @property
    def _is_local(self) -> bool:
        return self._root.protocol in ("", "file")

    def path(self, key: str) -> "UPath":
        """Return the path of ``key``, refusing keys that leave the store."""
        parts = key.split("/")
        if not key or any(part in ("", ".", "..") for part in parts):
            raise ValueError(f"{key!r} is not an object key: use slash-separated names without '.' or '..'.")
        return self._root.joinpath(*parts)

    def put_bytes(self, key: str, data: bytes) -> None:
        """Write ``data`` under ``key``; a reader sees all of it or nothing.

        Raises
        ------
        CatalystError
            The store cannot be written (full, read-only, unreachable).
        """
        with self._publishing(key, len(data)) as file:
            file.write(data)

    def put_file(self, key: str, path: Path) -> None:
        """Write the bytes of a file under ``key`` without holding them in memory; the file stays.

        Raises
        ------
        CatalystError
            The store cannot be written (full, read-only, unreachable).
        """
        with path.open("rb") as source, self._publishing(key, path.stat().st_size) as file:
            shutil.copyfileobj(source, file, _CHUNK_BYTES)

    def open(self, key: str) -> BinaryIO:
        """Open what is stored under ``key`` for reading; the file can be sought in.

        Raises
        ------
        KeyError
            Nothing is stored under ``key``.
        CatalystError
            The store cannot be read.
        """
        with self._reading(key):
            file: BinaryIO = self.path(key).open("rb")
        return file

    @contextmanager
    def _publishing(self, key: str, size_bytes: int) -> Iterator[BinaryIO]:
        """Open ``key`` for writing; it appears when the block is left without an error."""
        target = self.path(key)
        if self._before_write is not None:
            self._before_write()
        try:
            if self._is_local:
                target.parent.mkdir(parents=True, exist_ok=True)
                partial = target.parent / f".{target.name}.{uuid.uuid4().hex}.partial"
                try:
                    with partial.open("wb") as file:
                        yield file
                        file.flush()
                        os.fsync(file.fileno())
                    partial.rename(target)
                finally:
                    partial.unlink(missing_ok=True)
                return
            file = target.open("wb", block_size=max(_PART_BYTES, size_bytes // _MOST_PARTS))
            try:
                yield file
                file.close()
            except BaseException:
                _discard(file)
                raise
        except self._failures as error:
            raise self._refusal(f"Cannot write {key} to", error) from error

    def get_bytes(self, key: str) -> bytes:
        """Return the bytes under ``key``.

        Raises
        ------
        KeyError
            Nothing is stored under ``key``.
        CatalystError
            The store cannot be read.
        """
        with self._reading(key):
            return bytes(self.path(key).read_bytes())

    def remove(self, key: str) -> None:
        """Remove what is stored under ``key``; nothing happens where nothing is.

        Raises
        ------
        CatalystError
            The store cannot be written.
        """
        path = self.path(key)
        if self._before_write is not None:
            self._before_write()
        try:
            path.unlink(missing_ok=True)
        except FileNotFoundError:
            return
        except self._failures as error:
            raise self._refusal(f"Cannot remove {key} from", error) from error

    def exists(self, key: str) -> bool:
        """Tell whether something is stored under ``key``.

        Raises
        ------
        CatalystError
            The store cannot be read.
        """
        path = self.path(key)
        try:
            with self._reading(key):  # is_file() says no where nobody answers
                return bool(path.fs.info(path.path)["type"] == "file")
        except KeyError:
            return False

    def list_keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys under the folder ``prefix``, sorted.

        Raises
        ------
        CatalystError
            The store cannot be read.
        """
        folder = self.path(prefix)
        try:
            with self._reading(prefix):
                files = folder.fs.find(folder.path)
        except KeyError:
            return
        beginning = len(folder.path.rstrip("/")) - len(prefix)
        yield from sorted(file[beginning:] for file in files if not file.endswith((".partial", "/")))

    def list_files(self, depth: int) -> list[StoredFile]:
        """Return the files of the store itself, however they came there, sorted; links are left out.

        Parameters
        ----------
        depth
            1 for those that lie in no folder of it.

        Raises
        ------
        KeyError
            The store is a folder that is not there.
        CatalystError
            The store cannot be read.
        """
        root = self._root
        with self._reading(str(root)):
            if self._is_local and not root.is_dir():
                raise FileNotFoundError(str(root))
            found = root.fs.find(root.path, maxdepth=depth, detail=True)
        start = len(root.path.rstrip("/")) + 1
        return [
            StoredFile(path[start:], int(info.get("size") or 0), _state(info))
            for path, info in sorted(found.items())
            if info.get("type") == "file" and not info.get("islink")
        ]

    def move(self, key: str, target: str) -> None:
        """Give what is stored under ``key`` another key; nothing happens where nothing is.

        Raises
        ------
        CatalystError
            The store cannot be written.
        """
        path, goal = self.path(key), self.path(target)
        if self._before_write is not None:
            self._before_write()
        try:
            if self._is_local:
                goal.parent.mkdir(parents=True, exist_ok=True)
            path.fs.mv(path.path, goal.path)
        except FileNotFoundError:
            return
        except self._failures as error:
            raise self._refusal(f"Cannot move {key} within", error) from error

    @contextmanager
    def _reading(self, key: str) -> Iterator[None]:
        try:
            yield
        except (FileNotFoundError, NotADirectoryError):
            raise KeyError(key) from None
        except self._failures as error:
            raise self._refusal(f"Cannot read {key} from", error) from error

    @property
    def _failures(self) -> tuple[type[Exception], ...]:
        """What a store raises that cannot be reached, refuses, or has no room."""
        if not self.url.startswith("s3:"):
            return (OSError,)
        from aiohttp import ClientError as ConnectionLost
        from botocore.exceptions import BotoCoreError, ClientError

        return (OSError, BotoCoreError, ClientError, ConnectionLost)

    def _refusal(self, what: str, error: Exception) -> CatalystError:
        reason = (isinstance(error, OSError) and error.strerror) or error
        remedy = (
            "Free disk space or choose another place with CATALYST_OBJECT_STORE, then run again."
            if self._is_local
            else "Check CATALYST_OBJECT_STORE, the endpoint (AWS_ENDPOINT_URL), the region and the credentials."
        )
        return CatalystError(f"{what} the object store {self.url}: {str(reason).rstrip('.')}.", remedy)


def _state(info: Mapping[str, Any]) -> str:
    return f"{info.get('size')} {info.get('ETag') or info.get('mtime') or info.get('LastModified') or ''}"


def _discard(file: Any) -> None:
    """Give up an upload: without this, closing the file would publish what it has so far."""
    with suppress(Exception):  # a store that is gone cannot be told; what it has is never completed
        file.discard()
    file.closed = True
