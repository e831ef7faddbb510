"""How a network is fitted: what is trained, how long, how fast, on what.

Only values: what they do lies in `module` and `fit`.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Final, Literal

from catalyst_assets.constants import Accelerator
from catalyst_assets.errors import CatalystError

Depth = Literal["head_only", "last_layers", "full"]
Precision = Literal["auto", "32-true", "16-mixed", "bf16-mixed"]

# Where a network is computed and how it is watched changes nothing of what is fitted.
_OF_NO_CONSEQUENCE: Final = ("accelerator", "devices")


class FitError(CatalystError):
    """A network cannot be fitted to these labels, with these settings or on this machine."""


@dataclass(frozen=True)
class FitSettings:
    """How a network is fitted.

    Attributes
    ----------
    depth
        What is trained beside the new head: nothing, the last message-passing layer, or the whole network.
    max_epochs
        Most passes over the training rows.
    learning_rate
        Highest, reached after the warm-up; then it falls along a cosine to a hundredth of it.
    warmup_fraction
        Share of all steps over which the learning rate rises.
    network_rate
        What the learning rate of the network's own weights is multiplied by.
    weight_decay
        Of AdamW; none on biases and norms.
    gradient_clip
        Largest norm of a step's gradient.
    ema_decay
        Of the moving average of the weights, by which validation and predictions are made.
    patience
        Passes without a better validation error that end the training.
    max_edges_per_batch
        Edges of all crystals in a batch.
    max_batches_per_epoch
        A longer pass is cut into several epochs, each with its validation and checkpoint.
    hidden
        Width of the head.
    dropout
        In the head.
    huber_delta
        Where the loss of the mean turns from square to absolute, in standard deviations of the labels.
    spread_weight, gate_weight
        Weights of the losses of spread and gate beside that of the mean.
    seed
        Everything random follows from it.
    accelerator
        ``auto`` takes a GPU where there is one.
    gpu_precision
        On a GPU; the CPU always computes in single precision. ``auto`` is ``bf16-mixed`` where that is safe
        (see `precision`), else ``32-true``. Mixed, MACE itself stays in
        single precision with matrix products in TF32, and its head is mixed.
    devices
        Over how many each batch is spread, GPUs or processes of the CPU; what is fitted is the same within rounding.
    """

    depth: Depth = "full"
    max_epochs: int = 100
    learning_rate: float = 3e-3
    warmup_fraction: float = 0.05
    network_rate: float = 1.0
    weight_decay: float = 1e-2
    gradient_clip: float = 1.0
    ema_decay: float = 0.99
    patience: int = 20
    max_edges_per_batch: int = 6000
    max_batches_per_epoch: int = 2000
    hidden: int = 64
    dropout: float = 0.0
    huber_delta: float = 0.1
    spread_weight: float = 0.1
    gate_weight: float = 0.5
    seed: int = 0
    accelerator: Accelerator = "auto"
    gpu_precision: Precision = "auto"
    devices: int = 1

    @property
    def sha256(self) -> str:
        """Hash of all that decides what is fitted."""
        values = {name: value for name, value in asdict(self).items() if name not in _OF_NO_CONSEQUENCE}
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
