"""What is chosen, and what is said, where there is no GPU or a failing one; what a GPU computes is in `test_gpu`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from catalyst_assets.representation.devices import GpuError, gpu_errors, require_working

_CHOOSE = """
import sys
from catalyst_assets.errors import UsageError
from catalyst_assets.representation.devices import choose_device
try:
    print(choose_device(sys.argv[1]))
except UsageError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("accelerator", "said"),
    [
        ("auto", "cpu"),
        ("cpu", "cpu"),
        ("gpu", "There is no GPU that torch can use. Choose the accelerator auto or cpu."),
    ],
)
def test_hidden_gpus_are_as_good_as_none(accelerator: str, said: str) -> None:
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    told = subprocess.run(
        [sys.executable, "-c", _CHOOSE, accelerator],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == said


_UNUSABLE = """
import logging, os, sys
from catalyst_assets.representation.devices import GpuError, choose_device, unused_gpu
logging.basicConfig(format="%(levelname)s %(message)s")
print(choose_device("auto"), choose_device("auto"))
print(unused_gpu())
print(os.environ["CUDA_VISIBLE_DEVICES"])
try:
    choose_device("gpu")
except GpuError as error:
    print(error)
"""


def test_a_gpu_that_cannot_be_used_is_told_of_once_and_left_alone_unless_it_is_asked_for(
    tmp_path: Path,
) -> None:
    """No driver knows this device, whether torch was built for CUDA or not."""
    hidden = {"CUDA_VISIBLE_DEVICES": "GPU-none-such", "CATALYST_DEVICE_LOCKS": str(tmp_path)}
    told = subprocess.run(
        [sys.executable, "-c", _UNUSABLE],
        env=os.environ | hidden,
        capture_output=True,
        text=True,
        check=True,
    )
    devices, reason, visible, refused = told.stdout.splitlines()
    assert devices == "cpu cpu"
    assert reason.startswith(
        ("The GPU cannot be set up: ", "There is a GPU, and this torch was built without")
    )
    assert reason.endswith("CATALYST_ACCELERATOR=cpu does without it.")
    assert refused == reason
    assert visible == "GPU-none-such"
    assert [line for line in told.stderr.splitlines() if line.startswith("WARNING")] == [
        f"WARNING Networks run on the CPU. {reason}"
    ]


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError(
            "The following operation failed in the TorchScript interpreter.\nTraceback (most recent call last):\n"
            "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB."
        ),
        RuntimeError("CUDA error: out of memory"),
    ],
    ids=["eager", "scripted", "first call"],
)
def test_a_full_gpu_is_called_that_with_what_to_do(error: RuntimeError) -> None:
    with (
        pytest.raises(GpuError, match=r"too little memory left.*nvidia-smi.*CATALYST_ACCELERATOR=cpu"),
        gpu_errors("cuda:0"),
    ):
        raise error
    with pytest.raises(type(error)), gpu_errors("cpu"):
        raise error


def test_a_gpu_that_failed_for_good_is_told_from_a_call_that_did(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: None)
    with pytest.raises(RuntimeError, match="shapes"), gpu_errors("cuda:0"):
        raise RuntimeError("shapes do not fit")

    def fail(device: str) -> None:
        raise RuntimeError(
            "CUDA error: an illegal memory access was encountered\nCUDA kernel errors might be asynchronous"
        )

    monkeypatch.setattr(torch.cuda, "synchronize", fail)
    with pytest.raises(
        GpuError, match=r"^The GPU stopped working: CUDA error: an illegal memory access was encountered St"
    ):
        require_working("cuda:0")
    with pytest.raises(GpuError, match="stopped working"), gpu_errors("cuda:0"):
        raise RuntimeError("CUDA error: an illegal memory access was encountered")
