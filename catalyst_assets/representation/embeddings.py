"""Invariant node features of a backbone, pooled per structure.

The network runs in float64 and the pooled values are rounded to float32 at the end: what a structure
gets does not depend on the batch it sat in, beyond the last bit of float32.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from catalyst_assets.representation.backbones import Backbone
from catalyst_assets.representation.graphs import CrystalGraph, build_graphs, plan_batches

if TYPE_CHECKING:
    import torch
    from pymatgen.core.structure import Structure

MAX_EDGES_PER_BATCH = 10_000
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
    max_edges_per_batch: int = MAX_EDGES_PER_BATCH,
) -> Embedding:
    """Embed structures; those that cannot be embedded are reported, not raised."""
    graphs, failures = build_graphs(structures, backbone.config.r_max)
    values = np.zeros((len(structures), embedding_size(backbone)), dtype=np.float32)
    if graphs:
        values[list(graphs)] = embed_graphs(list(graphs.values()), backbone, max_edges_per_batch)
    for index in np.flatnonzero(~np.isfinite(values).all(axis=1)):
        failures[int(index)] = "The network's features are not finite."
        values[index] = 0
    return Embedding(values, failures)


def embed_graphs(
    graphs: Sequence[CrystalGraph], backbone: Backbone, max_edges_per_batch: int = MAX_EDGES_PER_BATCH
) -> np.ndarray:
    """Return pooled features of each graph, float32, shape (n_graphs, n_features)."""
    counts = [graph.edges.shape[1] for graph in graphs]
    batches = plan_batches(counts, max_edges_per_batch)
    pooled = [_embed_batch([graphs[index] for index in batch], backbone) for batch in batches]
    return np.concatenate(pooled) if pooled else np.zeros((0, embedding_size(backbone)), dtype=np.float32)


def embedding_size(backbone: Backbone) -> int:
    """Return how many features a structure gets."""
    return len(embedding_names(backbone))


def embedding_names(backbone: Backbone) -> tuple[str, ...]:
    """Name the features, in the order of their columns: pool, layer, channel."""
    config = backbone.config
    return tuple(
        f"{pool}_layer{layer}_{channel:03d}"
        for pool in _POOLS
        for layer in range(config.layers)
        for channel in range(config.channels)
    )


def _embed_batch(graphs: list[CrystalGraph], backbone: Backbone) -> np.ndarray:
    import torch

    inputs = _collate(graphs, backbone.config.n_elements)
    with torch.no_grad():
        nodes = backbone.model(inputs, compute_force=False)["node_feats"].numpy()
    starts = inputs["ptr"].numpy()
    sizes = np.diff(starts)[:, None]
    mean = np.add.reduceat(nodes, starts[:-1]) / sizes
    deviation = nodes - np.repeat(mean, sizes[:, 0], axis=0)
    std = np.sqrt(np.add.reduceat(deviation**2, starts[:-1]) / sizes)
    pooled: np.ndarray = np.concatenate([mean, std], axis=1).astype(np.float32)
    return pooled


def _collate(graphs: list[CrystalGraph], n_elements: int) -> "dict[str, torch.Tensor]":
    import torch

    sizes = np.array([len(graph.atomic_numbers) for graph in graphs])
    starts = np.concatenate([[0], np.cumsum(sizes)])
    elements = np.concatenate([graph.atomic_numbers for graph in graphs]) - 1
    edges = np.concatenate(
        [graph.edges + start for graph, start in zip(graphs, starts, strict=False)], axis=1
    )
    one_hot = np.zeros((len(elements), n_elements))
    one_hot[np.arange(len(elements)), elements] = 1.0
    arrays = {
        "node_attrs": one_hot,
        "positions": np.concatenate([graph.positions for graph in graphs]),
        "cell": np.concatenate([graph.cell for graph in graphs]),
        "edge_index": edges,
        "shifts": np.concatenate([graph.shifts for graph in graphs]),
        "batch": np.repeat(np.arange(len(graphs)), sizes),
        "ptr": starts,
    }
    return {name: torch.from_numpy(array) for name, array in arrays.items()}
