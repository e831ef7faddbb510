"""Files of weights in the model cache: fetched once, known by their sha256 each time they are used.

How a large file comes over HTTP is the business of `ingestion.fetching`. Nothing here looks into a file: one is
a pickle, and only `worker` opens it.
"""

import fcntl
import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from catalyst_assets.errors import CorruptArtifactError, SourceError, UsageError
from catalyst_assets.ingestion.fetching.downloads import Downloader, Progress
from catalyst_assets.ingestion.fetching.http import Fetcher
from catalyst_assets.ingestion.progress import say
from catalyst_assets.representation.foundation.table import PUBLISHER_URL, FoundationModel

if TYPE_CHECKING:
    from resources.settings import Settings

# Of a person who waits, a server that cannot be reached takes less than a quarter of a minute.
_ATTEMPTS: Final = 4
_SHA256 = re.compile(r"[0-9a-f]{64}")


class UnpinnedModelError(UsageError):
    """Nobody says which bytes a file of weights must have, so it is not opened."""


@dataclass(frozen=True)
class ModelFile:
    """A file of weights on this machine whose sha256 is the one that was expected."""

    path: Path
    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class ModelCache:
    """The folder of downloaded weights, and from where they come.

    Attributes
    ----------
    base_url
        The publisher, or a mirror of it with the same paths.
    accept_noncommercial
        Whether models may be used whose licence allows no commercial use.
    """

    folder: Path
    base_url: str = PUBLISHER_URL
    accept_noncommercial: bool = False

    @classmethod
    def of(cls, settings: "Settings", accept_noncommercial: bool = False) -> "ModelCache":
        """Return the cache of an installation; a licence is accepted there or by whoever asks."""
        return cls(
            settings.model_cache_folder,
            settings.foundation_url or PUBLISHER_URL,
            settings.accept_noncommercial or accept_noncommercial,
        )

    def path(self, model: FoundationModel) -> Path:
        """Return where a model's file is, or will be."""
        return self.folder / model.file_name

    def require_usable(self, model: FoundationModel, sha256: str | None = None) -> str:
        """Return the hash that a model's file must have, if the model may be used and the hash is known.

        Raises
        ------
        LicenceRefusedError
            The licence allows no commercial use and was not accepted.
        UnpinnedModelError
            Neither our table nor the caller knows the hash.
        """
        model.require_licence(self.accept_noncommercial)
        pin = require_pin(sha256) if sha256 else model.sha256
        if pin is None:
            raise UnpinnedModelError(
                f"The sha256 of {model.file_name} is not known, so {model.name} is not opened: it is a pickle.",
                f"Fetch {model.url(self.base_url)} yourself, make sure that it is the publisher's, and give the "
                "hash with CATALYST_BACKBONE_SHA256 or the option sha256 of `backbone`.",
            )
        return pin

    def fetch(
        self,
        model: FoundationModel,
        sha256: str | None = None,
        fetcher: Fetcher | None = None,
        progress: Progress = lambda done, total: None,
    ) -> ModelFile:
        """Return a model's file, downloaded unless it is here.

        Parameters
        ----------
        sha256
            What the file must have, in place of the hash in our table.
        fetcher
            Asks the server; one with little patience if None, which begins anew whenever bytes come.

        Raises
        ------
        LicenceRefusedError
            The licence allows no commercial use and was not accepted; the server was not asked.
        UnpinnedModelError
            Neither our table nor the caller knows the hash; the server was not asked.
        CorruptArtifactError
            The server's file has another hash; it was thrown away.
        SourceError
            The server refuses or cannot be reached.
        """
        pin = self.require_usable(model, sha256)
        path = self.path(model)
        self.folder.mkdir(parents=True, exist_ok=True)
        with _alone(path):
            if path.exists():
                try:
                    return verify(path, pin)
                except CorruptArtifactError as error:
                    say(f"{error.message} It is fetched again.")
                    path.unlink()
            return self._download(model, pin, path, fetcher, progress)

    def _download(
        self, model: FoundationModel, pin: str, path: Path, fetcher: Fetcher | None, progress: Progress
    ) -> ModelFile:
        url = model.url(self.base_url)
        say(f"{model.name}: {model.licence.name}, {model.licence.url}")
        with fetcher or Fetcher(attempts=_ATTEMPTS) as asking:
            downloader = Downloader(asking, self.folder, progress=progress)
            try:
                downloaded = downloader.fetch(url)
            except SourceError as error:
                raise self._explain(error, model, path) from None
            if downloaded.sha256 != pin:
                downloader.remove(url)
                raise CorruptArtifactError(
                    f"{url} has the sha256 {downloaded.sha256}, expected is {pin}. It was thrown away unopened.",
                    "Run again in case it was damaged on its way. If it stays so, the publisher has replaced the "
                    "file, or somebody else has: ask before you give the new hash with CATALYST_BACKBONE_SHA256.",
                )
            size_bytes = downloaded.path.stat().st_size
            downloaded.path.replace(path)
            downloader.remove(url)
        return ModelFile(path, pin, size_bytes)

    def _explain(self, error: SourceError, model: FoundationModel, path: Path) -> SourceError:
        """Say what can be done where the server cannot be reached."""
        if not error.is_transient:
            return error
        return SourceError(
            f"{model.name} was not fetched: {error.message}",
            "Nothing is lost: run again, and what has come so far is gone on with. On a machine without network, put "
            f"the file at {path.absolute()} yourself (its sha256 is checked), or name a mirror that can be reached "
            "with CATALYST_FOUNDATION_URL.",
            is_transient=True,
        )


def open_local(path: Path, sha256: str | None) -> ModelFile:
    """Return a file that the user brought, if it has the hash that the user says.

    Raises
    ------
    UsageError
        There is no such file.
    UnpinnedModelError
        The user gave no hash.
    CorruptArtifactError
        The file has another one.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder.", "Give the path of the model's file.")
    if not path.is_file():
        raise UsageError(f"There is no file {path}.", "Correct the path of the model.")
    if not sha256:
        raise UnpinnedModelError(
            f"{path} is not opened: it is a pickle, which could run any program. Its sha256 is {hash_file(path)}.",
            "If you know who made it, set CATALYST_BACKBONE_SHA256 to that hash where `catalyst up` is started.",
        )
    return verify(path, require_pin(sha256))


def verify(path: Path, sha256: str) -> ModelFile:
    """Return a file whose hash is as expected.

    Raises
    ------
    CorruptArtifactError
        It is not.
    """
    found = hash_file(path)
    if found != sha256:
        raise CorruptArtifactError(
            f"{path} has the sha256 {found}, expected is {sha256}.",
            "It was not opened. Bring the right file, or correct the hash if you know this one to be right.",
        )
    return ModelFile(path, found, path.stat().st_size)


def require_pin(sha256: str) -> str:
    """Return a hash in the form in which hashes are compared.

    Raises
    ------
    UsageError
        It is no sha256.
    """
    pin = sha256.strip().lower().removeprefix("sha256:")
    if not _SHA256.fullmatch(pin):
        raise UsageError(f"{sha256!r} is no sha256.", "Give its 64 hexadecimal digits.")
    return pin


def hash_file(path: Path) -> str:
    """Return the sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keep other processes from the same file: one downloads, the others wait and find it."""
    with path.with_name(f".{path.name}.lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"Another process is fetching {path.name}; this one waits for it.")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
