"""A worker of the queue `gpu` has a child a device; the devices need not be there for that."""

import json
import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from catalyst_assets.constants import FINE_TUNES_TAG, Queue, Work, op_tags
from catalyst_assets_tests.integration.distributed.workers import farm
from resources.distributed.executor import queue_of
from resources.settings import Settings, load_settings

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
        children = {child.pid for child in workers.children_of("gpu")}
        assert (len(children), len(workers.children_of("predict"))) == (2, 1)
        subprocess.run(
            [sys.executable, "-m", "catalyst_assets_tests.integration.distributed.leasing_job", str(notes)],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
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


@pytest.mark.parametrize(
    ("work", "fine_tunes", "visible", "queue"),
    [
        (Work.EMBED, False, "GPU-aa", "gpu"),
        (Work.EMBED, False, "", "predict"),
        (Work.TRAIN, True, "GPU-aa", "gpu"),
        (Work.TRAIN, False, "GPU-aa", "predict"),
        (Work.PREDICT, True, "GPU-aa", "gpu"),
        (Work.PREDICT, False, "GPU-aa", "predict"),
        (Work.RANK, True, "GPU-aa", "predict"),
        (Work.BACKBONE, False, "", "gpu"),
    ],
)
def test_what_gains_from_a_gpu_goes_to_its_queue_where_there_is_one(
    work: Work, fine_tunes: bool, visible: str, queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    run_tags = {FINE_TUNES_TAG: "true"} if fine_tunes else {}
    assert queue_of(op_tags(work), run_tags, load_settings()) == queue
    if queue == "gpu" and work is not Work.BACKBONE:
        assert queue_of(op_tags(work), run_tags, load_settings(accelerator="cpu")) == "predict"
