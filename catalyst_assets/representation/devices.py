"""Where networks are computed, and what a GPU does otherwise than a CPU: it fails, fills up, and adds in any order.

What is computed there lies in `batching`, `fitting` and the heads.
"""

import copy
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from catalyst_assets.constants import Accelerator
from catalyst_assets.errors import CatalystError, UsageError

if TYPE_CHECKING:
    from catalyst_assets.representation.networks.interface import GraphNetwork

_WITHOUT_A_GPU: Final = "CATALYST_ACCELERATOR=cpu does without it."


class GpuError(CatalystError):
    """A GPU failed, or has too little memory left."""


def choose_device(accelerator: Accelerator) -> str:
    """Return ``cpu``, or the name of the current GPU; ``auto`` is that where there is one.

    Raises
    ------
    UsageError
        A GPU is asked for and there is none.
    GpuError
        It cannot be set up.
    """
    import torch

    if accelerator == "cpu":
        return "cpu"
    if torch.cuda.is_available():
        with gpu_errors("cuda"):  # the first to ask for its number sets it up
            return f"cuda:{torch.cuda.current_device()}"
    if accelerator == "gpu":
        raise UsageError("There is no GPU that torch can use.", "Choose the accelerator auto or cpu.")
    return "cpu"


def on_device(network: "GraphNetwork", device: str) -> "GraphNetwork":
    """Return the network itself on the CPU, a copy of it elsewhere."""
    if device == "cpu":
        return network
    with gpu_errors(device):
        return copy.deepcopy(network).to(device)


@contextmanager
def gpu_errors(device: str) -> Iterator[None]:
    """Say plainly that a GPU has too little memory left, or failed for good.

    Raises
    ------
    GpuError
        Either; other errors go through as they are.
    """
    try:
        yield
    except RuntimeError as error:
        if not device.startswith("cuda"):
            raise
        if is_out_of_memory(error):
            raise GpuError(
                "The GPU has too little memory left.",
                f"End what else uses it (nvidia-smi tells what does), then try again; {_WITHOUT_A_GPU}",
            ) from error
        require_working(device)
        raise


@contextmanager
def repeatable(device: str) -> Iterator[None]:
    """Have a GPU add in an order of its own no longer: the same call gives the same bits there, as on a CPU."""
    import torch

    if not device.startswith("cuda"):
        yield
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it torch vouches for no product
    enabled = torch.are_deterministic_algorithms_enabled()
    warns_only = torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(enabled, warn_only=warns_only)


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether memory was too small; TorchScript hides that in an error of its own."""
    import torch

    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and "CUDA" in str(error) and "out of memory" in str(error)
    )


def require_working(device: str) -> None:
    """Raise where every further call fails as well: that says nothing of the crystals that it is about."""
    import torch

    try:
        torch.cuda.synchronize(device)
    except RuntimeError as error:
        raise GpuError(
            f"The GPU stopped working: {first_reason(error)}",
            f"Start the run again, in a new process; if that does not help: {_WITHOUT_A_GPU}",
        ) from error


def first_reason(error: Exception) -> str:
    """Return the line that says what is wrong: TorchScript's errors begin with where, and end with what."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1 if "TorchScript" in lines[0] else 0]
