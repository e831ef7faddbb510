"""What one process of a parallel calculation does for all: files, locks and messages are the first one's business."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def is_first() -> bool:
    """Tell whether this is the process that reads, writes and reports."""
    mpi = sys.modules.get("gpaw.mpi")
    return mpi is None or mpi.world.rank == 0


def by_first(work: Callable[[], T]) -> T:
    """Return in every process what the first one gets of ``work``, or raise what it raises."""
    mpi = sys.modules.get("gpaw.mpi")
    if mpi is None or mpi.world.size == 1:
        return work()
    result = None
    with mpi.broadcast_exception(mpi.world):
        if mpi.world.rank == 0:
            result = work()
    return mpi.broadcast(result, 0, mpi.world)  # type: ignore[no-any-return]
