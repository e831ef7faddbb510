"""Which devices a process may see: what the host has, narrowed by `CUDA_VISIBLE_DEVICES`.

Devices are named by their UUID where nvidia-smi tells it, so that all processes of a host mean the same by a name
(https://docs.nvidia.com/cuda/cuda-c-programming-guide/#cuda-environment-variables).
"""

import os
import re
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

VISIBLE: Final = "CUDA_VISIBLE_DEVICES"
# The first question after a start may have to wait until the driver has set the devices up.
_ANSWER_SECONDS: Final = 60.0
_WHOLE: Final = re.compile(r"^GPU (\d+): .*\(UUID: (GPU-[^)]+)\)")
_PART: Final = re.compile(r"^\s+MIG .*\(UUID: (MIG-[^)]+)\)")


@dataclass(frozen=True)
class Card:
    """A GPU of this host.

    Attributes
    ----------
    name
        Its UUID, or its number where nobody tells the UUID.
    parts
        UUIDs of the instances that it is cut into (MIG); only these compute then.
    """

    name: str
    parts: tuple[str, ...] = ()

    @property
    def devices(self) -> tuple[str, ...]:
        """What of it can be computed on."""
        return self.parts or (self.name,)


def visible_devices() -> tuple[str, ...]:
    """Return the names of the devices that this process may see; none where there is no GPU, or all are hidden."""
    return narrow(cards_of_host(), os.environ.get(VISIBLE))


def narrow(cards: tuple[Card, ...], asked: str | None) -> tuple[str, ...]:
    """Return the devices of which a value of `CUDA_VISIBLE_DEVICES` speaks, by the names of the cards.

    As CUDA does, nothing is seen from the first name on that means nothing. A UUID that no card has is believed:
    not everywhere can the cards be asked.
    """
    if asked is None:
        return tuple(device for card in cards for device in card.devices)
    known = {name: name for card in cards for name in card.parts}
    known |= {card.name: card.devices[0] for card in cards}
    names: list[str] = []
    for part in (each.strip() for each in asked.split(",")):
        if part.isdecimal():
            # Without nvidia-smi cards are named by their numbers; where there are none at all, the number is believed.
            found = cards[int(part)].devices[0] if int(part) < len(cards) else None
            name = part if not cards else found
        else:
            whole = [known[each] for each in known if part and each.startswith(part)]
            name = whole[0] if whole else part if part.startswith(("GPU-", "MIG-")) else None
        if name is None or name in names:
            break
        names.append(name)
    return tuple(names)


@lru_cache(maxsize=1)
def cards_of_host() -> tuple[Card, ...]:
    """Ask nvidia-smi for the cards; where it is missing, count their files."""
    try:
        told = subprocess.run(
            ["nvidia-smi", "-L"],
            capture_output=True,
            text=True,
            timeout=_ANSWER_SECONDS,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        told = ""
    files = [path for path in Path("/dev").glob("nvidia*") if path.name.removeprefix("nvidia").isdecimal()]
    return read_listing(told) or tuple(Card(str(number)) for number in range(len(files)))


def read_listing(told: str) -> tuple[Card, ...]:
    """Read what `nvidia-smi -L` prints: a line a card, below it a line for each instance it is cut into."""
    cards: list[Card] = []
    for line in told.splitlines():
        if whole := _WHOLE.match(line):
            cards.append(Card(whole[2]))
        elif (part := _PART.match(line)) and cards:
            cards[-1] = Card(cards[-1].name, (*cards[-1].parts, part[1]))
    return tuple(cards)
