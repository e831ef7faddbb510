"""Real Dagster daemons, two of them, drive the loop through the sensor, with no hand of ours in it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa

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
from resources.runs.attempts import UNFINISHED
from resources.runs.process import names_process_here
from resources.settings import get_settings, load_settings

_PATIENCE_SECONDS = 480


# A compound that is not in the campaign's pool.
_FOREIGN = "perovskite_pbe:AgNbO3"


def wait_until(what: Callable[[], Row | None], daemons: "list[subprocess.Popen[bytes]]") -> Row:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        assert all(daemon.poll() is None for daemon in daemons), "a daemon ended"
        row = what()
        if row is not None:
            return row
        time.sleep(0.5)
    pytest.fail(f"it did not come in {_PATIENCE_SECONDS} s")


def measure_by_hand(database: Database) -> None:
    """Write a result straight into the table, which no iteration asked for."""
    with database.transaction(Role.VALIDATOR) as connection:
        connection.execute(
            sa.text(
                "INSERT INTO validation_results (material_id, property, method, outcome, value, unit, validator)"
                " VALUES (:material, 'band_gap_direct', 'PBE', 'measured', 1.5, 'eV', 'laboratory')"
            ),
            {"material": _FOREIGN},
        )


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_daemons_drive_a_campaign_of_three_iterations_to_its_end_as_one_would(
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
            daemons = [
                subprocess.Popen(
                    [sys.executable, "-m", "resources.runs.daemon", "-w", project_file("workspace.yaml")],
                    stdout=log, stderr=log, cwd=tmp_path, env=os.environ.copy(),
                )
                for _ in range(2)
            ]  # fmt: skip

            def iterations() -> list[Row]:
                with database.transaction(Role.PIPELINE) as connection:
                    return fetch_all(connection, "loop/iterations", campaign=goal.name)

            def finished_campaign() -> Row | None:
                with database.transaction(Role.PIPELINE) as connection:
                    row = fetch_one(connection, "campaigns/one", name=goal.name)
                # The run that finishes a campaign ends after it.
                if row is None or row["status"] != "finished":
                    return None
                return None if instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)) else row

            try:
                wait_until(lambda: next(iter(iterations()[1:]), None), daemons)
                measure_by_hand(database)
                finished = wait_until(finished_campaign, daemons)
            finally:
                for daemon in daemons:
                    daemon.terminate()
                for daemon in daemons:
                    daemon.wait(60)
                log.close()
                if sys.exc_info()[0] is not None:
                    print((tmp_path / "daemon.log").read_text(errors="replace")[-5000:])
            runs = [
                (run.tags["dagster/partition"], run.job_name, run.status.value)
                for run in instance.get_runs()
                if run.tags.get("catalyst/campaign") == goal.name
            ]
            forked = [names_process_here(run.tags) for run in instance.get_runs()]
            keys = list(instance.get_dynamic_partitions("al_iteration"))
        turns = iterations()
        with database.transaction(Role.PIPELINE) as connection:
            known = [
                {
                    row["material_id"]
                    for row in fetch_all(connection, "loop/iteration_labels", partition_key=key)
                }
                for key in keys
            ]

    assert finished["stop_reason"] == "all 3 iterations done"
    assert [_FOREIGN in labelled for labelled in known] == [False, False, True]
    assert all(forked), "a run was not forked from the warm process"
    expected = [f"by-daemon__{index:04d}" for index in range(3)]
    assert keys == expected
    assert [(row["partition_key"], row["status"]) for row in turns] == [(key, "closed") for key in expected]
    assert [row["n_answered"] for row in turns] == [8, 6, 6]
    assert turns[2]["label_count"] > turns[1]["label_count"] > 0
    assert sorted(runs) == sorted(
        (key, job, "SUCCESS") for key in expected for job in ("iteration", "validation")
    )
