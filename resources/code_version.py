"""Which code is running: the commit of a checkout, or the version of the installed package."""

import hashlib
import shutil
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Final

_PACKAGE: Final = "catalyst-discovery"
_SECONDS: Final = 10


@cache
def code_version(folder: Path | None = None) -> str:
    """Return ``git:<commit>``, with ``+changes:<hash>`` if tracked files differ, or ``<package> <version>``.

    Parameters
    ----------
    folder
        Top of the checkout; that of this code when None.
    """
    top = folder or Path(__file__).resolve().parent.parent
    git = shutil.which("git")
    # Only a checkout of our own counts: an installed package may lie inside somebody else's.
    if git is not None and (top / ".git").exists() and (top / "pyproject.toml").exists():
        commit = _ask(git, top, "rev-parse", "HEAD")
        changes = _ask(git, top, "diff", "--no-ext-diff", "HEAD")
        if commit and changes is not None:
            digest = hashlib.sha256(changes.encode()).hexdigest()[:8]
            return f"git:{commit}" + (f"+changes:{digest}" if changes else "")
    return f"{_PACKAGE} {release()}"


def release() -> str:
    """Return the version of the installed package."""
    try:
        return metadata.version(_PACKAGE)
    except metadata.PackageNotFoundError:
        return "unknown"


def _ask(git: str, top: Path, *arguments: str) -> str | None:
    try:
        answer = subprocess.run(
            [git, "-C", str(top), *arguments],
            capture_output=True, encoding="utf-8", errors="replace", timeout=_SECONDS, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()
