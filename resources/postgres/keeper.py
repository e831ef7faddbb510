"""Keeps one PostgreSQL server running for as long as any process holds its lock file.

Started detached by `embedded`, by path and without site-packages (hence only the standard
library): it must outlive whoever started it, start at once, and notice a holder killed without warning.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

POLL_SECONDS: Final = 0.5
LINGER_SECONDS: Final = 1.5
STABLE_SECONDS: Final = 10.0
MAX_RESTARTS: Final = 5
STOP_SECONDS: Final = 60.0
_PR_SET_PDEATHSIG: Final = 1


def open_lock(path: Path | str) -> int:
    """Open a lock file, made if missing, for this user alone and not for children."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def try_lock(file_descriptor: int) -> bool:
    """Take an exclusive lock if nobody holds the file, without waiting."""
    try:
        fcntl.flock(file_descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def read_note(data: Path) -> list[str]:
    """Return the lines of the note that a server keeps in its data directory; none without a server."""
    try:
        return (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return []


def is_ready(data: Path) -> bool:
    """Tell whether the server on a data directory takes connections, by its own note."""
    return [line.strip() for line in read_note(data)[7:8]] == ["ready"]


def die_with_parent(death_signal: signal.Signals = signal.SIGKILL) -> Callable[[], None]:
    """Return a function for ``preexec_fn``: the kernel signals the child when its parent ends, however."""
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    parent = os.getpid()

    def prepare() -> None:
        if libc is not None:
            libc.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
            if os.getppid() != parent:  # it ended before the request took effect
                os.kill(os.getpid(), signal.SIGKILL)

    return prepare


class Keeper:
    """One server process and the files that say who needs it.

    Parameters
    ----------
    spec
        ``command`` (the server's argv), ``identity`` (what ``subprocess`` is told of the user to become),
        ``data``, ``holders_lock``.
    """

    def __init__(self, spec: dict[str, Any]) -> None:
        self._spec = spec
        self._holders = open_lock(spec["holders_lock"])
        self._was_ready = False
        self._asked_to_stop = False
        self._idle_since: float | None = None

    def run(self) -> int:
        """Keep the server until nobody holds it; return the exit status."""
        wake = self._wake_on_signals()
        restarts = 0
        started = time.monotonic()
        server = self._start()
        while True:
            readable, _, _ = select.select([wake], [], [], POLL_SECONDS)
            if readable:
                os.read(wake, 1024)
            self._was_ready = self._was_ready or is_ready(Path(self._spec["data"]))
            if server.poll() is not None:
                if time.monotonic() - started > STABLE_SECONDS:
                    restarts = 0
                restarts += 1
                if not self._was_ready or restarts > MAX_RESTARTS or self._unused():
                    return 1
                time.sleep(POLL_SECONDS)  # its orphaned backends need a moment to let go of shared memory
                started = time.monotonic()
                server = self._start()
            elif self._may_stop():
                self._stop(server)
                return 0

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._spec["command"],
            stdin=subprocess.DEVNULL,
            cwd="/",
            **self._spec["identity"],
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGINT),  # INT is a fast shutdown
        )

    def _wake_on_signals(self) -> int:
        read_end, write_end = os.pipe()
        os.set_blocking(write_end, False)
        signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._ask_to_stop)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        return read_end

    def _ask_to_stop(self, *_: object) -> None:
        self._asked_to_stop = True

    def _unused(self) -> bool:
        if not try_lock(self._holders):
            return False
        fcntl.flock(self._holders, fcntl.LOCK_UN)
        return True

    def _may_stop(self) -> bool:
        """Tell whether nobody needs the server; if so its lock file stays locked against newcomers."""
        if not try_lock(self._holders):
            self._idle_since, self._asked_to_stop = None, False
            return False
        now = time.monotonic()
        self._idle_since = self._idle_since or now
        if self._asked_to_stop or now - self._idle_since >= LINGER_SECONDS:
            return True
        fcntl.flock(self._holders, fcntl.LOCK_UN)
        return False

    def _stop(self, server: subprocess.Popen[bytes]) -> None:
        for stop_signal, patience in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 5.0)):
            server.send_signal(stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(patience)
                break
        else:
            server.kill()
            server.wait()


def main() -> int:
    """Run as ``keeper.py SPEC``, a JSON object; end at once if another keeper runs."""
    spec = json.loads(sys.argv[1])
    keeper_lock = open_lock(spec["keeper_lock"])
    if not try_lock(keeper_lock):
        return 0
    os.ftruncate(keeper_lock, 0)
    os.pwrite(keeper_lock, str(os.getpid()).encode(), 0)
    status = Keeper(spec).run()
    with contextlib.suppress(OSError):
        Path(spec["socket_dir"]).rmdir()
    # The lock of holders ends with this process, after this one: who waits for it finds no keeper.
    os.close(keeper_lock)
    return status


if __name__ == "__main__":
    sys.exit(main())
