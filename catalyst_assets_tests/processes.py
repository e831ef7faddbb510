"""Find and await the processes that a test's home has started."""

import time
from collections.abc import Callable

from catalyst_assets.bench.chaos.machine import processes_of

__all__ = ["eventually", "processes_of"]


def eventually(holds: Callable[[], bool], seconds: float = 120.0) -> bool:
    """Wait until ``holds``; False when it does not in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.05)
    return holds()
