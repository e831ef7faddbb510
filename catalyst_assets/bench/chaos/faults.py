"""The faults, one function each: what is done to an installation that runs, until nothing of it is left to undo."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeVar

import psutil

from catalyst_assets.bench.chaos.installation import Installation
from catalyst_assets.constants import Queue

if TYPE_CHECKING:
    from resources.postgres.database import Row

_PATIENCE_SECONDS: Final = 240.0
# More beats than a holder may be silent, so that another worker may take its step.
_STOPPED_BEATS: Final = 8
_Found = TypeVar("_Found")
_BALLAST_BYTES: Final = 1024 * 1024


class Fault(StrEnum):
    """What goes wrong."""

    CHILD_KILLED = "process of a step killed"
    WORKER_KILLED = "worker killed"
    WORKER_STOPPED = "worker stopped, then continued"
    REDIS_KILLED = "Redis killed"
    REDIS_EMPTIED = "Redis emptied"
    POSTGRES_KILLED = "PostgreSQL killed"
    RUN_KILLED = "process of a run killed"
    DAEMON_KILLED = "daemon killed"
    DISK_FULL = "disk full"
    SHARD_FAILS = "shard that always fails"


@dataclass(frozen=True)
class Injected:
    """A fault that was put in.

    Attributes
    ----------
    iteration
        The campaign's newest one then.
    at
        When, in seconds since the epoch.
    taken_again
        How often a step had been taken from a worker before.
    note
        What exactly was done.
    """

    fault: Fault
    iteration: int
    at: float
    taken_again: int
    note: str


class _FinishedError(Exception):
    """The campaign was finished before there was anything to hit."""


def inject(fault: Fault, installation: Installation, linger: float) -> Injected | None:
    """Put a fault in, and return once it is over; what it broke may still be under repair.

    None if the campaign was finished before there was anything to hit.

    Parameters
    ----------
    linger
        For how many seconds a step must be under way before it is hit.

    Raises
    ------
    CatalystError
        Nothing came that it could hit, or a run did not end as it must, in bounded time.
    """
    known = installation.progress()
    try:
        at, note = _ACTIONS[fault](installation, linger)
    except _FinishedError:
        return None
    return Injected(fault, known["n_opened"] - 1, at, known["n_taken_again"], note)


_Done = tuple[float, str]


def _kill_child(installation: Installation, linger: float) -> _Done:
    step = _step_under_way(installation, linger)
    at = time.time()
    with contextlib.suppress(ProcessLookupError):
        os.kill(step["pid"], signal.SIGKILL)
    return at, step["step_key"]


def _kill_worker(installation: Installation, linger: float) -> _Done:
    step = _step_under_way(installation, linger)
    at = time.time()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(os.getpgid(step["pid"]), signal.SIGKILL)
    return at, step["step_key"]


def _stop_worker(installation: Installation, linger: float) -> _Done:
    """Stop a worker with its step until another has taken it, then let it go on."""
    step = _step_under_way(installation, linger, Queue.PREDICT)
    at = time.time()
    try:
        group = os.getpgid(step["pid"])
        os.killpg(group, signal.SIGSTOP)
    except ProcessLookupError:
        return at, f"{step['step_key']}: its process had ended"
    try:
        time.sleep(_STOPPED_BEATS * installation.settings.heartbeat_seconds)
        installation.wait_until(
            lambda: not _holds(installation, step), "A stopped worker keeps its step", _PATIENCE_SECONDS
        )
    finally:
        os.killpg(group, signal.SIGCONT)
    return at, step["step_key"]


def _kill_redis(installation: Installation, _: float) -> _Done:
    return _kill(installation, lambda: installation.service("redis-server"), "Redis is not started again")


def _empty_redis(installation: Installation, _: float) -> _Done:
    import redis

    from resources.distributed.broker import answers_ping, broker_url

    url = broker_url(installation.settings)
    _await(installation, lambda: answers_ping(url) or None, "Redis is not started again")
    at = time.time()
    with redis.Redis.from_url(url) as client:
        lost = client.dbsize()
        client.flushall()
    return at, f"{lost} keys lost"


def _kill_postgres(installation: Installation, _: float) -> _Done:
    return _kill(installation, installation.postmaster, "PostgreSQL is not started again")


def _kill_run(installation: Installation, _: float) -> _Done:
    return _kill(installation, installation.run_process, "No run is under way")


def _kill_daemon(installation: Installation, _: float) -> _Done:
    return _kill(
        installation, lambda: installation.service("resources.runs.daemon"), "The daemon is not started again"
    )


def _fill_disk(installation: Installation, _: float) -> _Done:
    """Leave the object store no room until a run has failed for it."""
    ballast = installation.home / "objects" / "ballast"
    known = installation.failed_runs()
    at = time.time()
    try:
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
            size = _BALLAST_BYTES
            while size:
                try:
                    file.write(b"\0" * size)
                except OSError:
                    size //= 2
        return at, _failed_run(installation, known)
    finally:
        ballast.unlink(missing_ok=True)


def _refuse_shard(installation: Installation, _: float) -> _Done:
    """Have the database refuse what one shard writes until its run has failed for it."""
    known = installation.failed_runs()
    at = time.time()
    installation.change("bench/chaos/refuse_shard")
    try:
        return at, _failed_run(installation, known)
    finally:
        installation.change("bench/chaos/accept_shard")


_ACTIONS: Final[Mapping[Fault, Callable[[Installation, float], _Done]]] = {
    Fault.CHILD_KILLED: _kill_child,
    Fault.WORKER_KILLED: _kill_worker,
    Fault.WORKER_STOPPED: _stop_worker,
    Fault.REDIS_KILLED: _kill_redis,
    Fault.REDIS_EMPTIED: _empty_redis,
    Fault.POSTGRES_KILLED: _kill_postgres,
    Fault.RUN_KILLED: _kill_run,
    Fault.DAEMON_KILLED: _kill_daemon,
    Fault.DISK_FULL: _fill_disk,
    Fault.SHARD_FAILS: _refuse_shard,
}


def _step_under_way(installation: Installation, linger: float, queue: Queue | None = None) -> "Row":
    """Wait for a step that a worker has been doing for a while."""
    since: dict[str, float] = {}

    def find() -> "Row | None":
        now = time.monotonic()
        held = installation.held_steps(queue)
        return next((step for step in held if now - since.setdefault(step["holder"], now) >= linger), None)

    return _await(installation, find, "No worker has a step")


def _holds(installation: Installation, step: "Row") -> bool:
    return any(held["holder"] == step["holder"] for held in installation.held_steps())


def _kill(installation: Installation, find: Callable[[], psutil.Process | None], else_: str) -> _Done:
    """Kill a process, once there is one."""
    process = _await(installation, find, else_)
    at = time.time()
    with contextlib.suppress(psutil.NoSuchProcess):
        process.kill()
    return at, f"process {process.pid}"


def _await(installation: Installation, find: Callable[[], _Found | None], else_: str) -> _Found:
    """Wait for something to hit, or for what it must lead to, as long as the campaign goes on."""
    found: list[_Found] = []

    def is_found() -> bool:
        one = find()
        if one is not None:
            found.append(one)
        elif installation.progress()["status"] != "active":
            raise _FinishedError
        return bool(found)

    installation.wait_until(is_found, else_, _PATIENCE_SECONDS)
    return found[0]


def _failed_run(installation: Installation, known: set[str]) -> str:
    """Wait for a run that fails; return what it says."""
    from catalyst_assets.loop.failures import explain_run

    def find() -> str | None:
        return next(iter(installation.failed_runs() - known), None)

    return explain_run(installation.instance, _await(installation, find, "No run fails for it"))
