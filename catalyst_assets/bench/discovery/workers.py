"""Simulated campaigns side by side, each in a process of its own: what is described is computed once and shared.

The features lie in a file that every process maps. Processes end with the one that started them, whatever ends it.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from catalyst_assets.bench.discovery.pools import BenchmarkPool
from catalyst_assets.bench.discovery.simulation import Arm, SeedResult, simulate
from catalyst_assets.errors import CatalystError
from catalyst_assets.ingestion.parsing import end_with_parent
from resources.paths import scratch_folder

if TYPE_CHECKING:
    from catalyst_assets.representation.features import Features

_LOOK_SECONDS: Final = 0.2
_THREADS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_worker: dict[str, Any] = {}


class Told(NamedTuple):
    """Where a run stands: evaluations so far, and the most there can be."""

    arm: int
    seed: int
    state: str
    evaluated: int
    limit: int
    finished: bool


def run_arms(
    pool: BenchmarkPool,
    features: "Features",
    arms: Sequence[Arm],
    seeds: int,
    jobs: int,
    progress: Callable[[Told], None] = lambda told: None,
) -> list[list[SeedResult]]:
    """Simulate every arm with the seeds 0 to ``seeds`` - 1; one list an arm, one result a seed.

    Parameters
    ----------
    jobs
        Most processes at a time. The cores are shared out among them, so a lone one uses all.
    progress
        Called in this process after each batch of any run, and once more when the run has finished.

    Raises
    ------
    CatalystError
        A process died.
    """
    tasks = [(arm, seed) for seed in range(seeds) for arm in range(len(arms))]
    jobs = min(jobs, len(tasks))
    threads = max(1, len(os.sched_getaffinity(0)) // jobs)
    context = multiprocessing.get_context("spawn")
    told = context.SimpleQueue()
    results: dict[tuple[int, int], SeedResult] = {}
    with (
        scratch_folder() as folder,
        _environment(threads),
        _late_interrupt() as struck,
    ):
        path = Path(folder) / "features.npy"
        np.save(path, features.values)
        # Nothing needs structures once their features are known.
        shared = (replace(pool, structures=()), path, features.names, tuple(arms), told)
        executor = ProcessPoolExecutor(jobs, context, _start_worker, shared)
        try:
            running = {executor.submit(_simulate, *task): task for task in tasks}
            while running:
                done, _ = wait(running, timeout=_LOOK_SECONDS, return_when=FIRST_COMPLETED)
                if struck.is_set():
                    raise KeyboardInterrupt
                while not told.empty():
                    progress(told.get())
                for future in done:
                    task = running.pop(future)
                    results[task] = result = future.result()
                    n = result.evaluated
                    progress(Told(*task, f"{len(result.hits_at)} hits", n, n, finished=True))
        except BrokenProcessPool:
            raise CatalystError(
                "A process of the benchmark was ended from outside, most likely for want of memory.",
                "Give fewer --jobs.",
            ) from None
        except BaseException:
            for process in multiprocessing.active_children():
                process.kill()
            raise
        finally:
            executor.shutdown(wait=True, cancel_futures=True)
    return [[results[arm, seed] for seed in range(seeds)] for arm in range(len(arms))]


@contextmanager
def _late_interrupt() -> Iterator[threading.Event]:
    """Keep Ctrl-C from striking while a future's lock is held, which would stay held for ever."""
    struck = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield struck
        return
    before = signal.signal(signal.SIGINT, lambda *_: struck.set())
    try:
        yield struck
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _environment(threads: int) -> Iterator[None]:
    """Have numerical libraries of processes started within use so many threads."""
    before = {name: os.environ[name] for name in _THREADS if name in os.environ}
    os.environ |= dict.fromkeys(_THREADS, str(threads))
    try:
        yield
    finally:
        for name in _THREADS:
            del os.environ[name]
        os.environ |= before


def _start_worker(
    pool: BenchmarkPool, path: Path, names: tuple[str, ...], arms: tuple[Arm, ...], told: Any
) -> None:
    from catalyst_assets.representation.features import Features

    # Ctrl-C reaches every process of the terminal; the first one ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    features = Features(np.load(path, mmap_mode="r"), names, {})
    _worker.update(pool=pool, features=features, arms=arms, told=told)


def _simulate(arm: int, seed: int) -> SeedResult:
    def tell(state: str, done: int, most: int) -> None:
        _worker["told"].put(Told(arm, seed, state, done, most, finished=False))

    return simulate(_worker["pool"], _worker["features"], _worker["arms"][arm], seed, tell)
