"""What happens to a run under Celery when what it needs fails: it ends right, or says why it did not."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import psutil
import pytest
import sqlalchemy as sa
from dagster._core.events import DagsterEventType

from catalyst_assets.constants import Queue
from catalyst_assets.loop.runs import reap_dead_runs
from catalyst_assets_tests.integration.distributed.workers import Farm
from catalyst_assets_tests.integration.loop.test_fencing import dump
from catalyst_assets_tests.processes import eventually
from resources.dagster_instance import prepare_dagster_home
from resources.distributed.broker import broker_url
from resources.distributed.leases import find_leases
from resources.platform import Platform
from resources.postgres.connection import process_database
from resources.postgres.database import Role
from resources.settings import Settings, get_settings, load_settings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
SHARDS = 4


class _Run:
    """A run of the job in a process of its own."""

    def __init__(self, instance: dg.DagsterInstance, folder: Path, **trouble: int) -> None:
        self.folder = folder
        self._instance = instance
        shards = {"count": SHARDS, "folder": str(folder), **trouble}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "catalyst_assets_tests.integration.distributed.run_troubled", json.dumps(shards)],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )  # fmt: skip

    def await_end(self, seconds: float = 60.0) -> tuple[bool, list[Any]]:
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            pytest.fail("the run hangs")
        (run,) = self._instance.get_runs(limit=1)
        logged = self._instance.all_logs(run.run_id)
        events = [entry.dagster_event for entry in logged if entry.dagster_event is not None]
        return run.status is dg.DagsterRunStatus.SUCCESS, events

    def times(self, what: str, index: int) -> int:
        path = self.folder / f"{what}-{index}"
        return len(path.read_text().split()) if path.exists() else 0


def printed(instance: dg.DagsterInstance) -> list[str]:
    """Return the lines that steps of the last run printed, as Dagster kept them."""
    (run,) = instance.get_runs(limit=1)
    captured = instance.all_logs(run.run_id, of_type=DagsterEventType.LOGS_CAPTURED)
    events = [entry.dagster_event for entry in captured if entry.dagster_event is not None]
    keys = [[run.run_id, "compute_logs", event.logs_captured_data.file_key] for event in events]
    logs = [instance.compute_log_manager.get_log_data(key) for key in keys]
    return [line for log in logs for line in (log.stdout or b"").decode().splitlines()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "noted"
    made.mkdir()
    return made


def test_shards_go_to_the_workers_of_their_queues(
    dagster_instance: dg.DagsterInstance, workers: Farm, folder: Path
) -> None:
    run = _Run(dagster_instance, folder)
    success, _ = run.await_end()
    assert success
    assert [run.times("done", index) for index in range(SHARDS)] == [1] * SHARDS
    assert sorted(printed(dagster_instance)) == [f"shard {index} is done" for index in range(SHARDS)]
    assert workers.log("worker-predict").count("received") == SHARDS
    assert workers.log("worker-ingest").count("received") == 2


def test_a_worker_with_another_home_shares_database_redis_and_object_store(
    dagster_instance: dg.DagsterInstance, workers: Farm, folder: Path, platform: Platform, tmp_path: Path
) -> None:
    workers.kill_worker("predict")
    home = load_settings(home=tmp_path / "other-home", database_url=os.environ["CATALYST_DATABASE_URL"])
    other = prepare_dagster_home(home) | {
        "CATALYST_REDIS_URL": broker_url(workers.settings),
        "CATALYST_OBJECT_STORE": platform.objects.url,
    }
    workers.start_worker(Queue.PREDICT, "elsewhere", **other)
    run = _Run(dagster_instance, folder)
    _ends_right(run)
    assert workers.log("worker-elsewhere").count("received") == SHARDS
    assert platform.objects.get_bytes("shards/3") == b"done"
    assert not (home.home / "objects").exists()


def _takes(instance_settings: Settings, step_key: str) -> int:
    database = process_database(instance_settings)
    with database.transaction(Role.PIPELINE) as connection:
        (row,) = connection.execute(
            sa.text("SELECT takes, ended_at FROM step_leases WHERE step_key = :key"), {"key": step_key}
        )
    assert row.ended_at is not None
    return int(row.takes)


def _ends_right(run: _Run) -> None:
    success, events = run.await_end()
    assert success
    assert [run.times("done", index) for index in range(SHARDS)] == [1] * SHARDS
    ended = [event.step_key for event in events if event.is_step_success]
    assert sorted(ended) == sorted(["cut", "settle", *(f"do_shard[shard{index}]" for index in range(SHARDS))])


def test_a_shard_whose_process_is_killed_is_done_again_once(
    dagster_instance: dg.DagsterInstance, workers: Farm, folder: Path
) -> None:
    run = _Run(dagster_instance, folder, wait_at=1)
    assert eventually(lambda: run.times("began", 1) == 1)
    psutil.Process(int((folder / "began-1").read_text())).kill()
    assert eventually(lambda: run.times("began", 1) == 2)
    (folder / "go").touch()
    _ends_right(run)
    assert _takes(workers.settings, "do_shard[shard1]") == 2
    assert [run.times("began", index) for index in range(SHARDS)] == [1, 2, 1, 1]


def test_the_shard_of_a_killed_worker_is_done_by_the_next(
    dagster_instance: dg.DagsterInstance, workers: Farm, folder: Path
) -> None:
    run = _Run(dagster_instance, folder, wait_at=1)
    assert eventually(lambda: run.times("began", 1) == 1)
    workers.kill_worker("predict")
    workers.start_worker(Queue.PREDICT)
    assert eventually(lambda: run.times("began", 1) == 2)
    (folder / "go").touch()
    _ends_right(run)
    assert _takes(workers.settings, "do_shard[shard1]") == 2


def test_a_stopped_child_whose_shard_another_has_done_writes_nothing_when_it_goes_on(
    dagster_instance: dg.DagsterInstance, workers: Farm, folder: Path, platform: Platform
) -> None:
    run = _Run(dagster_instance, folder, wait_at=1)
    assert eventually(lambda: run.times("began", 1) == 1)
    sleeper = psutil.Process(int((folder / "began-1").read_text()))
    sleeper.suspend()
    workers.start_worker(Queue.PREDICT, "second")
    assert eventually(lambda: run.times("began", 1) == 2, 30)
    (folder / "go").touch()
    _ends_right(run)
    known = dump(platform.database)

    sleeper.resume()
    sleeper.wait(30)
    assert run.times("done", 1) == 1
    assert dump(platform.database) == known


def test_redis_may_be_killed_and_started_again(
    dagster_instance: dg.DagsterInstance, workers: Farm, folder: Path
) -> None:
    run = _Run(dagster_instance, folder, wait_at=1)
    assert eventually(lambda: run.times("began", 1) == 1)
    workers.kill_redis()
    time.sleep(2.0)
    (folder / "go").touch()
    workers.start_redis()
    _ends_right(run)


def test_a_step_is_handed_over_once_redis_is_back(
    dagster_instance: dg.DagsterInstance, workers: Farm, folder: Path
) -> None:
    run = _Run(dagster_instance, folder, count=1, wait_at=0)
    assert eventually(lambda: run.times("began", 0) == 1)
    workers.kill_redis()
    (folder / "go").touch()
    assert eventually(lambda: run.times("done", 0) == 1)
    time.sleep(3.0)
    workers.start_redis()
    success, _ = run.await_end()
    assert success


def test_a_shard_that_always_fails_fails_its_run_with_the_reason(
    dagster_instance: dg.DagsterInstance, workers: Farm, folder: Path
) -> None:
    run = _Run(dagster_instance, folder, fail_at=2)
    success, events = run.await_end()
    assert not success
    assert any(
        "this shard cannot be done" in str(event.event_specific_data)
        for event in events
        if event.is_step_failure
    )
    assert run.times("began", 2) == 1


def test_a_shard_that_ends_its_process_is_not_tried_for_ever(
    dagster_instance: dg.DagsterInstance, workers: Farm, folder: Path
) -> None:
    run = _Run(dagster_instance, folder, die_at=2)
    success, events = run.await_end()
    assert not success
    (failed,) = [event for event in events if event.is_step_failure]
    assert "tried 3 times" in str(failed.event_specific_data)
    assert run.times("began", 2) == 3


def test_a_run_that_a_person_ends_ends_its_steps(
    dagster_instance: dg.DagsterInstance, workers: Farm, folder: Path
) -> None:
    run = _Run(dagster_instance, folder, wait_at=1)
    assert eventually(lambda: run.times("began", 1) == 1)
    (started,) = dagster_instance.get_runs(limit=1)
    dagster_instance.report_run_canceling(started)
    run.process.send_signal(signal.SIGINT)
    run.await_end()
    ended = dagster_instance.get_run_by_id(started.run_id)
    assert ended is not None
    assert ended.status is dg.DagsterRunStatus.CANCELED
    database = process_database(workers.settings)
    assert eventually(
        lambda: not any(lease["holder"] for lease in find_leases(database, started.run_id).values())
    )
    (folder / "go").touch()
    # The worker does the next run's steps, and nothing of the one that was ended.
    again = folder / "again"
    again.mkdir()
    _ends_right(_Run(dagster_instance, again))
    assert (run.times("began", 1), run.times("done", 1)) == (1, 0)


def test_a_queue_that_nobody_serves_fails_the_run_with_the_reason(
    dagster_instance: dg.DagsterInstance, workers: Farm, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CATALYST_WORKER_PATIENCE", "PT6S")
    get_settings.cache_clear()
    workers.kill_worker("predict")
    run = _Run(dagster_instance, folder)
    success, events = run.await_end()
    assert not success
    assert "no worker takes from the queue predict" in " ".join(
        str(event.event_specific_data) for event in events if event.is_step_failure
    )


def test_a_stopped_run_that_was_given_up_writes_nothing_when_it_goes_on(
    dagster_instance: dg.DagsterInstance, workers: Farm, folder: Path, platform: Platform, tmp_path: Path
) -> None:
    database = platform.database
    sleeper = _Run(dagster_instance, folder, wait_at=1)
    assert eventually(lambda: sleeper.times("began", 1) == 1)
    (run,) = dagster_instance.get_runs(limit=1)
    sleeper.process.send_signal(signal.SIGSTOP)
    assert eventually(
        lambda: reap_dead_runs(dagster_instance, database, silence=timedelta(seconds=2)) == [run.run_id]
    )
    # The worker's process ends with its run's claim; another run does the work in the meantime.
    again = tmp_path / "again"
    again.mkdir()
    success, _ = _Run(dagster_instance, again).await_end()
    assert success
    known = dump(database)

    (folder / "go").touch()
    sleeper.process.send_signal(signal.SIGCONT)
    assert sleeper.process.wait(60) != 0
    assert sleeper.times("done", 1) == 0
    assert dump(database) == known
    status = dagster_instance.get_run_by_id(run.run_id)
    assert status is not None
    assert status.status is dg.DagsterRunStatus.FAILURE
