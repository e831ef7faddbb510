"""With how many digits a GPU fits a network: bfloat16 where that is safe, else single precision.

Safe is a network whose parts torch's autocast reaches, on a GPU whose cores compute with bfloat16: it has float32's range,
so that no gradient vanishes; weights, their steps and the loss stay in single precision (docs/backbones.md has errors).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal

import torch

from catalyst_assets.representation.fitting.settings import Precision

# MACE multiplies by constants that autocast leaves in single precision, which tensordot refuses.
_IN_SINGLE_PRECISION: Final = ("mace",)
_COMPUTES_WITH_BF16: Final = (8, 0)

Chosen = Literal["32-true", "16-mixed", "bf16-mixed"]


def autocasts(architecture: str) -> bool:
    """Tell whether a network can be computed in mixed precision; else its head alone is."""
    return architecture not in _IN_SINGLE_PRECISION


def choose_precision(asked: Precision, architecture: str, capability: tuple[int, int] | None) -> Chosen:
    """Return the precision of a fit.

    Parameters
    ----------
    asked
        Of the settings; what is asked for explicitly is what a GPU does.
    architecture
        Of the network.
    capability
        Of the GPU, as CUDA counts; None on a CPU, which computes in single precision whatever is asked.
    """
    if capability is None:
        return "32-true"
    if asked != "auto":
        return asked
    is_safe = autocasts(architecture) and capability >= _COMPUTES_WITH_BF16
    return "bf16-mixed" if is_safe else "32-true"


def capability_of(device: torch.device) -> tuple[int, int] | None:
    """Return what a GPU can do, as CUDA counts; None of a CPU."""
    return torch.cuda.get_device_capability(device) if device.type == "cuda" else None


@contextmanager
def matrix_products(precision: Chosen) -> Iterator[None]:
    """Let a GPU multiply matrices in TF32 in mixed precision, also those of the networks left in single."""
    before = torch.get_float32_matmul_precision()
    if precision != "32-true":
        torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
