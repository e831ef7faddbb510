"""The most memory that this process and those it started held at one time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import psutil

_EVERY_SECONDS: Final = 0.2


@dataclass
class PeakMemory:
    """Peaks in MB (10⁶ bytes), growing while they are measured.

    Attributes
    ----------
    own_mb
        Resident memory of this process and its children, the database server left out.
    with_postgres_mb
        The same with the server's processes, each without what it shares with the others.
    """

    own_mb: float = 0.0
    with_postgres_mb: float = 0.0

    def look(self) -> None:
        """Take what is held now into account."""
        own = server = 0
        for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
            try:
                memory = process.memory_info()
                if process.name().startswith("postgres"):
                    server += memory.rss - memory.shared
                else:
                    own += memory.rss
            except psutil.Error:
                continue
        self.own_mb = max(self.own_mb, own / 1e6)
        self.with_postgres_mb = max(self.with_postgres_mb, (own + server) / 1e6)


@contextmanager
def peak_memory() -> Iterator[PeakMemory]:
    """Measure until the block is left."""
    peak = PeakMemory()
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(_EVERY_SECONDS):
            peak.look()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        ended.set()
        watcher.join()
        peak.look()
