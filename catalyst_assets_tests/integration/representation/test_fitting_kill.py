"""Kill -9 in the middle of a training: the next run goes on where it was and ends where an undisturbed one does."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catalyst_assets_tests.integration.representation.fit_process import SETTINGS, fit
from catalyst_assets_tests.places import PROJECT


def start(folder: Path, seconds_per_step: float) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "catalyst_assets_tests.integration.representation.fit_process",
        str(folder),
    ]
    return subprocess.Popen(
        [*command, str(seconds_per_step)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
    )


def kill_in_the_middle_of(process: subprocess.Popen[str], epoch: int, step: int) -> None:
    """Kill -9 when the given step of an epoch begins."""
    assert process.stdout is not None
    steps = 0
    for line in process.stdout:
        steps += json.loads(line).get("epoch") == epoch
        if steps == step:
            break
    assert process.poll() is None, "it was done before it could be killed"
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()


def finish(process: subprocess.Popen[str]) -> tuple[list[int], dict[str, Any]]:
    """Return the epochs whose steps were computed, and the result."""
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    *steps, result = [json.loads(line) for line in output.splitlines()]
    return sorted({step["epoch"] for step in steps}), result


@pytest.mark.slow
def test_a_training_killed_twice_ends_where_an_undisturbed_one_does(tmp_path: Path) -> None:
    undisturbed: dict[str, Any] = fit(tmp_path / "undisturbed")
    n_epochs = len(undisturbed["told"])
    assert 7 < n_epochs <= SETTINGS.max_epochs
    folder = tmp_path / "killed"
    kill_in_the_middle_of(start(folder, 0.05), epoch=3, step=2)
    (checkpoint,) = folder.glob("*/last.ckpt")
    # What a kill in the middle of writing leaves beside the whole file.
    checkpoint.with_name("last.ckpt.partial").write_bytes(checkpoint.read_bytes()[:1000])
    kill_in_the_middle_of(start(folder, 0.05), epoch=6, step=1)
    computed, resumed = finish(start(folder, 0.0))
    assert computed == list(range(6, n_epochs))
    assert resumed["told"] == list(range(n_epochs)), "the caller's record of the curve has a gap"
    assert resumed["best_epoch"] == undisturbed["best_epoch"]
    assert set(resumed["curves"]) == set(undisturbed["curves"])
    for name, points in undisturbed["curves"].items():
        assert np.allclose(resumed["curves"][name], points, rtol=1e-5, atol=1e-5), name
    for name in ("centers", "spreads"):
        assert np.allclose(resumed[name], undisturbed[name], rtol=1e-5, atol=1e-5), name


def test_a_training_that_had_ended_is_not_trained_further(tmp_path: Path) -> None:
    first: dict[str, Any] = fit(tmp_path)
    again: dict[str, Any] = fit(tmp_path)
    assert again["told"] == first["told"]
    assert again["sha256"] == first["sha256"]


@pytest.mark.parametrize("spoiled", [b"", b"no checkpoint", None])
def test_a_spoiled_checkpoint_is_not_gone_on_from(tmp_path: Path, spoiled: bytes | None) -> None:
    first: dict[str, Any] = fit(tmp_path)
    (checkpoint,) = tmp_path.glob("*/last.ckpt")
    whole = checkpoint.read_bytes()
    checkpoint.write_bytes(whole[: len(whole) // 2] if spoiled is None else spoiled)
    again: dict[str, Any] = fit(tmp_path)
    assert again["told"] == first["told"]
    assert again["sha256"] == first["sha256"]
