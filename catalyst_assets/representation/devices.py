"""Where networks are computed, and what a GPU does otherwise than a CPU: it fails, fills up, and adds in any order.

What is computed there lies in `batching`, `fitting` and the heads; who may use which GPU in `resources.devices`.
"""

import copy
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from catalyst_assets.constants import Accelerator
from catalyst_assets.errors import CatalystError, UsageError

if TYPE_CHECKING:
    from catalyst_assets.representation.networks.interface import GraphNetwork

_log = logging.getLogger(__name__)

_WITHOUT_A_GPU: Final = "CATALYST_ACCELERATOR=cpu does without it."
_FULL: Final = (
    "The GPU has too little memory left.",
    f"End what else uses it (nvidia-smi tells what does), then try again; {_WITHOUT_A_GPU}",
)
# Why the GPU of this process is left alone, once that is known.
_unused: str | None = None


class GpuError(CatalystError):
    """A GPU failed, or has too little memory left."""


class UnusableGpuError(GpuError):
    """A GPU is there, and nothing can be computed on it: its driver is too old for torch, for one."""


def choose_device(accelerator: Accelerator) -> str:
    """Return ``cpu``, or the name of the GPU that this process has leased; ``auto`` is that where there is one.

    The first call leases one and sets it up, and may wait until another process has ended. With ``auto``, one that
    cannot be set up is told of once, and left alone from then on; one that is merely full is not.

    Raises
    ------
    UsageError
        A GPU is asked for and there is none.
    GpuError
        A GPU is asked for and cannot be set up, or it has too little memory left.
    DeviceBusyError
        Other processes had it for too long.
    """
    global _unused
    if accelerator == "cpu" or (accelerator == "auto" and _unused is not None):
        return "cpu"
    try:
        device = _leased_gpu()
    except UnusableGpuError as error:
        if accelerator == "gpu":
            raise
        _unused = str(error)
        _log.warning("Networks run on the CPU. %s", error)
        return "cpu"
    if device is None and accelerator == "gpu":
        raise UsageError("There is no GPU that torch can use.", "Choose the accelerator auto or cpu.")
    return device or "cpu"


def unused_gpu() -> str | None:
    """Return why this process leaves a GPU alone that is there; None where it has none, or uses it."""
    return _unused


def _leased_gpu() -> str | None:
    """Lease a GPU and set it up; None where there is none."""
    import torch

    from resources.devices.leases import held_devices, lease_devices, release_devices
    from resources.devices.visible import visible_devices
    from resources.settings import get_settings

    if held_devices():
        return f"cuda:{torch.cuda.current_device()}"
    visible = visible_devices()
    if visible and not torch.backends.cuda.is_built():  # type: ignore[no-untyped-call]  # nobody has to be waited for to know that
        raise UnusableGpuError("There is a GPU, and this torch was built without CUDA.", _WITHOUT_A_GPU)
    if visible and not torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        lease_devices(get_settings())
    elif torch.cuda.is_available():  # set up already, or of a kind that nobody lists
        lease_devices(get_settings(), [_current_name(visible)])
    else:
        return None
    try:
        # The first to ask for its number sets it up; whether it computes shows when it does.
        device = torch.device("cuda", torch.cuda.current_device())
        torch.ones(2, 2, device=device).matmul(torch.ones(2, 2, device=device)).cpu()
    except Exception as error:
        release_devices()
        if is_out_of_memory(error):
            raise GpuError(*_FULL) from error
        reason = first_reason(error).rstrip(".")
        raise UnusableGpuError(f"The GPU cannot be set up: {reason}.", _WITHOUT_A_GPU) from error
    return str(device)


def _current_name(visible: tuple[str, ...]) -> str:
    """Return how other processes call the GPU that torch has set up in this one."""
    import torch

    number = torch.cuda.current_device()
    uuid = f"GPU-{getattr(torch.cuda.get_device_properties(number), 'uuid', '')}"
    if uuid in visible:
        return uuid
    return visible[number] if number < len(visible) else f"cuda{number}"


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
            raise GpuError(*_FULL) from error
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
