"""What a GPU computes is what a CPU computes; it fills up, fails and is shared without costing a crystal.

Run them where there is one by `pytest -m gpu`.
"""

import gc
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from catalyst_assets.bench.embed import enumerate_perovskites, measure_embedding
from catalyst_assets.learning.heads.deep_ensemble import train_deep_ensemble
from catalyst_assets.learning.heads.settings import HeadSettings
from catalyst_assets.representation.backbones import build_backbone
from catalyst_assets.representation.batching import EDGES_PER_BATCH, batch_sizer
from catalyst_assets.representation.devices import GpuError, on_device
from catalyst_assets.representation.features import embed_graphs, featurize
from catalyst_assets.representation.fitting.fit import fit_network
from catalyst_assets.representation.fitting.fitted import FittedNetwork
from catalyst_assets.representation.fitting.head import HeadConfig, build_head
from catalyst_assets.representation.fitting.settings import FitSettings, Precision
from catalyst_assets.representation.graphs import build_graph
from catalyst_assets.representation.networks.architectures import build_network
from catalyst_assets.representation.networks.configs import (
    DimeNetConfig,
    Dtype,
    MaceConfig,
    NetworkConfig,
    SchNetConfig,
)
from catalyst_assets_tests.crystals import assorted
from catalyst_assets_tests.fitted import split, tiny_backbone
from resources.devices.memory import PROBE

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="There is no GPU that torch can use."),
]
CONFIGS = {
    "small mace": MaceConfig(),
    "equivariant mace": MaceConfig(
        hidden_irreps="8x0e+8x1o", correlation=3, pair_repulsion=True, distance_transform="Agnesi"
    ),
    "schnet": SchNetConfig(),
    "dimenet": DimeNetConfig(),
}
QUICK = FitSettings(
    max_epochs=4,
    max_edges_per_batch=2500,
    hidden=16,
    learning_rate=1e-2,
    accelerator="gpu",
    gpu_precision="32-true",
)
GREEDY = SchNetConfig(channels=64, filters=256)


@pytest.fixture
def little_memory() -> Iterator[None]:
    """Half a gigabyte more than is taken already."""
    gc.collect()
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 2**29) / total)
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)
    torch.cuda.empty_cache()


def fit(folder: Path, settings: FitSettings = QUICK, **options: object) -> FittedNetwork:
    backbone = tiny_backbone()
    return fit_network(backbone.network, backbone.config, *split(), settings, folder, **options)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CONFIGS)
def test_a_gpu_describes_crystals_as_a_cpu_does(name: str, dtype: Dtype) -> None:
    network = build_backbone(replace(CONFIGS[name], dtype=dtype)).network
    graphs = [
        build_graph(structure, network.cutoff) for structure in [*assorted(), *enumerate_perovskites(40)]
    ]

    expected, computed = embed_graphs(graphs, network), embed_graphs(graphs, on_device(network, "cuda:0"))

    assert computed.failures == expected.failures == {}
    scale = np.abs(expected.values).max(axis=0)
    tolerance = 1e-4 if dtype == "float32" else 1e-12
    assert (np.abs(computed.values - expected.values) <= tolerance * scale).all()


def test_features_of_many_chunks_are_those_of_the_cpu_row_by_row() -> None:
    backbone = build_backbone()
    structures = enumerate_perovskites(330)
    structures[7] = structures[7].copy().apply_strain(-0.95)  # sites on top of each other

    expected, computed = (featurize(structures, backbone, accelerator=where) for where in ("cpu", "gpu"))

    assert list(computed.failures) == list(expected.failures) == [7]
    np.testing.assert_array_max_ulp(computed.values, expected.values, maxulp=1)


@pytest.mark.usefixtures("little_memory")
def test_batches_that_do_not_fit_are_halved_and_a_crystal_that_does_not_is_left_to_the_cpu() -> None:
    network = build_backbone(GREEDY).network
    graphs = [build_graph(structure, network.cutoff) for structure in enumerate_perovskites(800)]
    huge = enumerate_perovskites(1)[0].copy()
    huge.make_supercell([9, 9, 9])

    computed = embed_graphs([*graphs, build_graph(huge, network.cutoff)], on_device(network, "cuda:0"))

    assert computed.failures == {}
    np.testing.assert_allclose(computed.values[-1], computed.values[0], rtol=1e-9, atol=1e-9)
    expected = embed_graphs(graphs[::40], network)
    np.testing.assert_allclose(computed.values[:-1:40], expected.values, rtol=1e-9, atol=1e-9)


@pytest.mark.usefixtures("little_memory")
def test_a_fit_that_does_not_fit_says_what_to_do_and_goes_on_later(tmp_path: Path) -> None:
    backbone = build_backbone(replace(GREEDY, filters=4096))

    with pytest.raises(GpuError, match="too little memory left"):
        fit_network(
            backbone.network, backbone.config, *split(), replace(QUICK, max_edges_per_batch=50_000), tmp_path
        )

    torch.cuda.set_per_process_memory_fraction(1.0)
    assert fit(tmp_path).best_epoch >= 0


def test_a_gpu_that_failed_condemns_no_crystal() -> None:
    """In a process of its own: nothing is computed on the GPU by this one any more."""
    script = """
import torch
from catalyst_assets.bench.embed import enumerate_perovskites
from catalyst_assets.representation.backbones import build_backbone
from catalyst_assets.representation.devices import GpuError, on_device
from catalyst_assets.representation.features import embed_graphs
from catalyst_assets.representation.graphs import build_graph
from catalyst_assets.representation.networks.configs import SchNetConfig
network = on_device(build_backbone(SchNetConfig()).network, "cuda:0")
graphs = [build_graph(structure) for structure in enumerate_perovskites(8)]
embed_graphs(graphs, network)
torch.zeros(3, device="cuda")[torch.tensor([9], device="cuda")]  # a device-side assertion
try:
    print("went on:", embed_graphs(graphs, network).failures)
except GpuError as error:
    print(error)
"""
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert told.startswith("The GPU stopped working: CUDA error: device-side assert")
    assert "CATALYST_ACCELERATOR=cpu" in told


def test_a_run_on_the_cpu_leaves_the_gpu_alone() -> None:
    script = """
import torch
from catalyst_assets.bench.embed import enumerate_perovskites
from catalyst_assets.representation.backbones import build_backbone
from catalyst_assets.representation.features import featurize
featurize(enumerate_perovskites(2), build_backbone(), accelerator="cpu")
print(torch.cuda.is_initialized())
"""
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert told.strip() == "False"


def test_a_fit_is_the_same_again_to_the_last_bit_and_predicts_the_same_on_a_cpu(tmp_path: Path) -> None:
    fitted, again = fit(tmp_path / "first"), fit(tmp_path / "second")
    assert fitted.to_bytes() == again.to_bytes()
    assert {weight.device.type for weight in fitted.network.parameters()} == {"cpu"}
    losses = [value for _, value in fitted.curves["training_loss"]]
    assert losses[-1] < losses[0]

    _, unseen = split()
    read = FittedNetwork.from_bytes(fitted.to_bytes())
    on_gpu = [fitted.predict(unseen.graphs, unseen.extra, device="cuda:0") for _ in range(2)]
    for first, second, here in zip(*on_gpu, read.predict(unseen.graphs, unseen.extra), strict=True):
        np.testing.assert_array_equal(first.center, second.center)
        np.testing.assert_allclose(first.center, here.center, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(first.spread, here.spread, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("goes_on", ["gpu", "cpu"])
def test_a_fit_that_was_killed_goes_on_there_or_elsewhere(tmp_path: Path, goes_on: str) -> None:
    def kill(epoch: int, metrics: Mapping[str, float]) -> None:
        if epoch == 1:
            raise KeyboardInterrupt

    with pytest.raises((KeyboardInterrupt, SystemExit)):
        fit(tmp_path / "killed", on_epoch=kill)
    resumed = fit(tmp_path / "killed", replace(QUICK, accelerator=goes_on))  # type: ignore[arg-type]

    undisturbed = fit(tmp_path / "undisturbed")
    assert len(resumed.curves["training_loss"]) == QUICK.max_epochs
    if goes_on == "gpu":
        assert resumed.to_bytes() == undisturbed.to_bytes()
    for ours, theirs in zip(
        resumed.curves["training_loss"], undisturbed.curves["training_loss"], strict=True
    ):
        assert ours == pytest.approx(theirs, rel=1e-2)


@pytest.mark.parametrize("precision", ["bf16-mixed", "16-mixed"])
@pytest.mark.parametrize("config", [SchNetConfig(channels=8), MaceConfig(layers=1, correlation=1, max_ell=1)])
def test_mixed_precision_learns_about_the_same(
    tmp_path: Path, config: NetworkConfig, precision: Precision
) -> None:
    backbone = build_backbone(
        replace(config, **{"cutoff" if isinstance(config, SchNetConfig) else "r_max": 4.0})
    )
    single, mixed = (
        fit_network(
            backbone.network, backbone.config, *split(), replace(QUICK, gpu_precision=each), tmp_path
        ).curves["training_loss"]
        for each in ("32-true", precision)
    )
    assert mixed != single
    assert mixed[-1][1] == pytest.approx(single[-1][1], rel=0.2)


def test_batches_grow_to_what_the_memory_was_seen_to_take() -> None:
    network = on_device(build_backbone(SchNetConfig()).network, "cuda:0")
    graphs = [build_graph(structure, network.cutoff) for structure in enumerate_perovskites(400)]
    sizer = batch_sizer("cuda:0")

    embed_graphs(graphs, network, sizer)

    assert not sizer.wants_probe
    assert PROBE < sizer.budget <= EDGES_PER_BATCH["cuda"]
    assert torch.cuda.max_memory_allocated() < torch.cuda.mem_get_info()[1]


def test_heads_are_trained_on_the_cpu_which_takes_no_longer_and_gives_the_same_everywhere() -> None:
    features = np.random.default_rng(0).normal(size=(80, 12)).astype(np.float32)
    gc.collect()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()

    train_deep_ensemble(features, features[:, :2].astype(np.float64), np.arange(80) % 5, HeadSettings())

    assert torch.cuda.max_memory_allocated() == before


def test_random_numbers_of_whoever_calls_are_left_alone(tmp_path: Path) -> None:
    torch.cuda.manual_seed(7)
    expected = torch.rand(3, device="cuda")
    torch.cuda.manual_seed(7)

    build_network(SchNetConfig(), seed=1)
    build_head(HeadConfig(4, 2, 1), seed=1)
    fit(tmp_path, replace(QUICK, max_epochs=1))

    assert torch.equal(torch.rand(3, device="cuda"), expected)
    assert not torch.are_deterministic_algorithms_enabled()


def test_the_benchmark_measures_a_gpu_beside_the_calculator() -> None:
    report = measure_embedding(enumerate_perovskites(120), CONFIGS["small mace"], 1, accelerator="gpu")

    assert report.device == "cuda:0"
    assert report.forward_in_threads_per_s is None
    assert report.ratio_vs_calculator is not None
    assert report.ratio_vs_calculator > 1
