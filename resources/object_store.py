"""Bytes by key: a local folder or any universal-pathlib URL, written atomically.

What the bytes mean is the business of the stage that writes them.
"""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from catalyst_assets.errors import CatalystError

if TYPE_CHECKING:
    from upath import UPath


_CHUNK_BYTES: Final = 1024 * 1024


class ObjectStore:
    """A flat store of immutable objects under slash-separated keys.

    Parameters
    ----------
    url
        A folder, or a URL that universal-pathlib understands (``s3://bucket/prefix``).
    """

    def __init__(self, url: str) -> None:
        self.url = url

    @cached_property
    def _root(self) -> "UPath":
        from upath import UPath

        return UPath(self.url)

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
        with self._publishing(key) as file:
            file.write(data)

    def put_file(self, key: str, path: Path) -> None:
        """Write the bytes of a file under ``key`` without holding them in memory; the file stays.

        Raises
        ------
        CatalystError
            The store cannot be written (full, read-only, unreachable).
        """
        with path.open("rb") as source, self._publishing(key) as file:
            shutil.copyfileobj(source, file, _CHUNK_BYTES)

    def open(self, key: str) -> BinaryIO:
        """Open what is stored under ``key`` for reading; the file can be sought in.

        Raises
        ------
        KeyError
            Nothing is stored under ``key``.
        """
        try:
            file: BinaryIO = self.path(key).open("rb")
        except FileNotFoundError:
            raise KeyError(key) from None
        return file

    @contextmanager
    def _publishing(self, key: str) -> Iterator[BinaryIO]:
        """Open ``key`` for writing; it appears when the block is left without an error."""
        target = self.path(key)
        try:
            if not self._is_local:
                with target.open("wb") as file:  # object stores publish an upload when it is complete
                    yield file
                return
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
        except OSError as error:
            raise CatalystError(
                f"Cannot write {key} to the object store {self.url}: {error.strerror or error}.",
                "Free disk space or choose another place with CATALYST_OBJECT_STORE, then run again.",
            ) from error

    def get_bytes(self, key: str) -> bytes:
        """Return the bytes under ``key``.

        Raises
        ------
        KeyError
            Nothing is stored under ``key``.
        """
        try:
            return bytes(self.path(key).read_bytes())
        except FileNotFoundError:
            raise KeyError(key) from None

    def exists(self, key: str) -> bool:
        """Tell whether something is stored under ``key``."""
        return bool(self.path(key).is_file())

    def list_keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys under the folder ``prefix``, sorted."""
        folder = self.path(prefix)
        if not folder.exists():
            return
        names = sorted(
            path.relative_to(self._root).as_posix()
            for path in folder.rglob("*")
            if path.is_file() and not path.name.endswith(".partial")
        )
        yield from names
