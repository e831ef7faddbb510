"""Raw files into rows that are ready for COPY, over several processes where there is enough to do.

Parsing needs no database: a worker gets the row of a raw file and where the object store is.
"""

import gc
import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import cache
from itertools import islice
from multiprocessing.process import BaseProcess
from typing import Any, Final

from catalyst_assets.errors import CatalystError
from catalyst_assets.ingestion.adsorption.loading import prepare_adsorption
from catalyst_assets.ingestion.adsorption.records import AdsorptionParser, AdsorptionRecord
from catalyst_assets.ingestion.loading import Prepared, prepare_rows
from catalyst_assets.ingestion.raw_cache import RawFile, open_raw
from catalyst_assets.ingestion.records import Record, Rejection, validate
from catalyst_assets.ingestion.sources.parsers import PARSERS
from resources.object_store import ObjectStore

_PRELOADED: Final = ["catalyst_assets.ingestion.parsing", "pandera.pandas", "pymatgen.core.structure"]
_CHUNK_ROWS: Final = 1024
# Importing what parsing needs takes a new process longer than reading so many rows.
_ROWS_WORTH_A_POOL: Final = 4 * _CHUNK_ROWS


def parse_rows(
    objects: ObjectStore,
    raw: RawFile,
    start: int,
    stop: int,
    duplicates: Mapping[int, int],
    processes: int = 1,
) -> Iterator[Prepared]:
    """Parse and check the rows of one raw file in ``[start, stop)``, and yield them in chunks, in order.

    Parameters
    ----------
    duplicates
        Rows to refuse because an earlier one gave the same record: see :class:`Contents`.
    processes
        How many may parse at once; a few rows are parsed here.

    Raises
    ------
    CorruptArtifactError
        The cached file is not what was received.
    CatalystError
        A parsing process died.
    """
    if processes < 2 or stop - start < _ROWS_WORTH_A_POOL:
        yield from _parse_here(objects, raw, start, stop, duplicates)
        return
    # Each chunk of a table reads past the rows before it: fewer chunks read less.
    size = max(_CHUNK_ROWS, -(-(stop - start) // (2 * processes)))
    chunks = [
        (objects.url, raw, low, high, {row: first for row, first in duplicates.items() if low <= row < high})
        for low, high in ((low, min(low + size, stop)) for low in range(start, stop, size))
    ]
    try:
        yield from _in_order(_pool(processes), chunks, most_waiting=processes + 2)
    except BrokenProcessPool:
        _pool.cache_clear()
        raise CatalystError(
            f"A process that parsed {raw.url} died.",
            "Load it again with --reparse. If memory was short, lower CATALYST_MAX_PROCESSES.",
        ) from None


def _in_order(
    pool: ProcessPoolExecutor, chunks: Sequence[tuple[Any, ...]], most_waiting: int
) -> Iterator[Prepared]:
    running: deque[Future[Prepared]] = deque()
    for chunk in chunks:
        running.append(pool.submit(_parse_chunk, *chunk))
        if len(running) == most_waiting:
            yield running.popleft().result()
    while running:
        yield running.popleft().result()


def _parse_chunk(
    objects_url: str, raw: RawFile, start: int, stop: int, duplicates: Mapping[int, int]
) -> Prepared:
    with open_raw(ObjectStore(objects_url), raw.sha256) as file, _collector_paused():
        return _prepare(raw, PARSERS[raw.kind].parse(raw, file, start, stop, duplicates))


def _parse_here(
    objects: ObjectStore, raw: RawFile, start: int, stop: int, duplicates: Mapping[int, int]
) -> Iterator[Prepared]:
    with open_raw(objects, raw.sha256) as file:
        outcomes = iter(PARSERS[raw.kind].parse(raw, file, start, stop, duplicates))
        while True:
            with _collector_paused():
                chunk = list(islice(outcomes, _CHUNK_ROWS))
                rows = _prepare(raw, chunk) if chunk else None
            if rows is None:
                return
            yield rows


def _prepare(raw: RawFile, outcomes: Iterable[Record | AdsorptionRecord | Rejection]) -> Prepared:
    records: list[Any] = []
    rejected: list[Rejection] = []
    for outcome in outcomes:
        if isinstance(outcome, Rejection):
            rejected.append(outcome)
        else:
            records.append(outcome)
    if isinstance(PARSERS[raw.kind], AdsorptionParser):
        return prepare_adsorption(raw, records, rejected)
    accepted, unphysical = validate(records)
    return prepare_rows(raw, accepted, [*rejected, *unphysical])


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Look for no reference cycles: a chunk makes a million objects without any, and searching them takes a third."""
    was_running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_running:
            gc.enable()


@cache
def _pool(processes: int) -> ProcessPoolExecutor:
    # Forked from a clean server: a copy of this process would share its connections.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    return ProcessPoolExecutor(processes, mp_context=context, initializer=end_with_parent)


def end_with_parent() -> None:
    """Let no worker outlive a parent that was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_exit_after, args=(parent,), daemon=True).start()


def _exit_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
