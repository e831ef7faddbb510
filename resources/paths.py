"""Where the files beside the packages lie, and folders that are closed to other users."""

import os
import stat
from pathlib import Path


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
