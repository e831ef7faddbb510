"""What goes wrong beneath the platform, in words of ours: a full disk, a file that cannot be read, a lost database.

Whoever calls a library deals with what it raises; this is for what comes from anywhere.
"""

import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from catalyst_assets.errors import CatalystError, DatabaseUnavailableError

_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
_AGAIN: Final = "Nothing is lost: run the command again once the cause is gone, and it goes on from there."


def explain(error: BaseException) -> CatalystError | None:
    """Return what an error, or what caused it, means to a person; None for one that is a mistake in the program."""
    causes = list(_causes(error))
    own = next((cause for cause in causes if isinstance(cause, CatalystError)), None)
    if own is not None:
        return own
    for read in (_of_database, _of_files, _of_dagster):
        for cause in reversed(causes):
            found = read(cause)
            if found is not None:
                return found
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what led to it, the deepest last."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)


def _of_database(error: BaseException) -> CatalystError | None:
    # What was not imported has not raised anything; importing it takes seconds.
    if "sqlalchemy" not in sys.modules:
        return None
    from resources.postgres.database import explain_refusal

    return explain_refusal(error)


def _of_files(error: BaseException) -> CatalystError | None:
    if isinstance(error, MemoryError):
        return CatalystError("There is not enough memory.", f"Free some. {_AGAIN}")
    if not isinstance(error, OSError):
        return None
    what = f": {error.filename}" if error.filename else ""
    if error.errno in _FULL:
        return CatalystError(f"The disk is full{what}.", f"Free disk space. {_AGAIN}")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        owner = _owner(error.filename)
        return CatalystError(
            f"{error.filename or 'A file'} cannot be used: {error.strerror}{owner}.",
            "Give yourself permission, or choose another home with --home or CATALYST_HOME.",
        )
    if isinstance(error, ConnectionError | TimeoutError):
        return DatabaseUnavailableError(
            f"A connection was lost: {error.strerror or error}.", f"Run `catalyst status`. {_AGAIN}"
        )
    if error.errno is None:
        return None
    return CatalystError(
        f"{error.filename or 'A file'} cannot be used: {error.strerror}.",
        f"See whether the disk is well and the path is right. {_AGAIN}",
    )


def _of_dagster(error: BaseException) -> CatalystError | None:
    dagster = sys.modules.get("dagster")
    if dagster is None or not isinstance(error, dagster.DagsterError):
        return None
    said = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".:")
    return CatalystError(f"Dagster cannot go on: {said}.", "Run it again with --debug to see where.")


def _owner(name: object) -> str:
    """Return whose a file is when it is somebody else's."""
    import pwd

    try:
        owner = Path(str(name)).stat().st_uid
        return "" if owner == os.geteuid() else f", it belongs to {pwd.getpwuid(owner).pw_name}"
    except (OSError, KeyError):
        return ""
