"""The folder of an embedded server's socket: its path is short (a home's need not be), and it is private.

It lies in a folder that other users may write too. So its name cannot be guessed, it is made new, no link is followed,
and what is known of it is asked of the open folder, not of its name. The home remembers it: whoever was connected
finds the server again after a crash.
"""

import hashlib
import os
import pwd
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from catalyst_assets.errors import DatabaseUnavailableError
from resources.postgres.keeper import read_note

_SOCKET_NAME: Final = ".s.PGSQL.5432"
_MAX_SOCKET_PATH: Final = 103  # bytes; macOS allows 103, Linux 107
_FOLDER_LINE: Final = 4  # of a running server's note


class SocketFolder:
    """Where the server on a data directory has its socket.

    Parameters
    ----------
    record
        File in the home that remembers it.
    data
        The data directory.
    """

    def __init__(self, record: Path, data: Path) -> None:
        self._record = record
        self._data = data

    @property
    def path(self) -> Path:
        """The folder as it was made last.

        Raises
        ------
        DatabaseUnavailableError
            It was never made.
        """
        recorded = self._recorded()
        if recorded is not None:
            return recorded
        lines = read_note(self._data)  # of a server that another version started
        if len(lines) > _FOLDER_LINE and lines[_FOLDER_LINE]:
            return Path(lines[_FOLDER_LINE])
        raise DatabaseUnavailableError(
            f"No server has been started on {self._data}.", "Start with `catalyst demo` or `catalyst up`."
        )

    def make(self, user: pwd.struct_passwd | None) -> None:
        """Make it, or make sure of the one that is there; needs the start lock.

        Parameters
        ----------
        user
            Whom the server runs as when that is somebody else.

        Raises
        ------
        DatabaseUnavailableError
            There is no place for it.
        """
        known = self._recorded()
        if known is not None and _made_safely(known, user):
            return
        for parent in _places(user):
            folder = parent / f"{self._prefix}{secrets.token_hex(6)}"
            if _fits(folder) and _made_safely(folder, user):
                partial = self._record.with_suffix(f".{secrets.token_hex(6)}")
                partial.write_bytes(os.fsencode(folder))
                partial.replace(self._record)
                return
        raise DatabaseUnavailableError(
            "There is no folder for PostgreSQL's socket: neither XDG_RUNTIME_DIR nor /tmp can be written.",
            "Make one of them writable, or set CATALYST_DATABASE_URL.",
        )

    @property
    def _prefix(self) -> str:
        """What names this home: a copy of it brings the record along."""
        return f"catalyst-{hashlib.sha256(os.fsencode(self._data.resolve())).hexdigest()[:12]}-"

    def _recorded(self) -> Path | None:
        try:
            folder = Path(os.fsdecode(self._record.read_bytes()))
        except (OSError, ValueError):
            return None
        own = folder.is_absolute() and folder.name.startswith(self._prefix) and _fits(folder)
        return folder if own else None


def _places(user: pwd.struct_passwd | None) -> list[Path]:
    """Return where it may lie, the safest first."""
    if user is not None:  # root's own runtime folder is closed to the server's user
        return [Path("/run"), Path("/tmp"), Path("/var/tmp")]  # noqa: S108 - made new and private
    own = [Path(os.environ.get("XDG_RUNTIME_DIR") or "/"), Path(f"/run/user/{os.geteuid()}")]
    return [*filter(_is_private, own), Path("/tmp"), Path("/var/tmp")]  # noqa: S108 - made new and private


def _is_private(folder: Path) -> bool:
    with suppress(OSError):
        found = folder.lstat()
        is_closed = stat.S_ISDIR(found.st_mode) and not stat.S_IMODE(found.st_mode) & 0o077
        return folder.is_absolute() and is_closed and found.st_uid == os.geteuid()
    return False


def _fits(folder: Path) -> bool:
    return len(os.fsencode(folder / _SOCKET_NAME)) <= _MAX_SOCKET_PATH


def _made_safely(folder: Path, user: pwd.struct_passwd | None) -> bool:
    """Make a folder that the server's user alone may enter; one that is there must be so already."""
    is_new = False
    try:
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            is_new = True
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        found = os.fstat(descriptor)
        owner = os.geteuid() if user is None else user.pw_uid
        # Ours a moment ago: nobody but root can have put another in its place, in a folder with the sticky bit.
        if found.st_uid not in ({os.geteuid(), owner} if is_new else {owner}) or found.st_mode & 0o077:
            return False
        if user is not None and found.st_uid != owner:
            os.fchown(descriptor, user.pw_uid, user.pw_gid)
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
