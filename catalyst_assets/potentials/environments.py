"""Virtual environments of potentials: made from pinned packages, apart from ours and from each other.

One is made aside and put in its place when it is whole; the packages are those of a file in `environments`, by hash.
torch is the platform's version, from wherever pip takes it here: of it there is a build for each kind of GPU.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from catalyst_assets.errors import CatalystError, UsageError
from catalyst_assets.potentials.table import ENVIRONMENTS

if TYPE_CHECKING:
    from resources.settings import Settings

State = Literal["installed", "outdated", "missing"]
# Lists of packages, one an environment.
REQUIREMENTS: Final = Path(__file__).with_name("environments")
_STAMP: Final = "catalyst.json"
_LINES_SHOWN: Final = 5


class PotentialError(CatalystError):
    """A potential, or the environment that it needs, is not there or does not work."""


@dataclass(frozen=True)
class Installed:
    """An environment's folder and whether it can be used."""

    name: str
    folder: Path
    state: State

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def packages(self) -> Path:
        """Where its packages lie."""
        return (
            self.folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
        )

    def require(self) -> "Installed":
        """Return it.

        Raises
        ------
        PotentialError
            It is not installed, or by an older version of the platform.
        """
        if self.state == "installed":
            return self
        found = (
            "is not installed"
            if self.state == "missing"
            else "was installed with other versions of packages or of Python"
        )
        raise PotentialError(
            f"The environment {self.name} {found} in {self.folder.parent}.",
            f"`catalyst potentials install {self.name}` does it, once on every machine that computes.",
        )


def find_environment(name: str, settings: "Settings") -> Installed:
    """Return an environment, whether it is there or not.

    Raises
    ------
    UsageError
        None is called so.
    """
    if name not in ENVIRONMENTS:
        raise UsageError(
            f"There is no environment {name!r}.", f"There are {', '.join(sorted(ENVIRONMENTS))}."
        )
    folder = settings.potentials_folder / name
    return Installed(name, folder, _state(folder, name))


def install(
    name: str, settings: "Settings", tell: Callable[[str], None], check: Callable[[Installed], None]
) -> Installed:
    """Make an environment unless it is there.

    Parameters
    ----------
    tell
        Told in a sentence of what takes time.
    check
        Called with the environment before it is put in its place; what it raises leaves everything as it was.

    Raises
    ------
    PotentialError
        A package cannot be had, or is another than was pinned.
    """
    found = find_environment(name, settings)
    found.folder.parent.mkdir(parents=True, exist_ok=True)
    with _alone(found.folder, tell) as lock:
        found = find_environment(name, settings)
        if found.state == "installed":
            return found
        aside = _aside(found.folder)
        shutil.rmtree(aside, ignore_errors=True)
        try:
            _make(aside, name, tell, lock)
            tell("Checking its known answers")
            check(Installed(name, aside, "installed"))
            _put(aside, found.folder)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    return find_environment(name, settings)


def remove(name: str, settings: "Settings", tell: Callable[[str], None]) -> bool:
    """Remove an environment; tell whether there was one."""
    folder = find_environment(name, settings).folder
    if not folder.parent.exists():
        return False
    with _alone(folder, tell):
        was_there = folder.exists()
        if was_there:
            # Whoever is stopped while files go leaves nothing that looks whole.
            _put_away(folder)
        for left in (_before(folder), _aside(folder)):
            shutil.rmtree(left, ignore_errors=True)
    return was_there


def size_of(folder: Path) -> int:
    """Return the bytes of the files in a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())


def _make(folder: Path, name: str, tell: Callable[[str], None], lock: int) -> None:
    requirements = REQUIREMENTS / f"{name}.txt"
    tell(f"Making {folder.with_name(name)}")
    _run([sys.executable, "-m", "venv", str(folder)], "The virtual environment was not made", lock)
    pip = [str(folder / "bin" / "python"), "-I", "-m", "pip", "--disable-pip-version-check", "install", "-q"]
    tell(f"Installing {ENVIRONMENTS[name].package} and what it needs")
    _run(
        [*pip, "--no-deps", "--require-hashes", "-r", str(requirements)],
        f"{ENVIRONMENTS[name].package} was not installed",
        lock,
    )
    release = _torch()
    tell(f"Installing torch {release}")
    _run([*pip, f"torch=={release}"], f"torch {release} was not installed", lock)
    (folder / _STAMP).write_text(json.dumps(_wanted(name)), encoding="utf-8")


def _run(command: list[str], failure: str, lock: int) -> None:
    """Run a program; as long as it runs, whoever started it may have been killed, nobody else is let in."""
    from resources.services import foreign_environment

    environment = foreign_environment() | {
        name: value for name, value in os.environ.items() if name.startswith("PIP_")
    }
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        command, env=environment, pass_fds=(lock,), capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise PotentialError(
            f"{failure}: {' '.join(said[-_LINES_SHOWN:]) or f'exit {done.returncode}'}",
            "Nothing was changed. Without network, point pip to a mirror or a folder of wheels (PIP_INDEX_URL, "
            "PIP_FIND_LINKS) and run again.",
        )


def _put(aside: Path, folder: Path) -> None:
    """Put a whole environment in its place, where an outdated one may be."""
    if folder.exists():
        _put_away(folder)
    aside.rename(folder)
    shutil.rmtree(_before(folder), ignore_errors=True)


def _put_away(folder: Path) -> None:
    shutil.rmtree(_before(folder), ignore_errors=True)
    folder.rename(_before(folder))


def _aside(folder: Path) -> Path:
    """Return where an environment is made."""
    return folder.with_name(f".{folder.name}.partial")


def _before(folder: Path) -> Path:
    """Return where an environment is put that is to go."""
    return folder.with_name(f".{folder.name}.before")


def _state(folder: Path, name: str) -> State:
    try:
        stamp = json.loads((folder / _STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "missing"
    # Of which Python it is says the folder of its packages.
    is_ours = stamp == _wanted(name) and Installed(name, folder, "outdated").packages.is_dir()
    return "installed" if is_ours else "outdated"


def _wanted(name: str) -> dict[str, str]:
    """Return what decides which packages there are to be."""
    requirements = (REQUIREMENTS / f"{name}.txt").read_bytes()
    return {"requirements_sha256": hashlib.sha256(requirements).hexdigest(), "torch": _torch()}


def _torch() -> str:
    return version("torch").partition("+")[0]


@contextmanager
def _alone(folder: Path, tell: Callable[[str], None]) -> Iterator[int]:
    """Keep other processes away; give the file that does so."""
    with folder.with_name(f".{folder.name}.lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell("Another process is at it; this one waits.")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()
