"""Large files over HTTP: streamed to disk, gone on with after any interruption, checked when they are whole.

What a download has so far lies in a ``.part`` file; beside it stands which version of the file that is
(RFC 9110: ranges, conditional by ``If-Range``). What is transient is `http`'s policy.
"""

import fcntl
import hashlib
import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import httpx

from catalyst_assets.errors import CatalystError, SourceError
from catalyst_assets.ingestion.fetching.http import Fetcher, TransientError, require_success
from catalyst_assets.ingestion.progress import report

_CHUNK_BYTES: Final = 1024**2
# An attempt that brought less than this has not shown that asking on at once is of use.
_PROGRESS_BYTES: Final = 1024**2
_RESERVE_BYTES: Final = 512 * 1024**2
_IDENTITY: Final = {"Accept-Encoding": "identity"}
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True)
class Version:
    """Which version of a published file a server has.

    Attributes
    ----------
    validator
        Its strong ETag, or when it was last modified; empty if the server says neither.
    size
        In bytes, None if the server does not say.
    """

    url: str
    validator: str
    size: int | None


@dataclass(frozen=True)
class Downloaded:
    """A whole file on this machine."""

    path: Path
    sha256: str
    version: Version


@dataclass(frozen=True)
class Downloader:
    """Brings files into one folder.

    Attributes
    ----------
    fetcher
        Its deadline and attempts count anew whenever a download gets on.
    deadline_seconds
        One file is given up this long after it was begun, however well it gets on.
    progress
        Is told the bytes there are and, if known, the bytes there will be.
    free_bytes
        How much room a folder has.
    """

    fetcher: Fetcher
    folder: Path
    deadline_seconds: float = 48 * 3600.0
    progress: Progress = lambda done, total: None
    free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free

    def part(self, url: str) -> Path:
        """Return where a file lies while it is downloaded and until it is removed."""
        name = re.sub(r"[^A-Za-z0-9._-]", "_", url.rpartition("/")[2])[-80:]
        return self.folder / f"{hashlib.sha256(url.encode()).hexdigest()[:12]}-{name}.part"

    def look(self, url: str) -> Version | None:
        """Ask which version of a file a server has, without the file; None if it does not say.

        Raises
        ------
        SourceError
            It refuses, or does not answer.
        """

        def ask(_: float) -> Version | None:
            with self.fetcher.open(url, "HEAD", _IDENTITY) as response:
                if response.status_code in {httpx.codes.METHOD_NOT_ALLOWED, httpx.codes.NOT_IMPLEMENTED}:
                    return None
                require_success(response)
                return _read_version(url, response)

        return self.fetcher.persist(url, ask)

    def fetch(self, url: str, md5: str = "", sha256: str = "") -> Downloaded:
        """Download a file, or what is missing of it, and check it.

        Parameters
        ----------
        md5
            As published; not checked if empty.
        sha256
            As it was the first time; not checked if empty.

        Raises
        ------
        SourceError
            The server refuses, or gives another file than it should.
        CatalystError
            There is no room for it, or another process is downloading it.
        """
        path = self.part(url)
        self.folder.mkdir(parents=True, exist_ok=True)
        with _claimed(path):
            known = _recall(path, url)
            over = time.monotonic() + self.deadline_seconds
            while known is None or known.size is None or path.stat().st_size != known.size:
                known, is_at_end = self.fetcher.persist(url, lambda _: self._attempt(url, path, over))
                if is_at_end and known.size is None:
                    break
            found = _require_hashes(url, path, md5, sha256)
            return Downloaded(path, found, known)

    def remove(self, url: str) -> None:
        """Forget a file that is kept elsewhere, or what there is of it."""
        path = self.part(url)
        path.unlink(missing_ok=True)
        _state_of(path).unlink(missing_ok=True)

    def _attempt(self, url: str, path: Path, over: float) -> tuple[Version, bool]:
        """Ask for the bytes that are missing; return whose they are, and whether the reply came to its end."""
        known = _recall(path, url)
        offset = path.stat().st_size if known is not None and known.validator else 0
        headers = dict(_IDENTITY)
        if known is not None and offset:
            headers |= {"Range": f"bytes={offset}-", "If-Range": known.validator}
        accepted = (httpx.codes.OK, httpx.codes.PARTIAL_CONTENT, httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE)
        with self.fetcher.open(url, headers=headers) as response:
            require_success(response, accepted)
            if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                _state_of(path).unlink(missing_ok=True)
                raise TransientError(f"it has nothing behind byte {offset}, so it is fetched anew")
            if response.status_code == httpx.codes.PARTIAL_CONTENT:
                version = _continued(known, offset, response)
                if version is None:
                    _state_of(path).unlink(missing_ok=True)
                    raise TransientError("it answers with another range than was asked for")
            else:
                _require_file(response)
                version, offset = _read_version(url, response), 0
                _remember(path, version)
            self._require_room(url, version, offset)
            return version, self._receive(response, path, version, offset, over)

    def _receive(
        self, response: httpx.Response, path: Path, version: Version, offset: int, over: float
    ) -> bool:
        done = told = offset
        with path.open("r+b") as file:
            file.truncate(offset)
            file.seek(offset)
            try:
                for chunk in response.iter_raw():
                    file.write(chunk)
                    done += len(chunk)
                    if done - told >= _CHUNK_BYTES:
                        told = done
                        self._tell(version, done)
                    if time.monotonic() > over:
                        raise SourceError(
                            f"{version.url} was not whole after {self.deadline_seconds:g} s.",
                            "Run again: it goes on from there.",
                        )
            except httpx.RequestError:
                if done - offset < _PROGRESS_BYTES or not version.validator:
                    raise
                return False
        if done == offset and version.size not in (None, done):
            raise TransientError("the reply is empty")
        self._tell(version, done)
        return True

    def _tell(self, version: Version, done: int) -> None:
        self.progress(done, version.size)
        report(f"bytes of {version.url.rpartition('/')[2][-40:]}", total=version.size, done=done)

    def _require_room(self, url: str, version: Version, offset: int) -> None:
        if version.size is None:
            return
        needed, free = version.size - offset + _RESERVE_BYTES, self.free_bytes(self.folder)
        if needed > free:
            raise CatalystError(
                f"{url} needs {needed / 1e9:.1f} GB in {self.folder}, which has {free / 1e9:.1f} GB.",
                "Free disk space, or choose another home with --home, then run again.",
            )


def in_tenths(tell: Callable[[float, float], object]) -> Progress:
    """Return a progress that tells GB done and in total, once for each tenth of a file that is known in size."""
    told: dict[int, int] = {}

    def progress(done: int, total: int | None) -> None:
        if total and told.get(total) != 10 * done // total:
            told[total] = 10 * done // total
            tell(done / 1e9, total / 1e9)

    return progress


def _continued(known: Version | None, offset: int, response: httpx.Response) -> Version | None:
    """Return the version that a partial reply goes on with; None if it is not what was asked for."""
    found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if known is None or found is None or int(found[1]) != offset:
        return None
    if known.size is not None and found[2] not in ("*", str(known.size)):
        return None
    return known


def _require_file(response: httpx.Response) -> None:
    if response.headers.get("Content-Type", "").partition(";")[0].strip() == "text/html":
        raise TransientError("the reply is a web page instead of the file")
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise TransientError("the reply is encoded although that was not asked for")


def _read_version(url: str, response: httpx.Response) -> Version:
    headers = response.headers
    tag, length = headers.get("ETag", ""), headers.get("Content-Length", "")
    # A weak tag may stand for other bytes: it is no condition for a range.
    validator = tag if tag and not tag.startswith("W/") else headers.get("Last-Modified", "")
    return Version(url, validator, int(length) if length.isascii() and length.isdigit() else None)


def _require_hashes(url: str, path: Path, md5: str, sha256: str) -> str:
    """Return the sha256 of a whole file; remove the file if it is not the one that was published."""
    digests = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            for digest in digests:
                digest.update(chunk)
    found_md5, found = (digest.hexdigest() for digest in digests)
    if (md5 and found_md5 != md5) or (sha256 and found != sha256):
        path.unlink()
        _state_of(path).unlink(missing_ok=True)
        wrong = (
            f"MD5 {found_md5}, published is {md5}"
            if md5 and found_md5 != md5
            else f"sha256 {found}, when it was first fetched it had {sha256}"
        )
        raise SourceError(
            f"{url} is not the file it should be: it has the {wrong}.",
            "It was thrown away. Run again; if it stays so, ask the publisher, and load a file that you trust "
            "from this machine with --path.",
        )
    return found


def _state_of(path: Path) -> Path:
    return path.with_suffix(".json")


def _remember(path: Path, version: Version) -> None:
    state = _state_of(path)
    written = state.with_suffix(".new")
    written.write_text(json.dumps(asdict(version)), encoding="utf-8")
    # The bytes of another version must not stand beside this one's name, not even for a moment.
    state.unlink(missing_ok=True)
    path.open("wb").close()
    written.replace(state)


def _recall(path: Path, url: str) -> Version | None:
    """Return which version the bytes so far are of; None when there are none, or that is not known."""
    try:
        version = Version(**json.loads(_state_of(path).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return version if version.url == url and path.exists() else None


@contextmanager
def _claimed(path: Path) -> Iterator[None]:
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CatalystError(
                f"Another process is downloading to {path}.", "Wait until it is done, then run again."
            ) from None
        yield
