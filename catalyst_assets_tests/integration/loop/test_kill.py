"""A loop that is killed anywhere goes on to the same end."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
import sqlalchemy as sa

from resources.postgres.connection import connect
from resources.postgres.database import Role
from resources.settings import load_settings

# Everything the loop leaves behind, without identities, clocks and run ids.
FINAL_STATE = {
    "campaigns": "SELECT name, sha256, status, stop_reason FROM campaigns",
    "test set": "SELECT campaign, material_id FROM campaign_test_set",
    "materials": "SELECT material_id, structure_hash, properties FROM materials",
    "sources": "SELECT source, source_id, material_id, raw_sha256 FROM material_sources",
    "raw files": "SELECT source, url, sha256, parse_status FROM raw_files",
    "quarantine": "SELECT source, record, raw_sha256, reason FROM quarantine",
    "answers": "SELECT source, material_id, property, method, value FROM reference_values",
    "iterations": "SELECT partition_key, parent, status, label_count, label_sha256, training_set_sha256, "
    "model_sha256 FROM active_learning_runs",
    "labels": "SELECT partition_key, material_id, property, method, value, origin FROM iteration_labels",
    "versions": "SELECT partition_key, model_sha256, pool_sha256, status FROM prediction_versions",
    "predictions": "SELECT v.partition_key, p.material_id, p.mean, p.std, md5(p.draws) "
    "FROM predictions p JOIN prediction_versions v USING (version)",
    "rankings": "SELECT partition_key, strategy, seed, label_sha256, features_sha256, ranking_sha256 FROM rankings",
    "candidates": "SELECT partition_key, material_id, rank, acquisition, feasibility, status FROM candidates",
    "events": "SELECT c.partition_key, c.material_id, e.from_status, e.to_status, e.actor, e.reason "
    "FROM candidate_events e JOIN candidates c USING (candidate_id)",
    "results": "SELECT partition_key, material_id, property, method, outcome, value FROM validation_results",
}


def run_loop(home: Path, kill_at: int | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "catalyst_assets_tests.integration.loop.loop_process", str(home)]
    return subprocess.run(
        command + ([str(kill_at)] if kill_at is not None else []),
        capture_output=True, text=True, check=False, env=os.environ | {"OMP_NUM_THREADS": "1"}, timeout=300,
    )  # fmt: skip


def final_state(home: Path) -> dict[str, list[Any]]:
    with connect(load_settings(home=home)) as database, database.transaction(Role.OWNER) as connection:
        return {
            name: sorted(map(repr, connection.execute(sa.text(query)).tuples()))
            for name, query in FINAL_STATE.items()
        }


def processes_of(home: Path) -> list[str]:
    return [
        " ".join(process.info["cmdline"])
        for process in psutil.process_iter(["cmdline"])
        if str(home) in " ".join(process.info["cmdline"] or [])
    ]


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("wanted", [3, pytest.param(10, marks=pytest.mark.long)])
def test_a_loop_killed_at_random_points_ends_like_an_undisturbed_one(tmp_path: Path, wanted: int) -> None:
    calm, stormy = tmp_path / "calm", tmp_path / "stormy"
    undisturbed = run_loop(calm)
    assert undisturbed.returncode == 0, undisturbed.stderr[-3000:]
    statements = int(undisturbed.stdout.split()[-1])

    # Any seed will do; a fixed one makes a failure repeatable.
    points = random.Random(20261124)
    kills = 0
    while kills < wanted:
        # An early bias, for a process that is let run to its end leaves nothing to kill.
        outcome = run_loop(stormy, kill_at=points.randint(1, statements // 4))
        if outcome.returncode == 0:
            break
        assert outcome.returncode == -signal.SIGKILL, outcome.stderr[-3000:]
        kills += 1
    assert kills == wanted, f"only {kills} kills before the loop was done"
    resumed = run_loop(stormy)
    assert resumed.returncode == 0, resumed.stderr[-3000:]

    expected, found = final_state(calm), final_state(stormy)
    for name, rows in expected.items():
        assert found[name] == rows, f"{name} differ"
    assert expected["results"]

    deadline = time.monotonic() + 30
    while processes_of(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert processes_of(tmp_path) == []
