"""What every model learns from: a backbone's pooled features beside the elemental descriptors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from catalyst_assets.constants import Accelerator
from catalyst_assets.representation.backbones import Backbone
from catalyst_assets.representation.batching import choose_device, map_chunks, on_device
from catalyst_assets.representation.descriptors.structural import describe_graphs, descriptor_names
from catalyst_assets.representation.embeddings import embed_graphs, embedding_names
from catalyst_assets.representation.graphs import CUTOFF_ANGSTROM, build_graphs

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

    from catalyst_assets.representation.networks.interface import GraphNetwork

# Part of every stored feature's key: raise it whenever the same structure would get other values or names.
FEATURE_VERSION: Final = 2
_UNTRAINED: Final = "untrained:"
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
    structures: Sequence["Structure"],
    backbone: Backbone,
    *,
    accelerator: Accelerator = "auto",
    max_edges_per_batch: int | None = None,
) -> Features:
    """Compute the features of structures; those that have none are reported, not raised."""
    names = feature_names(backbone)
    network = on_device(backbone.network, choose_device(accelerator))
    values = np.zeros((len(structures), len(names)), dtype=np.float32)
    failures: dict[int, str] = {}

    def work(chunk: range) -> tuple[np.ndarray, dict[int, str]]:
        return _featurize(structures[chunk.start : chunk.stop], network, len(names), max_edges_per_batch)

    for chunk, (rows, failed) in map_chunks(len(structures), _CHUNK, work):
        values[chunk.start : chunk.stop] = rows
        failures |= {chunk.start + index: reason for index, reason in failed.items()}
    values[list(failures)] = 0
    for index in np.flatnonzero(~np.isfinite(values).all(axis=1)):
        failures[int(index)] = "A feature is not finite."
        values[index] = 0
    return Features(values, names, failures)


def _featurize(
    structures: Sequence["Structure"], network: "GraphNetwork", width: int, max_edges_per_batch: int | None
) -> tuple[np.ndarray, dict[int, str]]:
    graphs, failures = build_graphs(structures, max(network.cutoff, CUTOFF_ANGSTROM))
    places, known = list(graphs), list(graphs.values())
    embedded = embed_graphs([graph.within(network.cutoff) for graph in known], network, max_edges_per_batch)
    descriptors = describe_graphs([graph.within(CUTOFF_ANGSTROM) for graph in known])
    values = np.zeros((len(structures), width), dtype=np.float32)
    values[places] = np.concatenate([embedded.values, descriptors], axis=1)
    failures |= {places[index]: reason for index, reason in embedded.failures.items()}
    return values, failures


def feature_names(backbone: Backbone) -> tuple[str, ...]:
    """Name the features a backbone gives, in the order of their columns."""
    block = f"{backbone.config.architecture}:" if backbone.is_trained else _UNTRAINED
    network = (f"{block}{name}" for name in embedding_names(backbone))
    return (*network, *(f"desc:{name}" for name in descriptor_names()))
