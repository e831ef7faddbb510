"""A run's sign of life, by which the reaper tells a slow process from a dead one."""

import logging
import multiprocessing
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from catalyst_assets.errors import DatabaseUnavailableError
from resources.postgres.database import Database, execute
from resources.settings import Settings

_log = logging.getLogger(__name__)


@contextmanager
def heartbeat(database: Database, settings: Settings, run_id: str) -> Iterator[None]:
    """Beat for ``run_id`` as long as the block lasts; the first beat is written before it starts.

    Raises
    ------
    DatabaseUnavailableError
        The first beat cannot be written; a later one that fails is logged and tried again.
    """
    import psutil

    pid = _run_process(settings)
    started = psutil.Process(pid).create_time()
    stopped = threading.Event()

    def beat() -> None:
        with database.transaction() as connection:
            execute(
                connection,
                "loop/beat",
                run_id=run_id,
                host=socket.gethostname(),
                pid=pid,
                process_started=started,
            )

    def keep_beating() -> None:
        while not stopped.wait(settings.heartbeat_seconds):
            try:
                beat()
            except DatabaseUnavailableError as error:
                _log.warning("No heartbeat for run %s: %s", run_id, error)

    beat()
    thread = threading.Thread(target=keep_beating, name=f"heartbeat-{run_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def _run_process(settings: Settings) -> int:
    """Return the process whose end is the run's end, not that of one of its steps."""
    parent = multiprocessing.parent_process()
    if settings.executor == "multiprocess" and parent is not None and parent.pid is not None:
        return parent.pid
    return os.getpid()
