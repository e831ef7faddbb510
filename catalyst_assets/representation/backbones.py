"""Equivariant networks that turn a crystal into invariant node features: building, naming, storing.

MACE: I. Batatia et al., NeurIPS 2022. A backbone is named by the sha256 of its bytes, which hold its
architecture and every weight; nothing is pickled.
"""

import contextlib
import hashlib
import io
import json
import os
import warnings
from dataclasses import asdict, dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

from catalyst_assets.errors import CorruptArtifactError
from catalyst_assets.representation.graphs import CUTOFF_ANGSTROM, LARGEST_ATOMIC_NUMBER

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class BackboneConfig:
    """Architecture of a MACE network; elements are those from hydrogen to ``n_elements``.

    Attributes
    ----------
    channels
        Invariant features a site and layer.
    layers
        Rounds of message passing.
    max_ell
        Highest angular momentum of the messages.
    correlation
        Body order of a layer, less one.
    r_max
        Cutoff radius, Å.
    n_bessel
        Radial basis functions.
    radial_width
        Width of the two hidden layers on the radial basis.
    average_neighbours
        What sums over neighbours are divided by.
    n_elements
        Largest atomic number.
    pretrained
        Whether the weights were learned from data; those drawn at random describe, but nothing worth learning
        from that the descriptors do not say better.
    """

    channels: int = 16
    layers: int = 2
    max_ell: int = 3
    correlation: int = 2
    r_max: float = CUTOFF_ANGSTROM
    n_bessel: int = 8
    radial_width: int = 32
    average_neighbours: float = 40.0
    n_elements: int = LARGEST_ATOMIC_NUMBER
    pretrained: bool = False


@dataclass(frozen=True)
class Backbone:
    """A network in evaluation mode, in float64, and its name.

    Attributes
    ----------
    fingerprint
        sha256 of :meth:`to_bytes`.
    """

    config: BackboneConfig
    model: "torch.nn.Module"
    fingerprint: str

    def to_bytes(self) -> bytes:
        """Return weights as safetensors with the configuration in the header."""
        return _serialize(self.config, self.model)

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
            config = BackboneConfig(**json.loads(_read_header(data)["config"]))
            model = _build_model(config, seed=0)
            model.load_state_dict(load(data), strict=True)
        except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
            raise CorruptArtifactError(
                f"The stored backbone cannot be read: {str(error).splitlines()[0]}.",
                "Materialize the asset `backbone` again.",
            ) from error
        return cls(config, model, hashlib.sha256(data).hexdigest())


def build_small_mace(seed: int, config: BackboneConfig | None = None) -> Backbone:
    """Build a small MACE with random weights drawn from ``seed``.

    Weights that belong to an element are random linear functions of its properties, so that similar
    elements act alike although nothing was learned yet.
    """
    config = config or BackboneConfig()
    model = _build_model(config, seed)
    _relate_elements(model, config, seed)
    return Backbone(config, model, hashlib.sha256(_serialize(config, model)).hexdigest())


def import_mace() -> ModuleType:
    """Import ``mace.modules`` and leave torch's safe loading as it was.

    ``import mace`` tells torch to unpickle whatever ``torch.load`` is given; e3nn, imported first, can
    read its constants safely once ``slice`` is allowed.
    """
    import torch

    torch.serialization.add_safe_globals([slice])
    import e3nn.o3  # noqa: F401

    try:
        with contextlib.redirect_stdout(io.StringIO()):  # it prints what it misses
            import mace.modules
    finally:
        os.environ.pop("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", None)
    return mace.modules


def _build_model(config: BackboneConfig, seed: int) -> "torch.nn.Module":
    import numpy as np
    import torch

    modules = import_mace()
    from e3nn import o3

    default_dtype = torch.get_default_dtype()
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        # e3nn compiles its blocks with annotations that TorchScript only warns about, once a block.
        warnings.filterwarnings("ignore", message="The TorchScript type system", category=UserWarning)
        warnings.filterwarnings("ignore", message="`torch.jit", category=DeprecationWarning)
        torch.manual_seed(seed)
        torch.set_default_dtype(torch.float64)
        try:
            model: torch.nn.Module = modules.ScaleShiftMACE(
                r_max=config.r_max,
                num_bessel=config.n_bessel,
                num_polynomial_cutoff=5,
                max_ell=config.max_ell,
                interaction_cls_first=modules.RealAgnosticInteractionBlock,
                interaction_cls=modules.RealAgnosticResidualInteractionBlock,
                num_interactions=config.layers,
                num_elements=config.n_elements,
                atomic_numbers=list(range(1, config.n_elements + 1)),
                atomic_energies=np.zeros(config.n_elements),
                hidden_irreps=o3.Irreps([(config.channels, (0, 1))]),
                MLP_irreps=o3.Irreps([(config.channels, (0, 1))]),
                gate=torch.nn.functional.silu,
                radial_MLP=[config.radial_width, config.radial_width],
                avg_num_neighbors=config.average_neighbours,
                correlation=config.correlation,
                atomic_inter_scale=1.0,
                atomic_inter_shift=0.0,
            )
        finally:
            torch.set_default_dtype(default_dtype)
    return model.eval().requires_grad_(False)


def _relate_elements(model: "torch.nn.Module", config: BackboneConfig, seed: int) -> None:
    """Draw the weights of each element as the same random projection of its standardized properties."""
    import numpy as np
    import torch

    from catalyst_assets.representation.elements import element_table

    table = element_table().values[1 : config.n_elements + 1]
    scaled = (table - table.mean(axis=0)) / table.std(axis=0)
    known = np.concatenate([scaled / np.sqrt(scaled.shape[1]), np.ones((len(scaled), 1))], axis=1)
    known /= np.linalg.norm(known, axis=1, keepdims=True)
    properties = torch.from_numpy(known)
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        if "symmetric_contractions" in name:
            by_element = parameter.reshape(config.n_elements, -1)
        elif name.startswith("node_embedding") or "skip_tp" in name:
            by_element = parameter.reshape(-1, config.n_elements, config.channels)
        else:
            continue
        shape = (*by_element.shape[:-2], properties.shape[1], by_element.shape[-1])
        projection = torch.randn(shape, generator=generator, dtype=torch.float64)
        parameter.copy_((properties @ projection * parameter.std()).reshape(parameter.shape))


def _serialize(config: BackboneConfig, model: "torch.nn.Module") -> bytes:
    from safetensors.torch import save

    tensors = {name: tensor.contiguous().clone() for name, tensor in model.state_dict().items()}
    return save(tensors, metadata={"config": json.dumps(asdict(config), sort_keys=True)})


def _read_header(data: bytes) -> dict[str, Any]:
    length = int.from_bytes(data[:8], "little")
    metadata: dict[str, Any] = json.loads(data[8 : 8 + length])["__metadata__"]
    return metadata
