"""What one process of a parallel calculation does for all: files, locks and messages are the first one's business."""

from __future__ import annotations

import importlib
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def start() -> None:
    """Find out which of the processes this one is, before any of them does something for all."""
    with suppress(ImportError):  # without GPAW there is one, which says what is missing
        importlib.import_module("gpaw.mpi")


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
