"""What a chaos run asks of the machine: a disk that can be filled, and which processes belong to a home."""

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import psutil

_LEFT_SECONDS: Final = 30.0
_STORE_BYTES: Final = 256 * 1024**2


def processes_of(home: Path) -> list[psutil.Process]:
    """Every living process that names ``home`` in its command or environment, this one excepted."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                continue
            about = [*process.cmdline(), process.environ().get("CATALYST_HOME", "")]
        except psutil.Error:
            continue
        if any(str(home) in text for text in about):
            found.append(process)
    return found


def leftovers(homes: Sequence[Path]) -> list[str]:
    """Return the commands of processes that outlive their installations."""
    deadline = time.monotonic() + _LEFT_SECONDS
    while (left := [one for home in homes for one in processes_of(home)]) and time.monotonic() < deadline:
        time.sleep(0.1)
    commands = []
    for process in left:
        with contextlib.suppress(psutil.Error):
            commands.append(f"{process.pid} {' '.join(process.cmdline())}"[:200])
    return commands


@contextlib.contextmanager
def small_store(home: Path) -> Iterator[str | None]:
    """Mount a small disk as the object store of a home; yield why there is none."""
    folder = home / "objects"
    folder.mkdir(parents=True, mode=0o700)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={_STORE_BYTES},mode=0700", "tmpfs", str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if mounted.returncode:
        yield mounted.stderr.strip() or "no disk can be mounted"
        return
    try:
        yield None
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)
