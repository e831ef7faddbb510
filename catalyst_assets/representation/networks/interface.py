"""What every graph network takes and gives: a batch of crystals in, invariant node features and energies out.

Modules of this folder import torch at their top and are themselves imported inside functions only.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from catalyst_assets.representation.graphs import CrystalGraph


@dataclass(frozen=True)
class GraphBatch:
    """Several crystals as one disconnected graph.

    Attributes
    ----------
    atomic_numbers
        int64, shape (n_sites,).
    positions
        Cartesian, Å, shape (n_sites, 3).
    cells
        Lattice vectors as rows, Å, shape (n_graphs, 3, 3).
    edges
        int64, centre and neighbour of each pair, both directions listed, shape (2, n_edges).
    shifts
        Cartesian displacement of the neighbour's cell, Å, shape (n_edges, 3).
    graph_of_site
        int64, shape (n_sites,), ascending.
    sizes
        Sites of each crystal, int64, shape (n_graphs,).
    """

    atomic_numbers: torch.Tensor
    positions: torch.Tensor
    cells: torch.Tensor
    edges: torch.Tensor
    shifts: torch.Tensor
    graph_of_site: torch.Tensor
    sizes: torch.Tensor

    @property
    def n_graphs(self) -> int:
        """How many crystals there are."""
        return len(self.sizes)

    def edge_vectors(self) -> torch.Tensor:
        """Return the vectors from centre to neighbour, Å, shape (n_edges, 3)."""
        centre, neighbour = self.edges
        return self.positions[neighbour] + self.shifts - self.positions[centre]

    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> "GraphBatch":
        """Return the batch on a device, its real numbers in ``dtype``."""
        moved = {
            name: tensor.to(device=device, dtype=dtype if tensor.is_floating_point() else None)
            for name, tensor in vars(self).items()
        }
        return GraphBatch(**moved)


@dataclass(frozen=True)
class NetworkOutput:
    """What a network says of a batch.

    Attributes
    ----------
    node_features
        Invariant under rotation, shape (n_sites, n_features).
    energies
        One a crystal, eV, extensive, shape (n_graphs,).
    """

    node_features: torch.Tensor
    energies: torch.Tensor


class GraphNetwork(torch.nn.Module, ABC):
    """A network that describes each site by its surroundings within a cutoff.

    Attributes
    ----------
    feature_names
        One an invariant node feature: ``layer<l>_<channel>``.
    cutoff
        Radius within which edges are wanted, Å.
    atomic_numbers
        Elements it knows.
    """

    feature_names: tuple[str, ...]
    cutoff: float
    atomic_numbers: tuple[int, ...]

    @abstractmethod
    def forward(self, batch: GraphBatch) -> NetworkOutput:
        """Compute node features and energies of a batch in the network's dtype and on its device."""

    @abstractmethod
    def describe(self, batch: GraphBatch) -> torch.Tensor:
        """Compute node features alone, as fast as the architecture allows; shape (n_sites, n_features)."""

    @abstractmethod
    def blocks(self) -> Sequence[torch.nn.Module]:
        """Return the parts from the embedding to the last message-passing layer, for training the last ones only."""

    @abstractmethod
    def relate_elements(self, seed: int) -> None:
        """Draw the weights that belong to an element anew, as random linear functions of its properties."""

    @property
    def dtype(self) -> torch.dtype:
        """The type of the weights."""
        return next(p for p in self.parameters() if p.is_floating_point()).dtype


def layer_names(widths: Iterable[int]) -> tuple[str, ...]:
    """Name the features of layers of these widths: ``layer<l>_<channel>``."""
    return tuple(
        f"layer{layer}_{channel:03d}" for layer, width in enumerate(widths) for channel in range(width)
    )


def collate(graphs: Sequence[CrystalGraph], dtype: torch.dtype = torch.float64) -> GraphBatch:
    """Put crystals into one batch."""
    sizes = np.array([len(graph.atomic_numbers) for graph in graphs], dtype=np.int64)
    starts = np.cumsum(sizes) - sizes
    edges = [graph.edges + start for graph, start in zip(graphs, starts, strict=True)]
    return GraphBatch(
        atomic_numbers=torch.from_numpy(np.concatenate([graph.atomic_numbers for graph in graphs])),
        positions=torch.from_numpy(np.concatenate([graph.positions for graph in graphs])).to(dtype),
        cells=torch.from_numpy(np.stack([graph.cell for graph in graphs])).to(dtype),
        edges=torch.from_numpy(np.concatenate(edges, axis=1)),
        shifts=torch.from_numpy(np.concatenate([graph.shifts for graph in graphs])).to(dtype),
        graph_of_site=torch.from_numpy(np.repeat(np.arange(len(graphs)), sizes)),
        sizes=torch.from_numpy(sizes),
    )
