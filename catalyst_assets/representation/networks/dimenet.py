"""DimeNet++: messages between edges that know their angle (J. Gasteiger et al., arXiv:2011.14115).

The blocks are torch_geometric's; edges, distances and triplets are ours, so that periodic images count.
"""

from collections.abc import Sequence
from functools import cache

import torch
from torch_geometric.nn.models.dimenet import (
    BesselBasisLayer,
    EmbeddingBlock,
    InteractionPPBlock,
    OutputPPBlock,
    SphericalBasisLayer,
)

from catalyst_assets.representation.networks.configs import DimeNetConfig
from catalyst_assets.representation.networks.element_weights import draw_embedding
from catalyst_assets.representation.networks.interface import (
    GraphBatch,
    GraphNetwork,
    NetworkOutput,
    layer_names,
)
from catalyst_assets.representation.networks.sums import sum_by
from catalyst_assets.representation.networks.triplets import list_triplets, turning_angles


@cache
def _spherical_basis(
    n_spherical: int, n_radial: int, cutoff: float, envelope_exponent: int
) -> SphericalBasisLayer:
    """Return a basis; it has no weights, and deriving its formulae takes seconds."""
    return SphericalBasisLayer(n_spherical, n_radial, cutoff, envelope_exponent)


class DimeNetNetwork(GraphNetwork):
    """A DimeNet++; its node features are what each output block says, the energy is linear in their sum."""

    def __init__(self, config: DimeNetConfig) -> None:
        super().__init__()
        self.cutoff = config.cutoff
        self.atomic_numbers = config.atomic_numbers
        self.feature_names = layer_names([config.channels] * (config.layers + 1))
        activation = torch.nn.functional.silu
        self.radial = BesselBasisLayer(config.n_radial, config.cutoff, config.envelope_exponent)
        self.spherical = _spherical_basis(
            config.n_spherical, config.n_radial, config.cutoff, config.envelope_exponent
        )
        self.embedding = EmbeddingBlock(config.n_radial, config.channels, activation)
        self.interactions = torch.nn.ModuleList(
            InteractionPPBlock(
                hidden_channels=config.channels,
                int_emb_size=config.triplet_channels,
                basis_emb_size=config.basis_channels,
                num_spherical=config.n_spherical,
                num_radial=config.n_radial,
                num_before_skip=1,
                num_after_skip=2,
                act=activation,
            )
            for _ in range(config.layers)
        )
        self.outputs = torch.nn.ModuleList(
            OutputPPBlock(
                num_radial=config.n_radial,
                hidden_channels=config.channels,
                out_emb_channels=config.channels,
                out_channels=config.channels,
                num_layers=config.n_output_layers,
                act=activation,
                output_initializer="glorot_orthogonal",  # zeros would describe nothing before training
            )
            for _ in range(config.layers + 1)
        )
        self.readout = torch.nn.Linear(config.channels, 1)

    def forward(self, batch: GraphBatch) -> NetworkOutput:
        """Compute node features and energies."""
        layers = self._layers(batch)
        sites = self.readout(torch.stack(layers).sum(dim=0))[:, 0]
        return NetworkOutput(torch.cat(layers, dim=1), sum_by(sites, batch.graph_of_site, batch.n_graphs))

    def describe(self, batch: GraphBatch) -> torch.Tensor:
        """Compute node features alone."""
        return torch.cat(self._layers(batch), dim=1)

    def blocks(self) -> Sequence[torch.nn.Module]:
        """Return the embedding of the edges and each interaction, with the output that follows it."""
        pairs = zip(self.interactions, self.outputs[1:], strict=True)
        return [
            torch.nn.ModuleList([self.embedding, self.radial, self.outputs[0]]),
            *(torch.nn.ModuleList(pair) for pair in pairs),
        ]

    def relate_elements(self, seed: int) -> None:
        """Draw the embeddings as random linear functions of the elements' properties."""
        draw_embedding(self.embedding.emb.weight, self.atomic_numbers, seed)

    def _layers(self, batch: GraphBatch) -> list[torch.Tensor]:
        vectors = batch.edge_vectors()
        distances = torch.linalg.vector_norm(vectors, dim=1)
        towards_j, towards_i = list_triplets(batch.edges, vectors)
        centre, neighbour = batch.edges
        radial = self.radial(distances)
        spherical = self.spherical(distances, turning_angles(vectors, towards_j, towards_i), towards_j)
        messages = self.embedding(batch.atomic_numbers, radial, centre, neighbour)
        n_sites = len(batch.atomic_numbers)
        layers = [self.outputs[0](messages, radial, centre, n_sites)]
        for interaction, output in zip(self.interactions, self.outputs[1:], strict=True):
            messages = interaction(messages, radial, spherical, towards_j, towards_i)
            layers.append(output(messages, radial, centre, n_sites))
        return layers
