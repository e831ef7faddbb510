"""A run's sign of life, by which the reaper tells a slow process from a dead one, and the claim its writes carry.

A run that was given up while its process slept has lost its claim: what it still does is not written, and a process
that does nothing but this run ends.
"""

import logging
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Final

from catalyst_assets.errors import DatabaseUnavailableError, RunGivenUpError
from resources.postgres.database import Database, execute
from resources.settings import Settings

_log = logging.getLogger(__name__)
# What a run that has just ended needs to close its files, and a person's own process to say what happened.
_WORKER_GRACE_SECONDS: Final = 5.0
_OWN_GRACE_SECONDS: Final = 60.0
_SLEPT_BEATS: Final = 3.0


class Standing(StrEnum):
    """How a run stands with those who may end it."""

    GOING = "going"
    ASKED_TO_END = "asked_to_end"
    ENDED = "ended"


@contextmanager
def heartbeat(
    database: Database,
    settings: Settings,
    run_id: str,
    standing: Callable[[], Standing] = lambda: Standing.GOING,
) -> Iterator[None]:
    """Beat for ``run_id`` and carry its claim as long as the block lasts; the first beat is written before it starts.

    Parameters
    ----------
    standing
        Asked now and then, and when the process was asleep: whether the run was ended from outside, such as by a
        person who marked it as canceled, or is asked to end, which its process is then told by a signal.

    Raises
    ------
    DatabaseUnavailableError
        The first beat cannot be written; a later one that fails is logged and tried again.
    RunGivenUpError
        The run has lost its claim already.
    """
    heart = _Heart(database, run_id, standing, settings.heartbeat_seconds, _run_process(settings))
    with database.carrying(run_id, heart.look):
        heart.beat()
        thread = threading.Thread(target=heart.keep_beating, name=f"heartbeat-{run_id}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            heart.stopped.set()
            thread.join()


class _Heart:
    def __init__(
        self, database: Database, run_id: str, standing: Callable[[], Standing], interval: float, pid: int
    ) -> None:
        import psutil

        self._database = database
        self._run_id = run_id
        self._standing = standing
        self._was_told = False
        self._interval = interval
        self._pid = pid
        self._process_started = psutil.Process(pid).create_time()
        self._looked = time.monotonic()
        self.stopped = threading.Event()

    def beat(self) -> None:
        with self._database.transaction() as connection:
            execute(connection, "loop/make_claim", run_id=self._run_id)
            execute(
                connection,
                "loop/beat",
                run_id=self._run_id,
                host=socket.gethostname(),
                pid=self._pid,
                process_started=self._process_started,
            )

    def keep_beating(self) -> None:
        while not self.stopped.wait(self._interval):
            try:
                self.beat()
                standing = self._standing()
                # It fails by itself too, a moment before the block ends.
                if standing is Standing.ENDED and not self.stopped.wait(_WORKER_GRACE_SECONDS):
                    self._give_up()
                if standing is Standing.ASKED_TO_END and not self._was_told:
                    self._was_told = True
                    os.kill(self._pid, signal.SIGTERM)
                self._looked = time.monotonic()
            except RunGivenUpError as error:
                self._end_process(error)
                return
            except DatabaseUnavailableError as error:
                _log.warning("No heartbeat for run %s: %s", self._run_id, error)

    def look(self) -> None:
        """Ask whether the run was ended in the meantime if nobody has asked for long: the process was asleep."""
        now = time.monotonic()
        if now - self._looked > max(_SLEPT_BEATS * self._interval, 1.0):
            self._looked = now
            if self._standing() is Standing.ENDED:
                self._give_up()

    def _give_up(self) -> None:
        reason = "its run was ended from outside"
        with self._database.transaction() as connection:
            # Its own transaction is the only one that may not hold the claim it takes away.
            execute(connection, "loop/lose_claim", run_id=self._run_id, reason=reason)
        raise RunGivenUpError(f"Run {self._run_id} was given up: {reason}.", "Nothing more of it is written.")

    def _end_process(self, error: RunGivenUpError) -> None:
        _log.error("%s", error)
        is_worker = multiprocessing.parent_process() is not None
        if self.stopped.wait(_WORKER_GRACE_SECONDS if is_worker else _OWN_GRACE_SECONDS):
            return
        if is_worker:
            os._exit(1)
        signal.raise_signal(signal.SIGINT)


def _run_process(settings: Settings) -> int:
    """Return the process whose end is the run's end, not that of one of its steps."""
    parent = multiprocessing.parent_process()
    if settings.executor == "multiprocess" and parent is not None and parent.pid is not None:
        return parent.pid
    return os.getpid()
