"""How large batches become by measured memory, with a meter that stands for a GPU's."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from catalyst_assets.bench.embed import enumerate_perovskites
from catalyst_assets.representation.backbones import build_backbone
from catalyst_assets.representation.batching import batch_sizer, map_batches
from catalyst_assets.representation.features import embed_graphs
from catalyst_assets.representation.graphs import CrystalGraph, build_graph
from catalyst_assets.representation.networks.configs import SchNetConfig
from catalyst_assets.representation.networks.interface import GraphBatch, GraphNetwork
from resources.devices.memory import PROBE, BatchSizer


class Memory:
    """A memory of so many bytes, of which each edge takes some."""

    def __init__(self, total: int, per_edge: int) -> None:
        self.total, self.per_edge = total, per_edge
        self.sizes: list[int] = []
        self.measured: list[int] = []

    def begin(self) -> None:
        self.measured = []

    def peak(self) -> int:
        return max(self.measured) * self.per_edge

    def free(self) -> int:
        return self.total

    def take(self, n_edges: int) -> None:
        """Compute a batch, or fail as a GPU does."""
        self.sizes.append(n_edges)
        if n_edges * self.per_edge > self.total:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        self.measured.append(n_edges)


def crystals() -> list[CrystalGraph]:
    return [build_graph(structure, 4.0) for structure in enumerate_perovskites(600)]


def network() -> GraphNetwork:
    return build_backbone(SchNetConfig(channels=4, filters=4, layers=1, cutoff=4.0), 0).network


def embed(graphs: Sequence[CrystalGraph], memory: Memory, most: int) -> np.ndarray:
    sizer = BatchSizer.measuring(memory, most)

    def compute(network: GraphNetwork, batch: GraphBatch) -> torch.Tensor:
        memory.take(batch.edges.shape[1])
        nodes = network.describe(batch).double()
        return nodes.new_zeros((batch.n_graphs, nodes.shape[1])).index_add_(0, batch.graph_of_site, nodes)

    computed = map_batches(graphs, network(), compute, 4, sizer)
    assert computed.failures == {}
    return computed.values


@pytest.mark.parametrize(
    ("free_edges", "largest"),
    [(10_000_000, 100_000), (100_000, 50_000), (60_000, 25_000), (15_000, 0.7 * 15_000)],
)
def test_a_first_small_batch_says_how_large_the_others_are(free_edges: int, largest: float) -> None:
    graphs = crystals()
    n_edges = sum(graph.edges.shape[1] for graph in graphs)
    memory = Memory(free_edges * 1000, 1000)

    embed(graphs, memory, 100_000)

    assert sum(memory.sizes) == n_edges  # nothing was computed twice
    assert memory.sizes[0] <= PROBE
    assert max(memory.sizes[1:]) <= largest
    fewest = -(-(n_edges - memory.sizes[0]) // largest)
    assert fewest <= len(memory.sizes) - 1 <= fewest + 1


def test_where_measuring_was_too_hopeful_batches_are_halved_and_stay_small() -> None:
    """Others take most of the memory once it was measured."""
    graphs = crystals()

    class Shrinking(Memory):
        def free(self) -> int:
            free, self.total = self.total, 9_000 * self.per_edge
            return free

    memory = Shrinking(10**9, 1000)
    values = embed(graphs, memory, 100_000)
    assert max(memory.sizes) > 9_000
    too_large = [place for place, size in enumerate(memory.sizes) if size > 9_000 and place]
    assert too_large == list(range(1, 1 + len(too_large)))  # once it failed, smaller ones are tried
    roomy = Memory(10**12, 1000)
    np.testing.assert_allclose(values, embed(graphs, roomy, 10**6), rtol=1e-9, atol=1e-9)


def test_a_probe_that_does_not_fit_is_halved_and_is_no_measure() -> None:
    memory = Memory(4_000 * 1000, 1000)
    embed(crystals(), memory, 100_000)
    assert max(memory.sizes[3:]) <= PROBE // 2
    assert memory.sizes[0] > 4_000


def test_what_was_measured_is_remembered_by_its_sizer() -> None:
    graphs = crystals()[:60]
    memory = Memory(10**9, 10)
    memory.measured = [1000]
    sizer = BatchSizer.measuring(memory, 100_000)
    with sizer.probing(1000):
        memory.take(1000)
    assert sizer.budget == 100_000
    assert not sizer.wants_probe
    expected = embed_graphs(graphs, network())
    np.testing.assert_allclose(embed_graphs(graphs, network(), sizer).values, expected.values, rtol=1e-7)


def test_a_cpu_measures_nothing() -> None:
    sizer = batch_sizer("cpu")
    assert (sizer.budget, sizer.wants_probe) == (7_000, False)
    assert batch_sizer("cuda:0").wants_probe
