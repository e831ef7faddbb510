"""What Celery costs a shard, and what a second worker gains: in an installation of its own, removed afterwards."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from catalyst_assets.constants import Queue
from catalyst_assets.errors import CatalystError
from resources.paths import scratch_folder
from resources.settings import load_settings
from resources.supervisor import free_port

if TYPE_CHECKING:
    from resources.settings import Settings

_READY_SECONDS: Final = 90.0
_WARM_SHARDS: Final = 8
_EXECUTE: Final = """
import json, sys
from catalyst_assets.bench.running.celery_jobs import execute
print(json.dumps(execute(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
"""


@dataclass(frozen=True)
class CeleryReport:
    """What `catalyst bench celery --json` prints; seconds.

    Attributes
    ----------
    in_process_s, celery_s
        A run of ``shards`` shards that do nothing, in one process and by one worker.
    overhead_s
        What Celery adds to a shard.
    one_worker_s, two_workers_s
        A run that embeds ``structures`` perovskites, by one worker and by two, each on one thread.
    speed_up
        The one by the other.
    """

    shards: int
    in_process_s: float
    celery_s: float
    overhead_s: float
    structures: int
    embedding_shards: int
    one_worker_s: float
    two_workers_s: float
    speed_up: float
    cores: int
    load_before: float


def measure_celery(
    shards: int, embedding_shards: int, size: int, tell: Callable[[str], None] = lambda state: None
) -> CeleryReport:
    """Take the times one after the other on this machine.

    Raises
    ------
    CatalystError
        A run failed, or Redis or a worker does not start.
    """
    from resources.postgres.connection import connect

    load = os.getloadavg()[0]
    with scratch_folder() as folder:
        home = Path(folder, "home")
        settings = load_settings(home=home, executor="celery", redis_port=free_port())
        with connect(settings, upgrade=True), _redis(settings):
            tell("in one process")
            in_process = _execute(settings, "in_process", "trivial", shards, 0)
            with _workers(settings, 1):
                tell("by one worker")
                _execute(settings, "celery", "embedding", _WARM_SHARDS, 1)
                by_celery = _execute(settings, "celery", "trivial", shards, 0)
                one = _execute(settings, "celery", "embedding", embedding_shards, size)
            with _workers(settings, 2):
                tell("by two workers")
                _execute(settings, "celery", "embedding", _WARM_SHARDS, 1)
                two = _execute(settings, "celery", "embedding", embedding_shards, size)
    return CeleryReport(
        shards=shards,
        in_process_s=round(in_process, 2),
        celery_s=round(by_celery, 2),
        overhead_s=round((by_celery - in_process) / shards, 3),
        structures=embedding_shards * size,
        embedding_shards=embedding_shards,
        one_worker_s=round(one, 2),
        two_workers_s=round(two, 2),
        speed_up=round(one / two, 2),
        cores=len(os.sched_getaffinity(0)),
        load_before=round(load, 2),
    )


def _execute(settings: "Settings", executor: str, job: str, shards: int, size: int) -> float:
    outcome = subprocess.run(
        [sys.executable, "-c", _EXECUTE, job, str(shards), str(size)],
        env=_environment(settings, executor), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if outcome.returncode:
        raise CatalystError(f"The job {job} failed: {outcome.stderr.strip()[-2000:]}")
    return float(json.loads(outcome.stdout.splitlines()[-1]))


def _environment(settings: "Settings", executor: str) -> dict[str, str]:
    from resources.dagster_instance import prepare_dagster_home

    one_thread = {"OMP_NUM_THREADS": "1", "CATALYST_EXECUTOR": executor}
    return os.environ | prepare_dagster_home(settings) | one_thread


@contextlib.contextmanager
def _redis(settings: "Settings") -> Iterator[None]:
    from resources.distributed.broker import answers_ping, broker_url, own_redis, prepare_redis

    prepare_redis(settings)
    process = subprocess.Popen(own_redis(settings).command, stdout=subprocess.DEVNULL)
    try:
        _await(lambda: answers_ping(broker_url(settings)), "Redis")
        yield
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def _workers(settings: "Settings", count: int) -> Iterator[None]:
    from resources.services import worker_command

    logs = [settings.home / "logs" / f"worker-{count}-{number}.log" for number in range(count)]
    workers = []
    try:
        for path in logs:
            with path.open("wb") as log:
                command = worker_command(Queue.PREDICT)
                environment = _environment(settings, "celery")
                workers.append(subprocess.Popen(command, stdout=log, stderr=log, env=environment))
        _await(lambda: all(b" ready." in path.read_bytes() for path in logs), "A worker")
        yield
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.wait()


def _await(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise CatalystError(f"{what} does not start.")
        time.sleep(0.1)
