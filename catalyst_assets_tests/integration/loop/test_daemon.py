"""A real Dagster daemon drives the loop through the sensor, with no hand of ours in it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import dagster as dg
import pytest

from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.commands.driver import LoopDriver
from catalyst_assets.loop.campaigns import start_campaign
from catalyst_assets.loop.jobs import PREPARATION_JOB
from catalyst_assets_tests.integration.loop.loop_process import CAMPAIGN
from resources.dagster_instance import prepare_dagster_home
from resources.paths import project_file
from resources.platform import Platform
from resources.postgres.connection import connect
from resources.postgres.database import Database, Role, Row, fetch_all, fetch_one
from resources.runs.process import names_process_here
from resources.settings import get_settings, load_settings

_PATIENCE_SECONDS = 480


def wait_until_finished(database: Database, daemon: "subprocess.Popen[bytes]", name: str) -> Row:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        assert daemon.poll() is None, "the daemon ended"
        with database.transaction(Role.PIPELINE) as connection:
            row = fetch_one(connection, "campaigns/one", name=name)
        if row is not None and row["status"] == "finished":
            return row
        time.sleep(1)
    pytest.fail(f"the campaign did not finish in {_PATIENCE_SECONDS} s")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_daemon_drives_a_campaign_of_three_iterations_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load_settings(home=tmp_path / "home", loop_interval_seconds=1)
    goal = Campaign.model_validate(CAMPAIGN.document | {"name": "by-daemon"})
    with connect(settings, upgrade=True) as database:
        for name, value in prepare_dagster_home(settings, database).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("OMP_NUM_THREADS", "1")
        get_settings.cache_clear()
        with dg.DagsterInstance.get() as instance:
            LoopDriver(Platform(settings, database), instance).execute(PREPARATION_JOB)
            start_campaign(database, goal)
            log = (tmp_path / "daemon.log").open("wb")
            daemon = subprocess.Popen(
                [sys.executable, "-m", "resources.runs.daemon", "-w", project_file("workspace.yaml")],
                stdout=log, stderr=log, cwd=tmp_path, env=os.environ.copy(),
            )  # fmt: skip
            try:
                finished = wait_until_finished(database, daemon, goal.name)
            finally:
                daemon.terminate()
                daemon.wait(60)
                log.close()
                if sys.exc_info()[0] is not None:
                    print((tmp_path / "daemon.log").read_text(errors="replace")[-5000:])
            runs = [
                (run.tags["dagster/partition"], run.job_name, run.status)
                for run in instance.get_runs()
                if run.tags.get("catalyst/campaign") == goal.name
            ]
            forked = [names_process_here(run.tags) for run in instance.get_runs()]
            keys = list(instance.get_dynamic_partitions("al_iteration"))
        with database.transaction(Role.PIPELINE) as connection:
            iterations = fetch_all(connection, "loop/iterations", campaign=goal.name)

    assert finished["stop_reason"] == "all 3 iterations done"
    assert all(forked), "a run was not forked from the warm process"
    expected = [f"by-daemon__{index:04d}" for index in range(3)]
    assert keys == expected
    assert [(row["partition_key"], row["status"]) for row in iterations] == [
        (key, "closed") for key in expected
    ]
    assert [row["n_answered"] for row in iterations] == [8, 6, 6]
    assert iterations[2]["label_count"] > iterations[1]["label_count"] > 0
    assert sorted(runs) == sorted(
        (key, job, dg.DagsterRunStatus.SUCCESS) for key in expected for job in ("iteration", "validation")
    )
