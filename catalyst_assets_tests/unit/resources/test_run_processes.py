"""Runs are found again by the process that executes them, and end when they are asked to."""

import signal
import subprocess
import sys
from collections.abc import Iterator

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test

from resources.runs.ended import standing_of
from resources.runs.heartbeat import Standing
from resources.runs.process import HOST_TAG, PROCESS_STARTED_TAG, interrupt, names_process_here, process_tags


@pytest.fixture
def sleeper() -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process
    process.kill()
    process.wait()


def test_the_process_that_tags_name_is_interrupted(sleeper: "subprocess.Popen[bytes]") -> None:
    tags = process_tags(sleeper.pid)

    assert names_process_here(tags)
    assert interrupt(tags)
    assert sleeper.wait(30) == -signal.SIGTERM
    assert not interrupt(tags)


@pytest.mark.parametrize("other", [{HOST_TAG: "elsewhere"}, {PROCESS_STARTED_TAG: "12.5"}])
def test_a_process_elsewhere_or_of_another_time_is_left_alone(
    sleeper: "subprocess.Popen[bytes]", other: dict[str, str]
) -> None:
    assert not interrupt(process_tags(sleeper.pid) | other)
    assert sleeper.poll() is None


def test_a_run_without_tags_names_no_process() -> None:
    assert not names_process_here({})
    assert not interrupt({})


def test_a_run_of_another_host_is_asked_to_end_and_finds_that_out_itself() -> None:
    launcher = {"module": "resources.runs.launcher", "class": "WarmRunLauncher"}
    with dg.instance_for_test(overrides={"run_launcher": launcher}) as instance:
        tags = process_tags() | {HOST_TAG: "elsewhere"}
        run = create_run_for_test(
            instance, job_name="iteration", status=dg.DagsterRunStatus.STARTED, tags=tags
        )
        look = standing_of(instance, run.run_id)
        assert look() is Standing.GOING
        assert instance.run_launcher.terminate(run.run_id)
        assert look() is Standing.ASKED_TO_END
        instance.report_run_canceled(run)
        assert look() is Standing.ENDED
