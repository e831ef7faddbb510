"""The process that runs one calculation: ``python -m catalyst_assets.validation.jobs.keeper FOLDER``.

It outlives whoever started it and imports nothing heavy. It starts the program in a process group of its own, ends all of
it when time, memory or patience is over, tells Dagster through Pipes what the program says, and leaves a note of the end.
"""

import contextlib
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import psutil

from catalyst_assets.validation.jobs.folder import (
    ATTEMPT,
    BEAT_SECONDS,
    CANCEL,
    END,
    LOG,
    PROCESS,
    End,
    open_regular,
    read_note,
    write_atomically,
)
from resources.postgres.keeper import die_with_parent

_TICK_SECONDS: Final = 0.2
# Finding all that a program started looks at every process of the machine.
_WEIGH_SECONDS: Final = 1.0
_GRACE_SECONDS: Final = 10.0
_MOST_LOG_BYTES: Final = 2 * 1024**3
# What is told of the log at once, and how often: every second at first, seldom in the end.
_MOST_TOLD_BYTES: Final = 4_000
_SELDOM_SECONDS: Final = 60.0
_PR_SET_CHILD_SUBREAPER: Final = 36


class Keeper:
    """Runs the program of a folder to its end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._note = read_note(folder / ATTEMPT)
        self._started = time.monotonic()
        self._peak_bytes = 0
        self._is_terminated = False

    def run(self, told: "_Told") -> End:
        """Start the program, wait for it, and return how it ended; nothing of it is left."""
        self._adopt_orphans()
        signal.signal(signal.SIGTERM, self._note_termination)
        with (self._folder / LOG).open("ab") as log:
            try:
                program = subprocess.Popen(
                    self._note["command"],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=self._folder,
                    env={name: value for name, value in os.environ.items() if "DAGSTER_PIPES" not in name},
                    process_group=0,
                    preexec_fn=die_with_parent(),
                )
            except OSError as error:
                return self._end("not_started", said=f"{error.filename or ''}: {error.strerror}")
        self._introduce(program)
        told.say(f"Attempt {self._note['attempt']} runs as process {program.pid} on {socket.gethostname()}.")
        how = self._watch(program, told)
        self._end_all(program, gently=how != "exited")
        told.log_grew(everything=True)
        return self._end(how, status=program.returncode)

    def _watch(self, program: "subprocess.Popen[bytes]", told: "_Told") -> str:
        """Wait for the end of the program, and return what the end is."""
        wall_seconds, memory_bytes = self._note["wall_seconds"], self._note["memory_bytes"]
        beat = weighed = time.monotonic()
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                program.wait(_TICK_SECONDS)
                return "exited"
            if time.monotonic() - weighed > _WEIGH_SECONDS:
                weighed = time.monotonic()
                self._peak_bytes = max(self._peak_bytes, memory_of(os.getpid()))
            if (
                self._is_terminated or not (self._folder / ATTEMPT).exists()
            ):  # a folder that is gone needs no answer
                return "terminated"
            if (self._folder / CANCEL).exists():
                return "cancelled"
            if wall_seconds is not None and time.monotonic() - self._started > wall_seconds:
                return "wall_time"
            if memory_bytes is not None and self._peak_bytes > memory_bytes:
                return "memory"
            if told.log_bytes() > _MOST_LOG_BYTES:
                return "log_size"
            told.log_grew()
            if time.monotonic() - beat > BEAT_SECONDS:
                beat = time.monotonic()
                with contextlib.suppress(OSError):
                    os.utime(self._folder / PROCESS)

    def _introduce(self, program: "subprocess.Popen[bytes]") -> None:
        note = {
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "started": psutil.Process().create_time(),
            "group": program.pid,
            "attempt": self._note["attempt"],
        }
        write_atomically(self._folder / PROCESS, json.dumps(note).encode())

    def _end_all(self, program: "subprocess.Popen[bytes]", *, gently: bool) -> None:
        """End the program and what it started; asked first, so that ``srun`` gives its nodes back."""
        me = psutil.Process()
        if gently:
            signal_all([program.pid], me.children(recursive=True), signal.SIGTERM)
            psutil.wait_procs(me.children(recursive=True), timeout=_GRACE_SECONDS)
        for _ in range(20):  # what forks while it is being ended is found the next time
            children = me.children(recursive=True)
            signal_all([program.pid], children, signal.SIGKILL)
            if not children:
                break
            psutil.wait_procs(children, timeout=0.5)
        program.wait()

    def _end(self, how: str, *, status: int | None = None, said: str = "") -> End:
        seconds = round(time.monotonic() - self._started, 1)
        return End(self._note["attempt"], how, status, seconds, self._peak_bytes, said)

    def _note_termination(self, *_: object) -> None:
        self._is_terminated = True

    def _adopt_orphans(self) -> None:
        """Become the parent of what the program leaves behind, so that it is found and counted."""
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class _Told:
    """What Dagster is told through Pipes: the log as it grows."""

    def __init__(self, folder: Path, pipes: Any) -> None:
        self._log = folder / LOG
        self._pipes = pipes
        self._position = 0
        self._next = time.monotonic()
        self._pause = 1.0

    def say(self, message: str) -> None:
        """Tell one thing; who listens may be gone, and the calculation goes on."""
        if self._pipes is not None:
            with contextlib.suppress(OSError):
                self._pipes.log.info(message)

    def log_bytes(self) -> int:
        """Return how large the log is."""
        with contextlib.suppress(OSError):
            return self._log.stat().st_size
        return 0

    def log_grew(self, *, everything: bool = False) -> None:
        """Tell what was added to the log, the end of it where that is much."""
        now = time.monotonic()
        size = self.log_bytes()
        if (now < self._next and not everything) or size <= self._position:
            return
        self._next, self._pause = now + self._pause, min(_SELDOM_SECONDS, self._pause * 1.5)
        start = max(self._position, size - _MOST_TOLD_BYTES)
        left_out = f"(… {start - self._position:,} bytes more in the log)\n" if start > self._position else ""
        with contextlib.suppress(OSError), open_regular(self._log) as file:
            file.seek(start)
            text = file.read(size - start).decode("utf-8", "replace").strip()
            if text:
                self.say(left_out + text)
        self._position = size


def memory_of(pid: int) -> int:
    """Return the resident bytes of all that a process started."""
    total = 0
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process(pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                total += child.memory_info().rss
    return total


def signal_all(groups: list[int], processes: "list[psutil.Process]", number: int) -> None:
    """Signal process groups, and processes that left theirs."""
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.send_signal(number)


@contextmanager
def _pipes() -> Iterator[Any]:
    """Open Dagster Pipes where whoever started this listens."""
    from dagster_pipes import DAGSTER_PIPES_CONTEXT_ENV_VAR, open_dagster_pipes

    if DAGSTER_PIPES_CONTEXT_ENV_VAR not in os.environ:
        yield None
        return
    with open_dagster_pipes() as opened:
        yield opened


def main() -> None:
    """Run the calculation of the folder named; the lock that came with this process ends with it."""
    folder = Path(sys.argv[1])
    os.set_inheritable(read_note(folder / ATTEMPT)["lock"], False)
    with _pipes() as pipes:
        end = Keeper(folder).run(_Told(folder, pipes))
        with contextlib.suppress(FileNotFoundError):
            write_atomically(folder / END, json.dumps(asdict(end)).encode())


if __name__ == "__main__":
    main()
