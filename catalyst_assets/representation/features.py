"""What every model learns from: a backbone's pooled features beside the elemental descriptors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from catalyst_assets.representation.backbones import Backbone
from catalyst_assets.representation.descriptors import describe_graphs, descriptor_names
from catalyst_assets.representation.embeddings import MAX_EDGES_PER_BATCH, embed_graphs, embedding_names
from catalyst_assets.representation.graphs import build_graphs

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

# Part of every stored feature's key: raise it whenever the same structure would get other values.
FEATURE_VERSION: Final = 1
_UNTRAINED: Final = "untrained:"
_CHUNK = 1_000  # structures whose graphs are in memory at a time


@dataclass(frozen=True)
class Features:
    """Features of structures.

    Attributes
    ----------
    values
        float32, shape (n_structures, n_features); rows of failed structures are zero.
    names
        ``mace:…`` (``untrained:…`` of a network that learned nothing) and ``desc:…``, one a column.
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
    structures: Sequence["Structure"], backbone: Backbone, max_edges_per_batch: int = MAX_EDGES_PER_BATCH
) -> Features:
    """Compute the features of structures; those that have none are reported, not raised."""
    names = feature_names(backbone)
    values = np.zeros((len(structures), len(names)), dtype=np.float32)
    failures: dict[int, str] = {}
    for start in range(0, len(structures), _CHUNK):
        graphs, unsuitable = build_graphs(structures[start : start + _CHUNK], backbone.config.r_max)
        failures |= {start + index: reason for index, reason in unsuitable.items()}
        if graphs:
            known = list(graphs.values())
            embedded = embed_graphs(known, backbone, max_edges_per_batch)
            values[[start + index for index in graphs]] = np.concatenate(
                [embedded, describe_graphs(known)], axis=1
            )
    for index in np.flatnonzero(~np.isfinite(values).all(axis=1)):
        failures[int(index)] = "A feature is not finite."
        values[index] = 0
    return Features(values, names, failures)


def feature_names(backbone: Backbone) -> tuple[str, ...]:
    """Name the features a backbone gives, in the order of their columns."""
    block = "mace:" if backbone.config.pretrained else _UNTRAINED
    network = (f"{block}{name}" for name in embedding_names(backbone))
    return (*network, *(f"desc:{name}" for name in descriptor_names()))
