"""The folder of a calculation: what its program reads and writes, and by what its process is known.

Whoever holds the lock ``keeper.lock`` runs the calculation, so that two never do; who wants to know whether it runs asks
the lock. What was written is the only truth: a follower that was killed finds everything here.
"""

import contextlib
import errno
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from catalyst_assets.errors import CatalystError
from catalyst_assets.validation.jobs.limits import Limits
from resources.paths import make_private
from resources.postgres.keeper import open_lock, try_lock

if TYPE_CHECKING:
    from resources.settings import Settings

JOB, RESULT, LOG = "job.json", "result.json", "log.txt"
STRUCTURES: Final = ("structure.cif", "POSCAR")
ATTEMPT, PROCESS, END, CANCEL, MESSAGES = (
    "attempt.json",
    "process.json",
    "end.json",
    "cancel",
    "messages.jsonl",
)
_LOCK, _KEEPER_LOG = "keeper.lock", "keeper.log"
_OF_ONE_ATTEMPT: Final = (RESULT, LOG, ATTEMPT, PROCESS, END, CANCEL)
# The keeper touches its note so often; across hosts nothing else says that it lives.
BEAT_SECONDS: Final = 5.0
_SILENT_SECONDS: Final = 120.0


class State(StrEnum):
    """How an attempt stands."""

    NOT_STARTED = "not_started"
    RUNNING = "running"
    ENDED = "ended"
    DIED = "died"


@dataclass(frozen=True)
class End:
    """How the program ended, as its keeper saw it.

    Attributes
    ----------
    how
        exited, wall_time, memory, log_size, cancelled, terminated or not_started.
    status
        Its exit status, negative for the signal that ended it.
    """

    attempt: int
    how: str
    status: int | None = None
    seconds: float = 0.0
    peak_memory_bytes: int = 0
    said: str = ""


class JobFolder:
    """The folder of one calculation."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._keeper: subprocess.Popen[bytes] | None = None

    def file(self, name: str) -> Path:
        """Return the path of a file in it."""
        return self.path / name

    def state(self, attempt: int) -> State:
        """Return how an attempt stands."""
        end = self.end()
        if end is not None and end.attempt == attempt:
            return State.ENDED
        if self.is_held():
            return State.RUNNING
        end = self.end()  # it may have ended between the two looks
        if end is not None and end.attempt == attempt:
            return State.ENDED
        started = read_note(self.file(ATTEMPT))
        return State.DIED if started.get("attempt") == attempt else State.NOT_STARTED

    def end(self) -> End | None:
        """Return how the last attempt that ended did."""
        note = read_note(self.file(END))
        with contextlib.suppress(TypeError):
            return End(**note) if note else None
        return None

    def process(self) -> dict[str, Any]:
        """Return who runs the calculation: host, process id, its start, process group; empty if nobody did yet."""
        return read_note(self.file(PROCESS))

    def is_held(self) -> bool:
        """Tell whether a keeper lives: here by its lock, on another host by its beat."""
        if not self.path.exists():
            return False
        process = self.process()
        if process and process.get("host") != socket.gethostname():
            with contextlib.suppress(OSError):
                return time.time() - self.file(PROCESS).stat().st_mtime < _SILENT_SECONDS
        lock = open_lock(self.file(_LOCK))
        try:
            return not try_lock(lock)
        finally:
            os.close(lock)

    def prepare(self, files: Mapping[str, bytes]) -> None:
        """Write what the program reads; what an earlier attempt left is set aside, what it may go on from stays.

        Raises
        ------
        CatalystError
            The folder cannot be written.
        """
        try:
            make_private(self.path)
            self._set_aside()
            for name, data in files.items():
                write_atomically(self.file(name), data)
        except OSError as error:
            raise CatalystError(
                f"The folder {self.path} of calculation {self.path.name[:12]} cannot be written: "
                f"{error.strerror or error}.",
                "Free disk space, or mend its permissions, then `catalyst validation retry` it.",
            ) from error

    def start(
        self, command: Sequence[str], limits: Limits, attempt: int, environment: Mapping[str, str]
    ) -> bool:
        """Start the keeper of an attempt; False when one runs already.

        The lock is taken here and goes over to the keeper, so that there is no moment in which another could start.
        """
        lock = open_lock(self.file(_LOCK))
        try:
            if not try_lock(lock):
                return False
            note = {"attempt": attempt, "command": list(command), "lock": lock, **asdict(limits)}
            write_atomically(self.file(ATTEMPT), json.dumps(note).encode())
            with self.file(_KEEPER_LOG).open("ab") as complaints:
                self._keeper = subprocess.Popen(
                    [sys.executable, "-P", "-m", "catalyst_assets.validation.jobs.keeper", str(self.path)],
                    stdin=subprocess.DEVNULL,
                    stdout=complaints,
                    stderr=complaints,
                    cwd=self.path,
                    env=dict(environment),
                    pass_fds=(lock,),
                    start_new_session=True,
                )
        finally:
            os.close(lock)
        return True

    def forget_keeper(self) -> None:
        """Let the keeper go that this process started and that has ended."""
        if self._keeper is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._keeper.wait(1.0)

    def ask_to_cancel(self, reason: str) -> None:
        """Have the keeper, on whatever host, end the program and all that it started."""
        with contextlib.suppress(FileNotFoundError):
            write_atomically(self.file(CANCEL), reason.encode())

    def end_leftovers(self) -> None:
        """End what is left of a program whose keeper was killed: every process of its session on this host."""
        import psutil

        process = self.process()
        if process.get("host") != socket.gethostname():
            return
        for found in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if os.getsid(found.pid) == process["pid"] and found.create_time() >= process["started"] - 1:
                    found.kill()

    def log_tail(self, lines: int = 5) -> str:
        """Return the last lines of the program's output, in one line."""
        from resources.logs import tail

        text = read_end(self.file(LOG), 8_000).decode("utf-8", "replace")
        return "".join(character for character in tail(text, lines) if character.isprintable())[-1_000:]

    def _set_aside(self) -> None:
        previous = read_note(self.file(ATTEMPT)).get("attempt")
        if previous is None:
            return
        aside = self.path / f"attempt-{previous}"
        aside.mkdir(exist_ok=True)
        for name in _OF_ONE_ATTEMPT:
            with contextlib.suppress(FileNotFoundError):
                if self.file(name).is_dir():
                    shutil.rmtree(self.file(name))
                else:
                    self.file(name).replace(aside / name)


def job_folder(settings: "Settings", job_id: str) -> JobFolder:
    """Return the folder of a calculation of an installation."""
    return JobFolder(Path(settings.home) / "validation" / "jobs" / job_id)


def read_note(path: Path) -> dict[str, Any]:
    """Return a small JSON object that we wrote; empty where there is none."""
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(path.read_bytes())
        return found if isinstance(found, dict) else {}
    return {}


def read_end(path: Path, most: int) -> bytes:
    """Return the last bytes of a regular file; nothing of what is none."""
    with contextlib.suppress(OSError), open_regular(path) as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - most))
        return file.read(most)
    return b""


def open_regular(path: Path) -> BinaryIO:
    """Open a file that a program wrote, if it is a file: no link to elsewhere, no pipe that would wait for ever.

    Raises
    ------
    OSError
        It is none, or cannot be read.
    """
    opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        raise OSError(errno.EINVAL, "it is no file", str(path))
    return os.fdopen(opened, "rb")


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that whoever reads it sees all of it or nothing."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    with partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
