"""Find, await and end the processes that a test's home has started."""

import time
from collections.abc import Callable
from pathlib import Path

import psutil


def processes_of(home: Path) -> list[psutil.Process]:
    """Every living process that names ``home`` in its command or environment, this one excepted."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid == psutil.Process().pid or process.status() == psutil.STATUS_ZOMBIE:
                continue
            about = [*process.cmdline(), process.environ().get("CATALYST_HOME", "")]
        except psutil.Error:
            continue
        if any(str(home) in text for text in about):
            found.append(process)
    return found


def eventually(holds: Callable[[], bool], seconds: float = 30.0) -> bool:
    """Wait until ``holds``; False when it does not in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.05)
    return holds()
