"""What every model learns from: a backbone's node features pooled over each structure, beside its descriptors.

A network in float64 is rounded to float32 at the end: what a structure gets does not depend on the batch
it sat in, beyond the last bit of float32. One in float32 agrees to about six digits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from catalyst_assets.constants import Accelerator
from catalyst_assets.representation.backbones import Backbone
from catalyst_assets.representation.batching import (
    BatchedResult,
    choose_device,
    map_batches,
    map_chunks,
    on_device,
)
from catalyst_assets.representation.descriptors.structural import describe_graphs, descriptor_names
from catalyst_assets.representation.graphs import CUTOFF_ANGSTROM, CrystalGraph, build_graphs

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

    from catalyst_assets.representation.networks.interface import GraphBatch, GraphNetwork

# Part of every stored feature's key: raise it whenever the same structure would get other values or names.
FEATURE_VERSION: Final = 2
_UNTRAINED: Final = "untrained:"
_POOLS: Final = ("mean", "std")
_CHUNK = 100  # structures whose graphs one thread has in memory at a time


@dataclass(frozen=True)
class Features:
    """Features of structures.

    Attributes
    ----------
    values
        float32, shape (n_structures, n_features); rows of failed structures are zero.
    names
        ``mace:…``, ``schnet:…`` or ``dimenet:…`` (``untrained:…`` of a network that learned nothing) and
        ``desc:block:…``, one a column.
    failures
        Why a structure has no features, by its index.
    """

    values: np.ndarray
    names: tuple[str, ...]
    failures: dict[int, str]

    def informed(self) -> "Features":
        """Return the features without those of an untrained network: random ones only dilute distances."""
        kept = [column for column, name in enumerate(self.names) if not name.startswith(_UNTRAINED)]
        return Features(
            np.ascontiguousarray(self.values[:, kept]),
            tuple(self.names[column] for column in kept),
            self.failures,
        )


def featurize(
    structures: Sequence["Structure"], backbone: Backbone, *, accelerator: Accelerator = "auto"
) -> Features:
    """Compute the features of structures; those that have none are reported, not raised."""
    names = feature_names(backbone)
    network = on_device(backbone.network, choose_device(accelerator))
    values = np.zeros((len(structures), len(names)), dtype=np.float32)
    failures: dict[int, str] = {}

    def work(chunk: range) -> tuple[np.ndarray, dict[int, str]]:
        return _featurize(structures[chunk.start : chunk.stop], network, len(names))

    for chunk, (rows, failed) in map_chunks(len(structures), _CHUNK, work):
        values[chunk.start : chunk.stop] = rows
        failures |= {chunk.start + index: reason for index, reason in failed.items()}
    values[list(failures)] = 0
    for index in np.flatnonzero(~np.isfinite(values).all(axis=1)):
        failures[int(index)] = "A feature is not finite."
        values[index] = 0
    return Features(values, names, failures)


def _featurize(
    structures: Sequence["Structure"], network: "GraphNetwork", width: int
) -> tuple[np.ndarray, dict[int, str]]:
    graphs, failures = build_graphs(structures, max(network.cutoff, CUTOFF_ANGSTROM))
    places, known = list(graphs), list(graphs.values())
    embedded = embed_graphs([graph.within(network.cutoff) for graph in known], network)
    descriptors = describe_graphs([graph.within(CUTOFF_ANGSTROM) for graph in known])
    values = np.zeros((len(structures), width), dtype=np.float32)
    values[places] = np.concatenate([embedded.values, descriptors], axis=1)
    failures |= {places[index]: reason for index, reason in embedded.failures.items()}
    return values, failures


def embed_graphs(graphs: Sequence[CrystalGraph], network: "GraphNetwork") -> BatchedResult:
    """Pool the network's node features over each graph, on the device where the network is."""
    import torch

    from catalyst_assets.representation.networks.sums import mean_over_sites, spread_over_sites

    def pool(batch: "GraphBatch") -> torch.Tensor:
        nodes = network.describe(batch).double()
        mean = mean_over_sites(nodes, batch)
        return torch.cat([mean, spread_over_sites(nodes, mean, batch)], dim=1)

    return map_batches(graphs, network, pool, len(_POOLS) * len(network.feature_names))


def feature_names(backbone: Backbone) -> tuple[str, ...]:
    """Name the features a backbone gives, in the order of their columns: pool, layer, channel; descriptors."""
    block = f"{backbone.config.architecture}:" if backbone.is_trained else _UNTRAINED
    network = (f"{block}{pool}_{name}" for pool in _POOLS for name in backbone.network.feature_names)
    return (*network, *(f"desc:{name}" for name in descriptor_names()))
