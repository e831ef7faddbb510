"""A Redis and workers of a test's own, as `catalyst up --executor celery` runs them."""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from catalyst_assets.constants import Queue
from catalyst_assets_tests.processes import eventually
from resources.distributed.broker import answers_ping, broker_url, own_redis, prepare_redis
from resources.services import worker_command
from resources.settings import Settings


def require_redis() -> None:
    if shutil.which("redis-server") is None:
        if os.environ.get("CI"):
            pytest.fail("redis-server is missing: install Debian's redis-server.")
        pytest.skip("redis-server is missing: install Debian's redis-server to run this.")


class Farm:
    """Redis and workers; each is killed and started again by hand."""

    def __init__(self, settings: Settings, logs: Path) -> None:
        self.settings = settings
        self._logs = logs
        self._redis: subprocess.Popen[bytes] | None = None
        self.workers: dict[str, subprocess.Popen[bytes]] = {}

    def start_redis(self) -> None:
        prepare_redis(self.settings)
        self._redis = self._start(own_redis(self.settings).command, "redis")
        assert eventually(lambda: answers_ping(broker_url(self.settings))), self.log("redis")

    def kill_redis(self) -> None:
        assert self._redis is not None
        self._redis.kill()
        self._redis.wait()

    def start_worker(self, queue: Queue, name: str | None = None, **variables: str) -> None:
        name = name or queue.value
        self.workers[name] = self._start(worker_command(queue), f"worker-{name}", variables)

    def await_workers(self) -> None:
        for name in self.workers:
            assert eventually(lambda name=name: " ready." in self.log(f"worker-{name}"), 60), self.log(
                f"worker-{name}"
            )

    def kill_worker(self, name: str) -> None:
        """Kill a worker with its children, as the end of its host would."""
        _kill_group(self.workers.pop(name))

    def log(self, name: str) -> str:
        return (self._logs / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def stop(self) -> None:
        for process in [*self.workers.values(), *([self._redis] if self._redis else [])]:
            _kill_group(process)

    def _start(
        self, command: tuple[str, ...], name: str, variables: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        with (self._logs / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                command, stdout=log, stderr=log, start_new_session=True,
                env=os.environ | {"OMP_NUM_THREADS": "1"} | (variables or {}),
            )  # fmt: skip


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextlib.contextmanager
def farm(settings: Settings, logs: Path, queues: tuple[Queue, ...]) -> Iterator[Farm]:
    """Redis and a worker a queue, which answer."""
    require_redis()
    made = Farm(settings, logs)
    try:
        made.start_redis()
        for queue in queues:
            made.start_worker(queue)
        made.await_workers()
        yield made
    finally:
        made.stop()
