"""A loop that is killed anywhere goes on to the same end."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from catalyst_assets.bench.chaos.campaign import final_state
from catalyst_assets.bench.chaos.machine import leftovers


def run_loop(home: Path, kill_at: int | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "catalyst_assets_tests.integration.loop.loop_process", str(home)]
    return subprocess.run(
        command + ([str(kill_at)] if kill_at is not None else []),
        capture_output=True, text=True, check=False, env=os.environ | {"OMP_NUM_THREADS": "1"}, timeout=300,
    )  # fmt: skip


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

    assert leftovers([tmp_path]) == []
