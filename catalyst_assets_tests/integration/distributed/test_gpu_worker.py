"""A worker of the queue `gpu` has a child a device; the devices need not be there for that."""

import json
import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import psutil
import pytest

from catalyst_assets.constants import Queue
from catalyst_assets_tests.integration.distributed.workers import farm
from resources.settings import Settings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def test_children_of_a_gpu_worker_keep_a_device_each_and_other_workers_see_none(
    dagster_instance: dg.DagsterInstance,
    celery_settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-aa,GPU-bb")
    monkeypatch.setenv("CATALYST_DEVICE_LOCKS", str(tmp_path / "locks"))
    notes = tmp_path / "notes"
    notes.mkdir()
    with farm(celery_settings, tmp_path, (Queue.GPU, Queue.PREDICT)) as workers:
        children = {child.pid for child in psutil.Process(workers.workers["gpu"].pid).children()}
        assert (len(children), len(psutil.Process(workers.workers["predict"].pid).children())) == (2, 1)
        subprocess.run(
            [sys.executable, "-m", "catalyst_assets_tests.integration.distributed.leasing_job", str(notes)],
            # The run's own host has none: it hears of them from the worker.
            env=os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
            check=True,
        )
    (run,) = dagster_instance.get_runs(limit=1)
    assert run.status is dg.DagsterRunStatus.SUCCESS
    assert (notes / "seen_beside").read_text() == ""
    told = [json.loads(path.read_text()) for path in notes.glob("*.json")]
    assert len(told) == 4
    assert {note["pid"] for note in told} == children
    assert {(note["visible"], *note["names"]) for note in told} == {
        ("GPU-aa", "GPU-aa"),
        ("GPU-bb", "GPU-bb"),
    }
    assert len({(note["pid"], note["visible"]) for note in told}) == 2
