"""Where the files beside the packages lie, folders that are closed to other users, and those for a while."""

import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_SCRATCH: Final = "catalyst-scratch-"
_OWNER: Final = "owner.lock"
_YOUNG_SECONDS: Final = 60.0


def project_file(name: str) -> Path:
    """Return the path of a file or folder of the project, such as ``sql`` or ``workspace.yaml``.

    In a checkout it lies at the top, in a wheel inside this package.

    Raises
    ------
    FileNotFoundError
        Neither the checkout nor the installed wheel holds it.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "_project", package.parent):
        if (folder / name).exists():
            return folder / name
    raise FileNotFoundError(f"The installation is incomplete: {name} is missing beside {package}.")


def make_private(folder: Path) -> None:
    """Make a folder for this user alone, and those above it as usual; one that is there stays as it is."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def close_to_others(folder: Path) -> None:
    """Take away from a folder of this user what users outside its group may do, and the group's reading of it."""
    found = folder.stat()
    if found.st_uid == os.geteuid() and found.st_mode & 0o067:
        folder.chmod(stat.S_IMODE(found.st_mode) & ~0o067)


@contextmanager
def scratch_folder() -> Iterator[str]:
    """Make a folder for as long as the block lasts; `sweep_scratch` removes it if this process is killed."""
    with tempfile.TemporaryDirectory(prefix=_SCRATCH) as folder:
        lock = os.open(Path(folder, _OWNER), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            files = Path(folder, "files")
            files.mkdir()
            yield str(files)
        finally:
            os.close(lock)


def sweep_scratch(young_seconds: float = _YOUNG_SECONDS) -> list[Path]:
    """Remove the scratch folders of this user's processes that were killed; return them.

    Parameters
    ----------
    young_seconds
        A younger one may not have been locked yet.
    """
    removed = []
    for folder in Path(tempfile.gettempdir()).glob(f"{_SCRATCH}*"):
        with suppress(OSError):
            if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
                continue
            lock = os.open(folder / _OWNER, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                if time.time() - os.fstat(lock).st_mtime >= young_seconds:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # refused while its owner lives
                    shutil.rmtree(folder, ignore_errors=True)
                    removed.append(folder)
            finally:
                os.close(lock)
    return removed
