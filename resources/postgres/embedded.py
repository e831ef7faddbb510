"""The embedded PostgreSQL server: started by whoever comes first, shared, stopped after the last.

Every process that needs it holds a shared lock on one file. A detached `keeper` runs
the server for as long as any lock is held, so a killed process leaves no server behind.
"""

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

from catalyst_assets.errors import DatabaseUnavailableError
from resources.logs import open_log
from resources.postgres.cluster import Cluster, complaint, using_home
from resources.postgres.database import Role
from resources.postgres.keeper import is_ready, open_lock, read_note, try_lock

DRIVER: Final = "postgresql+psycopg2"
_START_SECONDS: Final = 120.0
_STOP_SECONDS: Final = 90.0
_JOINED_SECONDS: Final = 2.0
# The server needs no more of the shell that happens to start it, such as the key of a bucket.
_TOLD: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "LD_PRELOAD")
_SERVER_OPTIONS: Final = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "jit": "off",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_min_error_statement": "panic",  # statements may carry what a log should not
}
_SCRATCH_OPTIONS: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedPostgres:
    """A share, held by one process, of the server under ``home``.

    Parameters
    ----------
    home
        The installation's home folder; any length, spaces allowed.
    durable
        False lets a power failure (not a killed process) lose data: for tests.

    Examples
    --------
    >>> with EmbeddedPostgres(Path(".catalyst")) as server:  # doctest: +SKIP
    ...     server.url("catalyst_owner", "postgres")
    """

    def __init__(self, home: Path, *, durable: bool = True) -> None:
        self.cluster = Cluster(home)
        self._durable = durable
        self._share: int | None = None
        self._keeper: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def acquire(self) -> None:
        """Join the running server, or create and start it.

        Raises
        ------
        CatalystError
            The home cannot be used, belongs to another PostgreSQL version, or the server does not start.
        """
        if self._share is not None:
            return
        self.cluster.open_folders()
        with using_home(self.cluster.home):
            share = open_lock(self.cluster.holders_lock)
        try:
            fcntl.flock(share, fcntl.LOCK_SH)  # waits while a keeper is stopping
            self._share = share
            self.ensure_running()
        except BaseException:
            self._share = None
            os.close(share)
            raise

    def ensure_running(self) -> None:
        """Start the server again if its keeper was killed."""
        if is_ready(self.cluster.data) and self._keeper_is_alive():
            return
        with self.starting():
            if self._keeper is not None and self._keeper.poll() is not None:
                self._keeper = None
            deadline = time.monotonic() + _START_SECONDS
            while time.monotonic() < deadline:
                if self._keeper_is_alive():
                    if is_ready(self.cluster.data):
                        return
                elif self._keeper is not None and self._keeper.poll() not in (None, 0):
                    raise self._start_failed("PostgreSQL does not start")
                elif self._keeper is None or self._keeper.poll() is not None:
                    self._await_orphan()
                    self.cluster.prepare()
                    self._spawn_keeper()
                time.sleep(0.02)
        raise self._start_failed(f"PostgreSQL is not ready after {_START_SECONDS:.0f} s")

    def release(self) -> None:
        """Give up this process's share; the last to do so waits until the server has stopped."""
        if self._share is None:
            return
        share, self._share = self._share, None
        fcntl.flock(share, fcntl.LOCK_UN)
        last = try_lock(share)
        os.close(share)
        if last:
            self._stop_keeper()

    def url(self, login: str, database: str) -> str:
        """Return the driver-qualified URL, password included, by which ``login`` reaches ``database``."""
        import sqlalchemy as sa

        url = sa.URL.create(
            DRIVER,
            username=login,
            password=self.cluster.passwords[login],
            database=database,
            query={"host": str(self.cluster.socket_dir)},
        )
        return url.render_as_string(hide_password=False)

    def owner_url(self, database: str) -> str:
        """Return the URL by which the owner of everything reaches ``database``."""
        return self.url(Role.OWNER, database)

    @contextlib.contextmanager
    def starting(self) -> Iterator[None]:
        """Hold the start lock: one process at a time starts the server or gives it new logins."""
        descriptor = open_lock(self.cluster.start_lock)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _spawn_keeper(self) -> None:
        cluster = self.cluster
        options = _SERVER_OPTIONS | {"unix_socket_directories": str(cluster.socket_dir)}
        if not self._durable:
            options |= _SCRATCH_OPTIONS
        command = [str(cluster.binaries / "postgres"), "-D", str(cluster.data)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        paths = ("data", "socket_dir", "holders_lock", "keeper_lock")
        spec = {"command": command, "identity": cluster.identity}
        spec |= {name: str(getattr(cluster, name)) for name in paths}
        with using_home(cluster.home), open_log(cluster.log) as log:
            self._log_start = log.tell()
            keeper = Path(__file__).with_name("keeper.py")
            self._keeper = subprocess.Popen(
                [sys.executable, "-I", "-S", str(keeper), json.dumps(spec)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env={name: value for name, value in os.environ.items() if name in _TOLD},
                start_new_session=True,
            )

    def _keeper_is_alive(self) -> bool:
        with using_home(self.cluster.home):
            descriptor = open_lock(self.cluster.keeper_lock)
        try:
            return not try_lock(descriptor)
        finally:
            os.close(descriptor)

    def _await_orphan(self) -> None:
        """Wait for a server whose keeper was killed; drop the note of one that is gone."""
        lines = read_note(self.cluster.data)
        if not lines:
            return
        import psutil

        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            server = psutil.Process(int(lines[0]))
            if server.name() == "postgres" and Path(server.cwd()).resolve() == self.cluster.data.resolve():
                server.send_signal(signal.SIGINT)
                try:
                    server.wait(_STOP_SECONDS)
                except psutil.TimeoutExpired:
                    raise self._start_failed(f"The old server, process {server.pid}, does not stop") from None
                return
        # PostgreSQL itself would take any process that was since given the same id for the server.
        (self.cluster.data / "postmaster.pid").unlink(missing_ok=True)

    def _stop_keeper(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            os.kill(int(self.cluster.keeper_lock.read_text()), signal.SIGTERM)
        asked = time.monotonic()
        while self._keeper_is_alive() and time.monotonic() < asked + _STOP_SECONDS:
            if is_ready(self.cluster.data) and time.monotonic() > asked + _JOINED_SECONDS:
                return  # somebody joined before the keeper looked
            time.sleep(0.02)
        if self._keeper is not None:
            self._keeper.wait(_STOP_SECONDS)
            self._keeper = None

    def _start_failed(self, what: str) -> DatabaseUnavailableError:
        try:
            log = self.cluster.log.read_bytes()[self._log_start :]
            reason = complaint(log.decode("utf-8", errors="replace"))
        except OSError:
            reason = "no log"
        return DatabaseUnavailableError(
            f"{what}: {reason}",
            f"See {self.cluster.log}; free disk space or memory if it says so, or choose another home.",
        )
