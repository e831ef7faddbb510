"""The lease of a step: taken by the process that does it, kept by beats, and carried by what it writes."""

import contextlib
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from catalyst_assets.errors import DatabaseUnavailableError, RunGivenUpError
from resources.postgres.database import Database, Row, execute, fetch_all, fetch_one
from resources.runs.process import is_alive
from resources.settings import Settings

_log = logging.getLogger(__name__)

# A step that ends its process so often ends every process.
MOST_TAKES: Final = 3
_SILENT_BEATS: Final = 6.0
_SLEPT_BEATS: Final = 3.0


@dataclass(frozen=True)
class StepId:
    """One try of one step of a run."""

    run_id: str
    step_key: str
    attempt: int

    def parameters(self) -> dict[str, object]:
        """Return what queries call it."""
        return {"run_id": self.run_id, "step_key": self.step_key, "attempt": self.attempt}

    def claim(self, holder: str) -> str:
        """Return the claim that one holder's writes carry beside the run's."""
        return f"{self.run_id}/{holder}"


def silence_seconds(settings: Settings) -> float:
    """Return how long a holder may be silent until another may take its step."""
    return _SILENT_BEATS * settings.heartbeat_seconds


def holder_is_dead(lease: Row) -> bool:
    """Tell whether a lease's holder was a process of this host that has ended."""
    return (
        lease["holder"] is not None
        and lease["host"] == socket.gethostname()
        and not is_alive(lease["pid"], lease["process_started"])
    )


def find_leases(database: Database, run_id: str) -> dict[StepId, Row]:
    """Return the leases of the steps that a run has handed over."""
    with database.transaction() as connection:
        rows = fetch_all(connection, "leases/find", run_id=run_id)
    return {StepId(run_id, row["step_key"], row["attempt"]): row for row in rows}


class Lease:
    """A step that this process does.

    Parameters
    ----------
    step
        Which.
    """

    def __init__(self, database: Database, settings: Settings, step: StepId, holder: str) -> None:
        self._database = database
        self._interval = settings.heartbeat_seconds
        self._step = step
        self._holder = holder
        self._looked = time.monotonic()
        self._stopped = threading.Event()

    @contextlib.contextmanager
    def carried_by(self, database: Database) -> Iterator[None]:
        """Let every transaction carry the run's claim and the lease's own: none begins, or ends, once one is lost."""
        with (
            database.carrying(self._step.run_id, self.look),
            database.carrying(self._step.claim(self._holder)),
        ):
            yield

    def look(self) -> None:
        """Make sure that the lease was not lost while this process was asleep."""
        if time.monotonic() - self._looked > max(_SLEPT_BEATS * self._interval, 1.0):
            self._looked = time.monotonic()
            self._beat()

    def _beat(self) -> None:
        with self._database.transaction() as connection:
            held = fetch_one(connection, "leases/beat", **self._step.parameters(), holder=self._holder)
        if held is None:
            raise RunGivenUpError(
                f"Step {self._step.step_key} of run {self._step.run_id} was given to another process.",
                "Nothing more of it is written here.",
            )
        self._looked = time.monotonic()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Beat as long as the block lasts; give the lease back, with what went wrong in the block."""
        thread = threading.Thread(target=self._keep_beating, name="step-lease", daemon=True)
        thread.start()
        try:
            yield
        except BaseException as error:
            self._end(thread, f"{type(error).__name__}: {error}")
            raise
        self._end(thread, None)

    def _end(self, thread: threading.Thread, problem: str | None) -> None:
        self._stopped.set()
        thread.join()
        # Whoever watches the run finds out by the beats that do not come.
        with contextlib.suppress(DatabaseUnavailableError), self._database.transaction() as connection:
            execute(
                connection,
                "leases/give_back",
                **self._step.parameters(),
                holder=self._holder,
                problem=problem and problem[:2000],
            )

    def _keep_beating(self) -> None:
        while not self._stopped.wait(self._interval):
            try:
                self._beat()
            except RunGivenUpError as error:
                _log.error("%s", error)
                # This process does nothing but the step; another is forked in its place.
                os._exit(1)
            except DatabaseUnavailableError as error:
                _log.warning("No beat for step %s: %s", self._step.step_key, error)


def take_lease(database: Database, settings: Settings, step: StepId) -> Lease | None:
    """Take a step's lease; None if it has ended, another holds it, or nobody is to try it again."""
    import psutil

    lease = find_leases(database, step.run_id).get(step)
    if lease is None or lease["ended_s"] is not None:
        return None
    process = psutil.Process()
    holder = secrets.token_hex(8)
    with database.transaction() as connection:
        taken = fetch_one(
            connection,
            "leases/take",
            **step.parameters(),
            holder=holder,
            host=socket.gethostname(),
            pid=process.pid,
            process_started=process.create_time(),
            known=lease["holder"],
            is_dead=holder_is_dead(lease),
            silence_s=silence_seconds(settings),
            most=MOST_TAKES,
        )
        if taken is not None and lease["holder"] is not None:
            # What it had begun to write would hold up this process, for ever if it does not go on.
            claim = step.claim(lease["holder"])
            execute(connection, "loop/lose_claim", run_id=claim, reason="another process does the step")
    return None if taken is None else Lease(database, settings, step, holder)


_held: Lease | None = None


def held_lease() -> Lease | None:
    """Return the lease of the step that this process does for a worker; None elsewhere."""
    return _held


@contextlib.contextmanager
def holding(lease: Lease) -> Iterator[None]:
    """Do a step under its lease."""
    global _held
    _held = lease
    try:
        with lease.held():
            yield
    finally:
        _held = None
