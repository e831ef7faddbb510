"""Invariant node features of a backbone, pooled per structure.

A network in float64 is rounded to float32 at the end: what a structure gets does not depend on the batch
it sat in, beyond the last bit of float32. One in float32 agrees to about six digits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from catalyst_assets.constants import Accelerator
from catalyst_assets.representation.backbones import Backbone
from catalyst_assets.representation.batching import choose_device, map_batches, on_device
from catalyst_assets.representation.graphs import CrystalGraph, build_graphs

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

    from catalyst_assets.representation.networks.interface import GraphNetwork

_POOLS = ("mean", "std")


@dataclass(frozen=True)
class Embedding:
    """Pooled node features.

    Attributes
    ----------
    values
        float32, shape (n_structures, n_features); rows of failed structures are zero.
    failures
        Why a structure has no features, by its index.
    """

    values: np.ndarray
    failures: dict[int, str]


def embed_structures(
    structures: Sequence["Structure"],
    backbone: Backbone,
    *,
    accelerator: Accelerator = "auto",
    max_edges_per_batch: int | None = None,
) -> Embedding:
    """Embed structures; those that cannot be embedded are reported, not raised."""
    graphs, failures = build_graphs(structures, backbone.network.cutoff)
    values = np.zeros((len(structures), embedding_size(backbone)), dtype=np.float32)
    places = list(graphs)
    network = on_device(backbone.network, choose_device(accelerator))
    embedded = embed_graphs(list(graphs.values()), network, max_edges_per_batch)
    values[places] = embedded.values
    failures |= {places[index]: reason for index, reason in embedded.failures.items()}
    return Embedding(values, failures)


def embed_graphs(
    graphs: Sequence[CrystalGraph], network: "GraphNetwork", max_edges_per_batch: int | None = None
) -> Embedding:
    """Pool the network's node features over each graph, on the device where the network is."""
    import torch

    from catalyst_assets.representation.networks.interface import GraphBatch
    from catalyst_assets.representation.networks.sums import mean_over_sites, spread_over_sites

    def pool(batch: GraphBatch) -> torch.Tensor:
        nodes = network.describe(batch).double()
        mean = mean_over_sites(nodes, batch)
        return torch.cat([mean, spread_over_sites(nodes, mean, batch)], dim=1)

    width = len(_POOLS) * len(network.feature_names)
    pooled = map_batches(graphs, network, pool, width, max_edges_per_batch)
    return Embedding(pooled.values.astype(np.float32), pooled.failures)


def embedding_size(backbone: Backbone) -> int:
    """Return how many features a structure gets."""
    return len(embedding_names(backbone))


def embedding_names(backbone: Backbone) -> tuple[str, ...]:
    """Name the features, in the order of their columns: pool, layer, channel."""
    return tuple(f"{pool}_{name}" for pool in _POOLS for name in backbone.network.feature_names)
