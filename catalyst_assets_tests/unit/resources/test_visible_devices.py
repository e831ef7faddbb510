"""What of the host's GPUs a process may see, by the names that all processes share."""

import pytest

from resources.devices.visible import Card, narrow, read_listing

WHOLE = "GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-1111-aa)\nGPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-2222-bb)\n"
CUT = (
    "GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-1111-aa)\n"
    "  MIG 3g.20gb     Device  0: (UUID: MIG-7777-x)\n"
    "  MIG 3g.20gb     Device  1: (UUID: MIG-8888-y)\n"
    "GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-2222-bb)\n"
)


@pytest.mark.parametrize(
    ("told", "asked", "seen"),
    [
        (WHOLE, None, ("GPU-1111-aa", "GPU-2222-bb")),
        (WHOLE, "", ()),
        (WHOLE, "-1", ()),
        (WHOLE, "1", ("GPU-2222-bb",)),
        (WHOLE, " 1, 0 ", ("GPU-2222-bb", "GPU-1111-aa")),
        (WHOLE, "GPU-22,0", ("GPU-2222-bb", "GPU-1111-aa")),
        (WHOLE, "0,5,1", ("GPU-1111-aa",)),
        (WHOLE, "0,0", ("GPU-1111-aa",)),
        (WHOLE, "0,-1,1", ("GPU-1111-aa",)),
        (CUT, None, ("MIG-7777-x", "MIG-8888-y", "GPU-2222-bb")),
        (CUT, "MIG-8888-y", ("MIG-8888-y",)),
        (CUT, "0", ("MIG-7777-x",)),
        (CUT, "1", ("GPU-2222-bb",)),
        ("", None, ()),
        ("", "0,1", ("0", "1")),
        ("", "GPU-elsewhere", ("GPU-elsewhere",)),
        ("", "nonsense", ()),
        ("No devices were found\n", None, ()),
    ],
)
def test_devices_are_those_of_the_host_as_narrowed_from_outside(
    told: str, asked: str | None, seen: tuple[str, ...]
) -> None:
    assert narrow(read_listing(told), asked) == seen


def test_without_nvidia_smi_a_card_is_called_by_its_number() -> None:
    cards = (Card("0"), Card("1"))
    assert narrow(cards, None) == ("0", "1")
    assert narrow(cards, "1,7") == ("1",)
