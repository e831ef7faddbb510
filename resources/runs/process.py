"""Which process executes a run: tags by which whoever asks finds it, and tells it from one that got its id later."""

import os
import signal
import socket
from collections.abc import Mapping
from typing import Final

# Dagster's pages do not show tags of this prefix.
HOST_TAG: Final = ".dagster/catalyst_host"
PID_TAG: Final = ".dagster/catalyst_pid"
PROCESS_STARTED_TAG: Final = ".dagster/catalyst_process_started"
# Of a run whose process, on another host than who asked, is to end it.
ASKED_TAG: Final = ".dagster/catalyst_asked_to_end"


def process_tags(pid: int | None = None) -> dict[str, str]:
    """Return the tags of a run that a process of this host executes by itself; this process when None.

    Raises
    ------
    psutil.NoSuchProcess
        It has ended already.
    """
    import psutil

    process = psutil.Process(pid)
    return {
        HOST_TAG: socket.gethostname(),
        PID_TAG: str(process.pid),
        PROCESS_STARTED_TAG: repr(process.create_time()),
    }


def names_process_here(tags: Mapping[str, str]) -> bool:
    """Tell whether tags name a process of this host."""
    return PID_TAG in tags and tags.get(HOST_TAG) == socket.gethostname()


def is_alive(pid: int, started: float) -> bool:
    """Tell whether the process that had an id at a time still runs."""
    import psutil

    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - started) < 1.0
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def interrupt(tags: Mapping[str, str]) -> bool:
    """Ask the process that tags name to end its run; False when it is gone or on another host."""
    if not names_process_here(tags):
        return False
    pid = int(tags[PID_TAG])
    if not is_alive(pid, float(tags[PROCESS_STARTED_TAG])):
        return False
    os.kill(pid, signal.SIGTERM)
    return True
