"""The process of a worker: started apart from ours, watched, and ended when nobody waits for it any more."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_ERRORS: Final = "stderr"
_TERMINATED_SECONDS: Final = 5.0
_LOOK_SECONDS: Final = 1.0
# By which a person or a supervisor stops a worker; what kills it for its memory or a fault has other signals.
_ASKED_TO_STOP: Final = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True)
class End:
    """How a worker ended.

    Attributes
    ----------
    said
        In words that follow its name.
    killed
        Whether it did not end by itself: another may go on.
    stopped
        Whether somebody asked it to stop, so that none is to go on.
    """

    said: str
    killed: bool = False
    stopped: bool = False


def run_worker(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    signs_of_life: Sequence[str],
    silence_seconds: float,
) -> End:
    """Run a worker to its end, and say how it ended.

    Parameters
    ----------
    signs_of_life
        Files of the folder that it writes while it works.
    silence_seconds
        After so long without one it is ended.
    """
    with (folder / _ERRORS).open("wb") as errors:
        process = subprocess.Popen(
            command, env=dict(environment), stdin=subprocess.DEVNULL, stdout=errors, stderr=errors
        )
        try:
            status = _watch(process, [folder / name for name in signs_of_life], silence_seconds)
        finally:
            _end(process)
    if status is None:
        return End(f"gave no sign of life for {silence_seconds:.0f} s and was ended", killed=True)
    if status < 0:
        ended_by = signal.Signals(-status)
        return End(f"was ended by {ended_by.name}", killed=True, stopped=ended_by in _ASKED_TO_STOP)
    said = (folder / _ERRORS).read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return End(f"ended with status {status}: {said[-1] if said else 'it said nothing'}")


def _watch(process: "subprocess.Popen[bytes]", signs: Sequence[Path], silence_seconds: float) -> int | None:
    """Return a process' status; None where it has been silent for too long."""
    seen, since = _look(signs), time.monotonic()
    while True:
        try:
            return process.wait(min(_LOOK_SECONDS, silence_seconds))
        except subprocess.TimeoutExpired:
            now = _look(signs)
        if now != seen:
            seen, since = now, time.monotonic()
        elif time.monotonic() - since > silence_seconds:
            return None


def _look(signs: Sequence[Path]) -> list[tuple[int, int]]:
    return [(about.st_mtime_ns, about.st_size) for sign in signs if (about := _stat(sign)) is not None]


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_TERMINATED_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
