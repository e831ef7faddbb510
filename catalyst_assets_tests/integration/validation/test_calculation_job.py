"""The Dagster job `calculation`: what it tells, that it goes on after a restart, that ending it ends the calculation."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from catalyst_assets.commands.driver import LoopDriver
from catalyst_assets.constants import CALCULATION_TAG
from catalyst_assets.loop.calculations import calculations_to_follow
from catalyst_assets.validation.jobs.dagster_job import CALCULATION_JOB, calculation_job
from catalyst_assets_tests.conftest import Template, prepared_template
from catalyst_assets_tests.integration.validation import calculations as on
from catalyst_assets_tests.processes import eventually
from resources.platform import Platform
from resources.postgres.connection import connect
from resources.postgres.embedded import EmbeddedPostgres
from resources.settings import load_settings


@pytest.fixture(scope="module")
def template(
    postgres_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Template]:
    """One crystal that nothing is known of."""
    with prepared_template(postgres_server, tmp_path_factory.mktemp("home"), on.add_crystal) as prepared:
        Path(prepared.objects or "").mkdir(parents=True, exist_ok=True)
        yield prepared


def execute(platform: Platform, instance: dg.DagsterInstance, job_id: str) -> str:
    """Follow a calculation as a run of Dagster in this process; return the run."""
    ops = {"calculate": {"config": {"job_id": job_id}}}
    return LoopDriver(platform, instance).execute(CALCULATION_JOB, ops=ops)


def test_a_run_tells_what_the_program_says_and_what_came_of_it(
    platform: Platform, dagster_instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    ours = on.with_program(
        platform,
        tmp_path,
        "print('attempt', n_starts, flush=True)\nif n_starts == 1: sys.exit(1)\n" + on.ANSWER,
    )
    job_id = on.submit(ours)
    (wanted,) = calculations_to_follow(ours, dagster_instance)
    assert (wanted.run_key, wanted.formula) == (f"calculation:{job_id}:1:0", "MgO")
    run_id = execute(ours, dagster_instance, job_id)
    assert calculations_to_follow(ours, dagster_instance) == []
    assert (on.job(ours, job_id).status, on.job(ours, job_id).run_id) == ("done", run_id)
    entries = dagster_instance.all_logs(run_id)
    said = [entry.user_message for entry in entries]
    assert "attempt 1" in said
    assert "attempt 2" in said
    assert any("runs as process" in message for message in said)
    assert not [
        message for message in said if "did not receive" in message or "unexpected message" in message
    ]
    (output,) = [e.dagster_event for e in entries if e.dagster_event and e.dagster_event.is_successful_output]
    told = output.event_specific_data.metadata
    assert (told["status"].value, told["attempt"].value) == ("done", 2)
    assert told["answers"].value["band_gap_direct"]["value"] == 7.8
    assert execute(ours, dagster_instance, job_id) != run_id  # it finds the calculation done
    assert len(on.started(ours, job_id)) == 2


def test_no_more_runs_are_wanted_than_there_is_room_for(
    platform: Platform, dagster_instance: dg.DagsterInstance
) -> None:
    roomy = Platform(platform.settings.model_copy(update={"dft_jobs": 2}), platform.database)
    names = [on.submit(platform, {"number": number}) for number in range(3)]
    assert [one.job_id for one in calculations_to_follow(platform, dagster_instance)] == names[:1]
    assert [one.job_id for one in calculations_to_follow(roomy, dagster_instance)] == names[:2]
    run = dagster_instance.create_run_for_job(
        calculation_job,
        run_config={"ops": {"calculate": {"config": {"job_id": names[0]}}}},
        tags={CALCULATION_TAG: names[0]},
        status=dg.DagsterRunStatus.STARTED,
    )
    assert calculations_to_follow(platform, dagster_instance) == []
    assert [one.job_id for one in calculations_to_follow(roomy, dagster_instance)] == names[1:2]
    dagster_instance.report_run_failed(run)  # not at once again, and others meanwhile
    assert [one.job_id for one in calculations_to_follow(platform, dagster_instance)] == names[1:2]
    dagster_instance.add_run_tags(run.run_id, {"catalyst/reaped": "true"})
    again = calculations_to_follow(platform, dagster_instance)
    assert [(one.job_id, one.n_runs) for one in again] == [(names[0], 1)]


def test_people_try_again_and_cancel_in_dagster_too(
    platform: Platform, dagster_instance: dg.DagsterInstance
) -> None:
    job_id = on.submit(platform)
    driver = LoopDriver(platform, dagster_instance)
    driver.execute(
        "validation_cancel", ops={"cancel": {"config": {"named": job_id, "reason": "the wrong phase"}}}
    )
    assert (on.job(platform, job_id).status, on.job(platform, job_id).reason) == (
        "cancelled",
        "the wrong phase (somebody in Dagster)",
    )
    driver.execute("validation_retry", ops={"retry": {"config": {"named": job_id[:8]}}})
    assert (on.job(platform, job_id).status, on.job(platform, job_id).attempt) == ("waiting", 3)


def test_ended_with_the_platform_it_goes_on_and_ended_in_dagster_it_is_cancelled(
    platform: Platform, dagster_instance: dg.DagsterInstance, own_environment: None, tmp_path: Path
) -> None:
    ours = on.with_program(platform, tmp_path, "wait()\n" + on.ANSWER)
    job_id = on.submit(ours)
    command = [sys.executable, "-m", __name__, str(ours.settings.validator_command), job_id]

    first = subprocess.Popen(command)
    assert eventually(lambda: on.job(ours, job_id).process.get("pid") is not None)
    first.send_signal(signal.SIGTERM)
    assert first.wait() != 0
    running = on.job(ours, job_id)
    assert running.status == "running"
    assert not on.is_gone(running.process["pid"])

    second = subprocess.Popen(command)
    assert eventually(lambda: on.job(ours, job_id).run_id != running.run_id)
    run = dagster_instance.get_run_by_id(str(on.job(ours, job_id).run_id))
    assert run is not None
    dagster_instance.report_run_canceling(run)
    second.send_signal(signal.SIGTERM)
    assert second.wait() != 0
    ended = on.job(ours, job_id)
    assert (ended.status, ended.reason) == ("cancelled", f"run {run.run_id[:8]} was ended in Dagster")
    assert on.is_gone(running.process["pid"])
    assert len(on.started(ours, job_id)) == 1
    assert on.is_gone(on.started(ours, job_id)[0])


def main(command: str, job_id: str) -> None:
    """Follow a calculation as a run in a process of its own, which a test ends."""
    settings = load_settings(home=os.environ["CATALYST_HOME"], validator_command=command)
    with connect(settings) as database, dg.DagsterInstance.get() as instance:
        execute(Platform(settings, database), instance, job_id)


if __name__ == "__main__":
    main(*sys.argv[1:])
