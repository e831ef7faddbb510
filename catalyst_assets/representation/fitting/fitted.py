"""A fitted network: predictions from crystals, and its bytes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

import numpy as np
import torch
from numpy.typing import NDArray

from catalyst_assets.errors import CorruptArtifactError
from catalyst_assets.representation.batching import measured_batches
from catalyst_assets.representation.devices import gpu_errors, repeatable
from catalyst_assets.representation.fitting.data import TargetScaling, in_order
from catalyst_assets.representation.fitting.head import (
    HeadConfig,
    HeadOutput,
    HurdlePrediction,
    PropertyHead,
    build_head,
)
from catalyst_assets.representation.fitting.loss import in_units
from catalyst_assets.representation.fitting.settings import FitSettings
from catalyst_assets.representation.graphs import CrystalGraph
from catalyst_assets.representation.networks.configs import NetworkConfig, config_from_json, config_to_json
from catalyst_assets.representation.networks.interface import GraphNetwork, collate
from resources.devices.memory import BatchSizer, CudaMeter

_FORMAT: Final = "catalyst-fitted-network-1"
# Without gradients a GPU takes more at once than it is trained on, as far as its memory goes.
_EDGES_ON_A_GPU: Final = 50_000


@dataclass(frozen=True)
class FittedNetwork:
    """A network and a head that learned p properties.

    Attributes
    ----------
    network, head
        In evaluation mode, single precision, on the CPU.
    config
        Of the network.
    scaling
        From standardised outputs to units.
    settings
        How it was fitted.
    curves
        (epoch, value) points of each metric.
    best_epoch
        The epoch whose averaged weights these are.
    """

    network: GraphNetwork
    config: NetworkConfig
    head: PropertyHead
    scaling: TargetScaling
    settings: FitSettings
    curves: Mapping[str, tuple[tuple[int, float], ...]]
    best_epoch: int

    @property
    def properties(self) -> tuple[str, ...]:
        """The p names."""
        return self.scaling.properties

    @torch.no_grad()
    def predict(
        self,
        graphs: Sequence[CrystalGraph],
        extra: NDArray[np.float32],
        *,
        device: str = "cpu",
    ) -> tuple[HurdlePrediction, ...]:
        """Predict m crystals.

        Parameters
        ----------
        graphs
            With the network's cutoff.
        extra
            The further features it was fitted with, shape (m, f).
        device
            Where to compute; the weights come back afterwards.

        Returns
        -------
        One prediction a property.

        Raises
        ------
        GpuError
            The GPU failed, or has too little memory left.
        """
        if extra.shape != (len(graphs), self.head.config.n_extra):
            raise ValueError(f"{self.head.config.n_extra} further features expected, given {extra.shape}")
        counts = np.array([graph.edges.shape[1] for graph in graphs], dtype=np.int64)
        nothing = torch.zeros(0, len(self.properties))
        outputs = [HeadOutput(nothing, nothing, nothing)]
        sizer = BatchSizer.fixed(self.settings.max_edges_per_batch)
        if device != "cpu":
            sizer = BatchSizer.measuring(CudaMeter(device), max(sizer.budget, _EDGES_ON_A_GPU))
        with repeatable(device), gpu_errors(device):
            network, head = self.network.to(device), self.head.to(device)
            try:
                for rows in measured_batches(counts, sizer, in_order):
                    batch = collate([graphs[row] for row in rows], torch.float32).to(device)
                    features = torch.from_numpy(np.ascontiguousarray(extra[rows], dtype=np.float32)).to(
                        device
                    )
                    output = head(network.describe(batch), batch.graph_of_site, batch.sizes, features)
                    outputs.append(HeadOutput.join([output]))
            finally:
                network.cpu()
                head.cpu()
        return in_units(HeadOutput.join(outputs), self.scaling)

    def to_bytes(self) -> bytes:
        """Return weights as safetensors with everything else in the header."""
        from safetensors.torch import save

        tensors = {
            f"{part}.{name}": tensor.contiguous().clone()
            for part, module in (("network", self.network), ("head", self.head))
            for name, tensor in module.state_dict().items()
        }
        for name in ("center", "scale", "floor"):
            tensors[f"scaling.{name}"] = torch.from_numpy(getattr(self.scaling, name).copy())
        document = {
            "format": _FORMAT,
            "network": config_to_json(self.config),
            "head": asdict(self.head.config),
            "properties": list(self.properties),
            "settings": asdict(self.settings),
            "curves": self.curves,
            "best_epoch": self.best_epoch,
        }
        return bytes(save(tensors, metadata={"fitted": json.dumps(document, sort_keys=True)}))

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Rebuild a fitted network; it predicts the same to the last bit.

        Raises
        ------
        CorruptArtifactError
            The bytes are not those of a fitted network of this version.
        """
        from safetensors import SafetensorError

        try:
            return cls(**_read(data))
        except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
            raise CorruptArtifactError(
                f"A stored model cannot be read: {str(error).splitlines()[0]}.",
                "Materialize trained_model of its iteration again.",
            ) from None


def _read(data: bytes) -> dict[str, Any]:
    from safetensors.torch import load

    from catalyst_assets.representation.networks.architectures import build_network

    tensors = load(data)
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    document = json.loads(header["__metadata__"]["fitted"])
    if document["format"] != _FORMAT:
        raise ValueError(f"format {document['format']!r} is not {_FORMAT!r}")
    config = config_from_json(document["network"])
    network = build_network(config, seed=0)
    head = build_head(HeadConfig(**document["head"]), seed=0)
    for part, module in (("network.", network), ("head.", head)):
        state = {name.removeprefix(part): tensor for name, tensor in tensors.items() if name.startswith(part)}
        module.load_state_dict(state, strict=True)
    numbers = (tensors[f"scaling.{name}"].numpy() for name in ("center", "scale", "floor"))
    return {
        "network": network.eval().requires_grad_(False),
        "config": config,
        "head": head.eval().requires_grad_(False),
        "scaling": TargetScaling(tuple(document["properties"]), *numbers),
        "settings": FitSettings(**document["settings"]),
        "curves": {
            name: tuple((int(epoch), float(value)) for epoch, value in points)
            for name, points in document["curves"].items()
        },
        "best_epoch": document["best_epoch"],
    }
