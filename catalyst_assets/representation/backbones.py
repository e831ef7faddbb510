"""Graph networks that are named and stored: architecture, where the weights come from, and the weights.

A backbone is named by the sha256 of its bytes, which hold all three; nothing is pickled. The networks
themselves are in `networks`.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from catalyst_assets.errors import CorruptArtifactError
from catalyst_assets.representation.networks.configs import (
    MaceConfig,
    NetworkConfig,
    config_from_json,
    config_to_json,
)

if TYPE_CHECKING:
    from catalyst_assets.representation.networks.interface import GraphNetwork


class OriginKind(StrEnum):
    """How weights came about."""

    SEEDED = "seeded"
    PRETRAINED = "pretrained"
    FOUNDATION = "foundation"
    POTENTIAL = "potential"
    FILE = "file"


@dataclass(frozen=True)
class Origin:
    """Where weights come from; part of the stored bytes, so of the backbone's name.

    Attributes
    ----------
    details
        JSON values. Seeded: ``seed``; pretrained: ``data_sha256``, ``n_labels``, ``parent`` and what else
        it was made with; foundation: ``name``, ``licence``, ``file_sha256``; potential: these and ``package``; file:
        ``file_sha256``.
    """

    kind: OriginKind
    details: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return JSON values."""
        return {"kind": self.kind.value, **self.details}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Origin":
        """Return the origin that :meth:`to_json` wrote."""
        details = {name: value for name, value in values.items() if name != "kind"}
        return cls(OriginKind(values["kind"]), details)


@dataclass(frozen=True)
class Backbone:
    """A network in evaluation mode, without gradients, on the CPU, and its name.

    Attributes
    ----------
    fingerprint
        sha256 of :meth:`to_bytes`.
    """

    config: NetworkConfig
    network: "GraphNetwork" = field(compare=False)
    fingerprint: str
    origin: Origin

    @classmethod
    def of(cls, config: NetworkConfig, network: "GraphNetwork", origin: Origin) -> "Backbone":
        """Name a network; it is put into evaluation mode, and its weights must not change any more."""
        network = network.cpu().eval().requires_grad_(False)
        return cls(config, network, hashlib.sha256(_serialize(config, origin, network)).hexdigest(), origin)

    def with_weights(self, network: "GraphNetwork", origin: Origin) -> "Backbone":
        """Return the backbone that a network of this one's architecture became by training."""
        return Backbone.of(self.config, network, origin)

    @property
    def is_trained(self) -> bool:
        """Whether the weights were learned from data.

        Those drawn at random describe, but nothing worth learning from that the descriptors do not say better.
        """
        return self.origin.kind is not OriginKind.SEEDED

    def to_bytes(self) -> bytes:
        """Return weights as safetensors with configuration and origin in the header."""
        return _serialize(self.config, self.origin, self.network)

    def trainable_network(self) -> "GraphNetwork":
        """Return a copy of the network in training mode, with gradients, that may be changed."""
        network = _rebuild(self.config)
        network.load_state_dict(self.network.state_dict(), strict=True)
        return network

    @classmethod
    def from_bytes(cls, data: bytes) -> "Backbone":
        """Rebuild a network from :meth:`to_bytes`.

        Raises
        ------
        CorruptArtifactError
            The bytes are not those of a backbone of this version.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load

        try:
            config, origin = read_header(data)
            network = _rebuild(config)
            network.load_state_dict(load(data), strict=True)
        except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
            raise CorruptArtifactError(
                f"The stored backbone cannot be read: {(str(error).splitlines() or [repr(error)])[0]}.",
                "Materialize the asset `backbone` again.",
            ) from error
        network = network.eval().requires_grad_(False)
        return cls(config, network, hashlib.sha256(data).hexdigest(), origin)


def build_backbone(config: NetworkConfig | None = None, seed: int = 0) -> Backbone:
    """Build a network with random weights drawn from ``seed``; without a configuration the small MACE."""
    from catalyst_assets.representation.networks.architectures import build_network

    config = config or MaceConfig()
    return Backbone.of(config, build_network(config, seed), Origin(OriginKind.SEEDED, {"seed": seed}))


def read_header(data: bytes) -> tuple[NetworkConfig, Origin]:
    """Return architecture and origin of stored bytes without building the network.

    Raises
    ------
    ValueError, KeyError, TypeError
        The bytes are not those of a backbone of this version.
    """
    length = int.from_bytes(data[:8], "little")
    header: dict[str, Any] = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["backbone"])
    return config_from_json(header["config"]), Origin.from_json(header["origin"])


def _rebuild(config: NetworkConfig) -> "GraphNetwork":
    from catalyst_assets.representation.networks.architectures import build_network

    return build_network(config, seed=0)


def _serialize(config: NetworkConfig, origin: Origin, network: "GraphNetwork") -> bytes:
    from safetensors.torch import save

    tensors = {
        name: tensor.detach().cpu().contiguous().clone() for name, tensor in network.state_dict().items()
    }
    header = json.dumps({"config": config_to_json(config), "origin": origin.to_json()}, sort_keys=True)
    return save(tensors, {"backbone": header})  # one entry: safetensors writes several in any order
