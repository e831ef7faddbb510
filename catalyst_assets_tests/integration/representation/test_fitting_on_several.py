"""A fit spread over devices by Lightning's DDP, here over two processes of the CPU: what it fits, and what ends it."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from catalyst_assets.representation.fitting.fit import fit_network
from catalyst_assets.representation.fitting.fitted import FittedNetwork
from catalyst_assets.representation.fitting.settings import FitError, FitSettings
from catalyst_assets_tests.fitted import split, tiny_backbone
from catalyst_assets_tests.processes import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(500)]

# Some batches are a single crystal, of which one of two processes gets nothing.
ALONE = FitSettings(
    max_epochs=4, max_edges_per_batch=400, hidden=16, learning_rate=1e-2, accelerator="cpu", patience=10
)
TOGETHER = replace(ALONE, devices=2)


def fit(folder: Path, settings: FitSettings, **options: object) -> FittedNetwork:
    backbone = tiny_backbone()
    return fit_network(backbone.network, backbone.config, *split(), settings, folder, **options)  # type: ignore[arg-type]


def assert_same(ours: FittedNetwork, theirs: FittedNetwork) -> None:
    """Weights, curves and the epoch that was kept are equal within rounding."""
    assert ours.best_epoch == theirs.best_epoch
    for part in ("network", "head"):
        weights = getattr(theirs, part).state_dict()
        for name, tensor in getattr(ours, part).state_dict().items():
            np.testing.assert_allclose(tensor, weights[name], rtol=2e-4, atol=2e-5, err_msg=name)
    assert ours.curves.keys() == theirs.curves.keys()
    for name, points in ours.curves.items():
        np.testing.assert_allclose(points, theirs.curves[name], rtol=1e-4, atol=1e-5, err_msg=name)


def ranks_of(process: psutil.Process) -> list[psutil.Process]:
    return [child for child in process.children() if "fitting.rank" in " ".join(child.cmdline())]


def test_two_processes_fit_what_one_does_also_after_one_was_killed(tmp_path: Path) -> None:
    told: list[int] = []

    def kill_one(epoch: int, metrics: Mapping[str, float]) -> None:
        told.append(epoch)
        if epoch == 1:
            ranks_of(psutil.Process())[1].kill()

    with pytest.raises(FitError, match=r"Process 2 of 2 of the training ended with status -9"):
        fit(tmp_path / "together", TOGETHER, on_epoch=kill_one)
    assert ranks_of(psutil.Process()) == []
    assert told[-1] < 3

    again: list[int] = []
    resumed = fit(tmp_path / "together", TOGETHER, on_epoch=lambda epoch, _: again.append(epoch))

    assert again == [0, 1, 2, 3]
    alone = fit(tmp_path / "alone", ALONE)
    assert_same(resumed, alone)
    start = tiny_backbone().network.state_dict()["embedding.weight"]
    assert not np.allclose(alone.network.state_dict()["embedding.weight"], start, rtol=1e-2)
    # One device goes on from what two have done: there is nothing left to do.
    assert_same(fit(tmp_path / "together", ALONE), alone)


@pytest.mark.parametrize("depth", ["head_only", "last_layers"])
def test_parts_of_a_network_are_fitted_together_too(tmp_path: Path, depth: str) -> None:
    few = replace(TOGETHER, depth=depth, max_epochs=2, max_edges_per_batch=2500)  # type: ignore[arg-type]
    assert_same(fit(tmp_path / "together", few), fit(tmp_path / "alone", replace(few, devices=1)))


_FIT = """
import sys
from pathlib import Path
from catalyst_assets_tests.integration.representation.test_fitting_on_several import TOGETHER, fit
from dataclasses import replace
fit(Path(sys.argv[1]), replace(TOGETHER, max_epochs=10_000, patience=10_000), on_epoch=lambda *_: print("epoch", flush=True))
"""


def test_its_processes_end_with_the_one_that_started_them(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _FIT, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "epoch\n"
        ranks = ranks_of(psutil.Process(process.pid))
        assert len(ranks) == 2
        process.kill()
    assert eventually(lambda: not any(rank.is_running() for rank in ranks))
