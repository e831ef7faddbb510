"""How long a calculation may take and how much memory its processes may have, as people write it."""

import re
from dataclasses import dataclass
from typing import Final

from catalyst_assets.errors import UsageError

_SECONDS: Final = {"s": 1, "min": 60, "m": 60, "h": 3600, "d": 86400}
_PLAIN: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|d)?")
# As Slurm writes it: days, then hours, minutes, seconds.
_CLOCK: Final = re.compile(r"(?:(\d+)-)?(\d+):([0-5]?\d)(?::([0-5]?\d))?")


@dataclass(frozen=True)
class Limits:
    """What one attempt of a calculation may use; None is no limit."""

    wall_seconds: float | None = None
    memory_bytes: int | None = None


def read_wall_time(text: str, origin: str) -> float | None:
    """Return the seconds of ``36h``, ``90 min``, ``3600`` or Slurm's ``1-12:00:00``; None for ``0``, no limit.

    Raises
    ------
    UsageError
        It is no such time.
    """
    text = text.strip().lower()
    if text == "0":
        return None
    seconds = 0.0
    if match := _PLAIN.fullmatch(text):
        seconds = float(match[1]) * _SECONDS[match[2] or "s"]
    elif match := _CLOCK.fullmatch(text):
        days, hours, minutes, rest = (int(part or 0) for part in match.groups())
        seconds = float(((days * 24 + hours) * 60 + minutes) * 60 + rest)
    if seconds <= 0:
        raise UsageError(
            f"{origin} is no time: {text!r}.",
            "Write one such as 36h, 90min, 3600 or 1-12:00:00; 0 is no limit.",
        )
    return seconds


def read_memory(text: str, origin: str) -> int | None:
    """Return the bytes of ``64GiB`` or ``900 MB``; None for ``0``, no limit.

    Raises
    ------
    UsageError
        It is no such size.
    """
    from pydantic import ByteSize, TypeAdapter, ValidationError

    if text.strip() == "0":
        return None
    try:
        size = int(TypeAdapter(ByteSize).validate_python(text.strip()))
    except ValidationError:
        size = 0
    if size <= 0:
        raise UsageError(
            f"{origin} is no size: {text!r}.", "Write one such as 64GiB or 900MB; 0 is no limit."
        )
    return size
