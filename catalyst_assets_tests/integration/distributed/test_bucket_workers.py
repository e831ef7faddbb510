"""Workers of two hosts that have nothing in common but PostgreSQL, Redis and a bucket."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from catalyst_assets.constants import Queue
from catalyst_assets_tests.integration.distributed.workers import Farm
from catalyst_assets_tests.integration.s3_server import PREFIX, URL, keys_of
from resources.dagster_instance import prepare_dagster_home
from resources.distributed.broker import broker_url
from resources.settings import Settings, load_settings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
SHARDS = 2


@pytest.fixture(autouse=True)
def _on_a_bucket(bucket_client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CATALYST_OBJECT_STORE", URL)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a new home whose objects are in the bucket."""
    return load_settings(home=tmp_path / "home", object_store=URL)


def test_values_and_logs_of_steps_pass_between_hosts_through_the_bucket(
    dagster_instance: dg.DagsterInstance, workers: Farm, bucket_client: Any, tmp_path: Path
) -> None:
    workers.kill_worker("predict")
    home = load_settings(home=tmp_path / "other-home", database_url=os.environ["CATALYST_DATABASE_URL"])
    other = prepare_dagster_home(home) | {"CATALYST_REDIS_URL": broker_url(workers.settings)}
    workers.start_worker(Queue.PREDICT, "elsewhere", **other)
    workers.await_workers()

    program = "catalyst_assets_tests.integration.distributed.run_troubled"
    shards = json.dumps({"count": SHARDS, "folder": str(tmp_path)})
    done = subprocess.run([sys.executable, "-m", program, shards], check=False, timeout=90)
    assert done.returncode == 0

    (run,) = dagster_instance.get_runs(limit=1)
    stored = [key.removeprefix(f"{PREFIX}/") for key in keys_of(bucket_client)]
    assert [key for key in stored if key.startswith("shards/")] == ["shards/0", "shards/1"]
    assert len([key for key in stored if key.startswith(f"steps/{run.run_id}/")]) == 2 * SHARDS
    said = {}
    for entry in dagster_instance.all_logs(run.run_id):
        event = entry.dagster_event
        if event is not None and event.event_type is dg.DagsterEventType.LOGS_CAPTURED:
            captured = event.logs_captured_data
            log_key = [run.run_id, "compute_logs", captured.file_key]
            (step,) = captured.step_keys or ("",)
            said[step] = (dagster_instance.compute_log_manager.get_log_data(log_key).stderr or b"").decode()
    assert set(said) == {"cut", "do_shard[shard0]", "do_shard[shard1]", "settle"}
    assert all(f"{step} - STEP_SUCCESS" in text for step, text in said.items()), said
    assert "received" in workers.log("worker-elsewhere")
    assert not (tmp_path / "other-home" / "objects").exists()
