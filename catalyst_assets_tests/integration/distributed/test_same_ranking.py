"""A campaign whose steps are done by workers ends as one in a single process does, to the last bit."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from catalyst_assets.bench.chaos.campaign import final_state
from catalyst_assets.constants import Queue
from catalyst_assets_tests.integration.distributed.workers import farm, free_port, require_redis
from resources.postgres.connection import connect
from resources.services import WORKER_QUEUES
from resources.settings import get_settings, load_settings


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_rankings_from_workers_are_those_of_one_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_redis()
    monkeypatch.setenv("CATALYST_SHARD_SIZE", "16")
    together, apart = tmp_path / "together", tmp_path / "apart"
    _drive(together)

    monkeypatch.setenv("CATALYST_HOME", str(apart))
    monkeypatch.setenv("CATALYST_EXECUTOR", "celery")
    monkeypatch.setenv("CATALYST_REDIS_PORT", str(free_port()))
    monkeypatch.setenv("DAGSTER_HOME", str(apart / "dagster"))
    get_settings.cache_clear()
    settings = load_settings()
    with connect(settings, upgrade=True), farm(settings, tmp_path, WORKER_QUEUES) as workers:
        _drive(apart)
        assert "received" in workers.log(f"worker-{Queue.PREDICT}")
        assert "received" in workers.log(f"worker-{Queue.VALIDATE}")

    expected, found = final_state(together), final_state(apart)
    assert expected["candidates"]
    assert expected["predictions"]
    assert found == expected


def _drive(home: Path) -> None:
    outcome = subprocess.run(
        [sys.executable, "-m", "catalyst_assets_tests.integration.distributed.drive_celery"],
        capture_output=True, text=True, check=False, timeout=240,
        env=os.environ | {"OMP_NUM_THREADS": "1", "CATALYST_HOME": str(home)},
    )  # fmt: skip
    assert outcome.returncode == 0, outcome.stderr[-4000:]
