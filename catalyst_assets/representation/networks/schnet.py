"""SchNet: filters that are continuous in the distance (K. T. Schütt et al., NeurIPS 2017, arXiv:1706.08566).

The blocks are torch_geometric's; edges and distances are ours, so that periodic images count.
"""

from collections.abc import Sequence

import torch
from torch_geometric.nn.models.schnet import GaussianSmearing, InteractionBlock, ShiftedSoftplus

from catalyst_assets.representation.networks.configs import SchNetConfig
from catalyst_assets.representation.networks.element_weights import draw_embedding
from catalyst_assets.representation.networks.interface import (
    GraphBatch,
    GraphNetwork,
    NetworkOutput,
    layer_names,
)
from catalyst_assets.representation.networks.sums import sum_by


class SchNetNetwork(GraphNetwork):
    """A SchNet; its node features are those after each interaction."""

    def __init__(self, config: SchNetConfig) -> None:
        super().__init__()
        self.cutoff = config.cutoff
        self.atomic_numbers = config.atomic_numbers
        self.feature_names = layer_names([config.channels] * config.layers)
        self.embedding = torch.nn.Embedding(max(config.atomic_numbers) + 1, config.channels)
        self.smearing = GaussianSmearing(0.0, config.cutoff, config.gaussians)
        self.interactions = torch.nn.ModuleList(
            InteractionBlock(config.channels, config.gaussians, config.filters, config.cutoff)
            for _ in range(config.layers)
        )
        self.readout = torch.nn.Sequential(
            torch.nn.Linear(config.channels, config.channels // 2),
            ShiftedSoftplus(),
            torch.nn.Linear(config.channels // 2, 1),
        )

    def forward(self, batch: GraphBatch) -> NetworkOutput:
        """Compute node features and energies."""
        layers = self._layers(batch)
        energies = sum_by(self.readout(layers[-1])[:, 0], batch.graph_of_site, batch.n_graphs)
        return NetworkOutput(torch.cat(layers, dim=1), energies)

    def describe(self, batch: GraphBatch) -> torch.Tensor:
        """Compute node features alone."""
        return torch.cat(self._layers(batch), dim=1)

    def blocks(self) -> Sequence[torch.nn.Module]:
        """Return the embedding of the elements and each interaction."""
        return [self.embedding, *self.interactions]

    def relate_elements(self, seed: int) -> None:
        """Draw the embeddings as random linear functions of the elements' properties."""
        draw_embedding(self.embedding.weight, self.atomic_numbers, seed)

    def _layers(self, batch: GraphBatch) -> list[torch.Tensor]:
        distances = torch.linalg.vector_norm(batch.edge_vectors(), dim=1)
        basis = self.smearing(distances)
        towards_centre = batch.edges.flip(0)
        nodes = self.embedding(batch.atomic_numbers)
        layers = []
        for interaction in self.interactions:
            nodes = nodes + interaction(nodes, towards_centre, distances, basis)
            layers.append(nodes)
        return layers
