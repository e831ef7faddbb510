"""A run that was given up while its process slept writes nothing when it wakes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import psutil
import pytest
import sqlalchemy as sa

from catalyst_assets.commands.driver import LoopDriver
from catalyst_assets.loop.advance import Advance
from catalyst_assets.loop.campaigns import start_campaign
from catalyst_assets.loop.runs import reap_dead_runs
from catalyst_assets_tests.conftest import Template
from catalyst_assets_tests.integration.loop.loop_process import CAMPAIGN
from resources.platform import Platform
from resources.postgres.database import Database, Role, Sibling

_PATIENCE_SECONDS = 180
FIRST = f"{CAMPAIGN.name}__0000"


@pytest.fixture(scope="module")
def template(shipped_set: Template) -> Template:
    """The shipped set with its features."""
    return shipped_set


class _NextIterationError(Exception):
    pass


def finish_first_iteration(driver: LoopDriver) -> None:
    def watch(advance: Advance) -> None:
        if advance.request is not None and advance.request.partition_key != FIRST:
            raise _NextIterationError

    with pytest.raises(_NextIterationError):
        driver.drive(CAMPAIGN.name, on_advance=watch)


@contextmanager
def asleep(statement: str, parameter: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that drives the campaign and has stopped before a statement."""
    command = [sys.executable, "-m", "catalyst_assets_tests.integration.loop.sleeping_process"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, statement, parameter], stdout=output, stderr=output,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )  # fmt: skip
    try:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while psutil.Process(process.pid).status() != psutil.STATUS_STOPPED:
            assert process.poll() is None, log.read_text()[-3000:]
            assert time.monotonic() < deadline, "it did not come to that statement"
            time.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.wait()


def dump(database: Database, *siblings: Sibling) -> dict[str, list[str]]:
    """Return every row of every table."""
    urls = [database.url(Role.OWNER), *map(database.sibling_url, siblings)]
    rows = {}
    for url in urls:
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        with engine.connect() as connection:
            for name in sa.inspect(connection).get_table_names():
                found = connection.execute(sa.text(f'SELECT t::text FROM "{name}" t')).scalars()  # noqa: S608
                rows[name] = sorted(found)
    return rows


def only_run(instance: dg.DagsterInstance, status: dg.DagsterRunStatus) -> dg.DagsterRun:
    (run,) = instance.get_runs(dg.RunsFilter(statuses=[status]))
    return run


def promoted(instance: dg.DagsterInstance, run: dg.DagsterRun) -> list[Any]:
    return instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("own_environment", "_mlflow_tables")
@pytest.mark.parametrize(
    ("statement", "parameter"),
    [("promote_prediction_version", ""), ("INSERT INTO event_logs", "'ASSET_MATERIALIZATION'")],
    ids=["in a transaction", "between transactions"],
)
def test_a_reaped_run_that_wakes_writes_nothing(
    dagster_instance: dg.DagsterInstance, platform: Platform, tmp_path: Path, statement: str, parameter: str
) -> None:
    database, log = platform.database, tmp_path / "sleeper.log"
    start_campaign(database, CAMPAIGN)
    database.sibling_url(Sibling.MLFLOW)  # made now, not by the other process
    with asleep(statement, parameter, log) as sleeper:
        run = only_run(dagster_instance, dg.DagsterRunStatus.STARTED)
        assert reap_dead_runs(dagster_instance, database, silence=timedelta(0)) == [run.run_id]
        finish_first_iteration(LoopDriver(platform, dagster_instance))
        known, seen = dump(database, Sibling.MLFLOW), promoted(dagster_instance, run)
        assert known["active_learning_runs"]

        sleeper.send_signal(signal.SIGCONT)
        assert sleeper.wait(_PATIENCE_SECONDS) != 0, log.read_text()
        assert "given up" in log.read_text() or "has ended" in log.read_text()

    assert dump(database, Sibling.MLFLOW) == known
    assert promoted(dagster_instance, run) == seen
    ended = dagster_instance.get_run_by_id(run.run_id)
    assert ended is not None
    assert ended.status is dg.DagsterRunStatus.FAILURE
