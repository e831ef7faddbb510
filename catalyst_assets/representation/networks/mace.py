"""MACE: higher body orders in few layers of equivariant messages (I. Batatia et al., NeurIPS 2022).

The modules are mace-torch's; here they are built from a configuration and run without what a potential
needs beyond features and energy.
"""

import contextlib
import importlib
import io
import os
import warnings
from collections.abc import Sequence
from types import ModuleType
from typing import Any, Final

import numpy as np
import torch

from catalyst_assets.representation.networks.configs import MACE_ARGUMENTS, MaceConfig
from catalyst_assets.representation.networks.convolution import ScalarConvolution
from catalyst_assets.representation.networks.element_weights import draw_by_element, element_coordinates
from catalyst_assets.representation.networks.interface import (
    GraphBatch,
    GraphNetwork,
    NetworkOutput,
    layer_names,
)
from catalyst_assets.representation.networks.sums import sum_by

# Interactions that use what they know of an edge for nothing but the weights of the convolution.
_LENGTHS_ALONE: Final = ("RealAgnosticInteractionBlock", "RealAgnosticResidualInteractionBlock")


def import_mace(module: str = "mace.modules") -> ModuleType:
    """Import a module of mace-torch and leave torch's safe loading as it was.

    ``import mace`` tells torch to unpickle whatever ``torch.load`` is given; e3nn, imported first, can
    read its constants safely once ``slice`` is allowed.
    """
    torch.serialization.add_safe_globals([slice])
    import e3nn.o3  # noqa: F401

    try:
        with contextlib.redirect_stdout(io.StringIO()):  # it prints what it misses
            return importlib.import_module(module)
    finally:
        os.environ.pop("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", None)


class MaceNetwork(GraphNetwork):
    """A MACE of any configuration.

    Attributes
    ----------
    model
        mace-torch's own ``ScaleShiftMACE`` or ``MACE``.
    """

    model: Any

    def __init__(self, config: MaceConfig) -> None:
        super().__init__()
        self.cutoff = config.r_max
        self.atomic_numbers = config.atomic_numbers
        self.model = build_model(config)
        for interaction in self.model.interactions:
            if ScalarConvolution.fits(interaction.conv_tp):
                interaction.conv_tp = ScalarConvolution(interaction.conv_tp)
                interaction.conv_fusion = True
        self._weighs_lengths_alone = config.distance_transform == "None" and all(
            type(interaction).__name__ in _LENGTHS_ALONE
            and isinstance(interaction.conv_tp, ScalarConvolution)
            for interaction in self.model.interactions
        )
        self._energy_head = config.energy_head
        self._scalars = [_scalar_columns(product.linear.irreps_out) for product in self.model.products]
        self.feature_names = layer_names(
            sum(each.stop - each.start for each in columns) for columns in self._scalars
        )
        places = torch.zeros(max(config.atomic_numbers) + 1, dtype=torch.int64)
        places[list(config.atomic_numbers)] = torch.arange(len(config.atomic_numbers))
        self.register_buffer("_places", places, persistent=False)

    def forward(self, batch: GraphBatch) -> NetworkOutput:
        """Compute node features and energies; equal to those of ``model`` without forces."""
        edges, vectors, lengths = _messages(batch)
        attributes = self._one_hot(batch)
        layers = self._layers(attributes, edges, vectors, lengths)
        heads = torch.full_like(batch.graph_of_site, self._energy_head)
        sites = torch.arange(len(heads), device=heads.device)
        parts = [
            readout(layers[-1 if len(self.model.readouts) == 1 else index], heads)[sites, heads]
            for index, readout in enumerate(self.model.readouts)
        ]
        if hasattr(self.model, "pair_repulsion"):
            numbers = self.model.atomic_numbers
            parts.append(self.model.pair_repulsion_fn(lengths, attributes, edges, numbers))
        interaction = torch.stack(parts).sum(dim=0)
        if hasattr(self.model, "scale_shift"):
            interaction = self.model.scale_shift(interaction, heads)
        isolated = self.model.atomic_energies_fn(attributes)[sites, heads]
        energies = sum_by(isolated + interaction, batch.graph_of_site, batch.n_graphs)
        return NetworkOutput(self._invariants(layers), energies)

    def describe(self, batch: GraphBatch) -> torch.Tensor:
        """Compute node features alone, without readouts and energies.

        Crystals repeat their distances, at least there and back: where nothing but its length weighs an edge,
        each length is weighed once, rounded to 1e-9 Å.
        """
        edges, vectors, lengths = _messages(batch)
        if self._weighs_lengths_alone:
            lengths, which = torch.unique(lengths.detach().round(decimals=9), return_inverse=True)
            edges, lengths = torch.cat([edges, which.view(1, -1)]), lengths[:, None]
        return self._invariants(self._layers(self._one_hot(batch), edges, vectors, lengths))

    def blocks(self) -> Sequence[torch.nn.Module]:
        """Return the embedding of the elements and each layer."""
        pairs = zip(self.model.interactions, self.model.products, strict=True)
        return [self.model.node_embedding, *(torch.nn.ModuleList(pair) for pair in pairs)]

    def _layers(
        self, attributes: torch.Tensor, edges: torch.Tensor, vectors: torch.Tensor, lengths: torch.Tensor
    ) -> list[torch.Tensor]:
        nodes = self.model.node_embedding(attributes)
        harmonics = self.model.spherical_harmonics(vectors)
        radial, cutoff = self.model.radial_embedding(lengths, attributes, edges, self.model.atomic_numbers)
        layers = []
        for index, (interaction, product) in enumerate(
            zip(self.model.interactions, self.model.products, strict=True)
        ):
            message, skip = interaction(
                node_attrs=attributes,
                node_feats=nodes,
                edge_attrs=harmonics,
                edge_feats=radial,
                edge_index=edges,
                cutoff=cutoff,
                first_layer=index == 0,
            )
            nodes = product(node_feats=message, sc=skip, node_attrs=attributes)
            layers.append(nodes)
        return layers

    def _one_hot(self, batch: GraphBatch) -> torch.Tensor:
        columns = self._places[batch.atomic_numbers]  # type: ignore[index]
        attributes = batch.positions.new_zeros((len(columns), len(self.atomic_numbers)))
        return attributes.scatter_(1, columns[:, None], 1.0)

    def _invariants(self, layers: list[torch.Tensor]) -> torch.Tensor:
        pairs = zip(layers, self._scalars, strict=True)
        return torch.cat([nodes[:, each] for nodes, columns in pairs for each in columns], dim=1)

    def relate_elements(self, seed: int) -> None:
        """Draw what belongs to an element as a random linear function of its properties, in the same spread."""
        coordinates = element_coordinates(self.atomic_numbers)
        n_elements, channels = len(self.atomic_numbers), self.model.node_embedding.linear.irreps_out.dim
        generator = torch.Generator().manual_seed(seed)
        for name, parameter in self.model.named_parameters():
            if "symmetric_contractions" in name and not self.model.use_agnostic_product:
                shape: tuple[int, ...] = (n_elements, parameter.numel() // n_elements)
            elif name.startswith("node_embedding") or "skip_tp" in name:
                shape = (parameter.numel() // (n_elements * channels), n_elements, channels)
            else:
                continue
            if np.prod(shape) != parameter.numel():
                continue  # an interaction whose skip connection knows no elements
            drawn = draw_by_element(coordinates, shape, generator).reshape(parameter.shape)
            with torch.no_grad():
                parameter.copy_(drawn * parameter.std())


def build_model(config: MaceConfig) -> torch.nn.Module:
    """Build mace-torch's own model, in the default dtype and from the random state as they are."""
    modules = import_mace()
    from e3nn import o3

    arguments = {theirs: getattr(config, ours) for ours, theirs in MACE_ARGUMENTS.items()}
    for name, table in (
        ("interaction_cls_first", modules.interaction_classes),
        ("interaction_cls", modules.interaction_classes),
        ("readout_cls", modules.readout_classes),
    ):
        arguments[name] = table[arguments[name]]
    for name in ("hidden_irreps", "MLP_irreps", "edge_irreps"):
        arguments[name] = None if arguments[name] is None else o3.Irreps(arguments[name])
    if config.scale_shift:
        arguments |= {"atomic_inter_scale": config.scale, "atomic_inter_shift": config.shift}
    with warnings.catch_warnings():
        # e3nn compiles its blocks with annotations that TorchScript only warns about, once a block.
        warnings.filterwarnings("ignore", message="The TorchScript type system", category=UserWarning)
        warnings.filterwarnings("ignore", message="`torch.jit", category=DeprecationWarning)
        model: torch.nn.Module = (modules.ScaleShiftMACE if config.scale_shift else modules.MACE)(
            **arguments
            | {"gate": modules.gate_dict[str(config.gate)], "radial_MLP": list(config.radial_mlp)},
            num_elements=len(config.atomic_numbers),
            atomic_numbers=list(config.atomic_numbers),
            atomic_energies=np.array(config.atomic_energies or np.zeros(len(config.atomic_numbers))),
            heads=list(config.heads),
        )
    return model


def _messages(batch: GraphBatch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return sender and receiver of each edge, and its vector and length; the receivers are in order."""
    vectors = -batch.edge_vectors()
    return batch.edges.flip(0), vectors, torch.linalg.vector_norm(vectors, dim=1, keepdim=True)


def _scalar_columns(irreps: object) -> list[slice]:
    from e3nn import o3

    layer = o3.Irreps(str(irreps))
    return [
        columns for (_, irrep), columns in zip(layer, layer.slices(), strict=True) if irrep == o3.Irrep("0e")
    ]
