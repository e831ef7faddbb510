"""Running a network over many crystals: batches of like size, and a bad crystal that fails alone.

What is computed on a batch is the caller's: pooled features, or properties of a fine-tuned model.
"""

import copy
import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np

from catalyst_assets.representation.devices import (
    first_reason,
    gpu_errors,
    is_out_of_memory,
    require_working,
)
from catalyst_assets.representation.graphs import CrystalGraph, bucket_batches, plan_batches
from resources.devices.memory import BatchSizer, CudaMeter, MemoryMeter

if TYPE_CHECKING:
    import torch

    from catalyst_assets.representation.networks.interface import GraphBatch, GraphNetwork

Result = TypeVar("Result")

# On a CPU a batch should fit its cache; a GPU wants work for all its cores at once, as far as its memory goes: this is
# where it has enough (docs/backbones.md has the rates).
EDGES_PER_BATCH: Final = {"cpu": 7_000, "cuda": 800_000}


@dataclass(frozen=True)
class BatchedResult:
    """What was computed for each crystal.

    Attributes
    ----------
    values
        float64, shape (n_graphs, width); rows of failed crystals are zero.
    failures
        Why a crystal has no values, by its index.
    """

    values: np.ndarray
    failures: dict[int, str]


def map_chunks(
    n_items: int, size: int, work: Callable[[range], Result], most_threads: int | None = None
) -> Iterator[tuple[range, Result]]:
    """Work on consecutive chunks, in as many threads as torch may use, and yield the results in order.

    On batches that fit a cache, threads with a batch each beat all threads on one batch; and what is Python in
    one overlaps with what is not in another. Only a few chunks are in memory at a time.
    """
    import torch

    chunks = [range(start, min(start + size, n_items)) for start in range(0, n_items, size)]
    before = torch.get_num_threads()
    n_threads = min(before, most_threads or before)
    if n_threads == 1 or len(chunks) < 2:
        for chunk in chunks:
            yield chunk, work(chunk)
        return
    torch.set_num_threads(1)  # of each thread that is started below
    try:
        with ThreadPoolExecutor(n_threads) as pool:
            running: deque[tuple[range, Future[Result]]] = deque()
            for chunk in chunks:
                running.append((chunk, pool.submit(work, chunk)))
                if len(running) > 2 * n_threads:
                    done, future = running.popleft()
                    yield done, future.result()
            for done, future in running:
                yield done, future.result()
    finally:
        torch.set_num_threads(before)


def batch_sizer(device: str, meter: MemoryMeter | None = None) -> BatchSizer:
    """Return how many edges a batch on a device has: fixed on a CPU, by measured memory on a GPU.

    Parameters
    ----------
    device
        Such as ``cuda:0``.
    meter
        Measures another memory than the device's own.
    """
    kind = device.partition(":")[0]
    if meter is None and kind == "cuda":
        meter = CudaMeter(device)
    if meter is None:
        return BatchSizer.fixed(EDGES_PER_BATCH[kind])
    return BatchSizer.measuring(meter, EDGES_PER_BATCH[kind])


def measured_batches(
    edge_counts: np.ndarray, sizer: BatchSizer, cut: Callable[[np.ndarray, int], Sequence[np.ndarray]]
) -> Iterator[np.ndarray]:
    """Yield the indices of each batch; the first, where it is to be measured, says how large the others are.

    Parameters
    ----------
    edge_counts
        Of each crystal, shape (n,).
    sizer
        Measures what is done with the first batch until the second is asked for.
    cut
        From edge counts and a most to the indices of each batch.
    """
    start = 0
    if sizer.wants_probe and len(edge_counts):
        start = plan_batches(edge_counts, sizer.budget)[0].stop
        with sizer.probing(int(edge_counts[:start].sum())):
            yield np.arange(start)
    for places in cut(edge_counts[start:], sizer.budget):
        yield start + places


def map_batches(
    graphs: Sequence[CrystalGraph],
    network: "GraphNetwork",
    compute: "Callable[[GraphNetwork, GraphBatch], torch.Tensor]",
    width: int,
    sizer: BatchSizer | None = None,
) -> BatchedResult:
    """Compute values of each crystal, batch by batch, without gradients.

    A batch that raises is cut in halves until what is wrong stands alone; one that needs too much memory
    makes those after it smaller as well. A crystal that is too large for the GPU is computed on the CPU.

    Parameters
    ----------
    network
        Says which elements are known, the dtype and the device.
    compute
        From a network and a batch to values, shape (n_graphs, width).
    sizer
        How much is computed at once; it remembers what it measured. None: one of the network's device.

    Raises
    ------
    GpuError
        The GPU failed.
    """
    device = _device_of(network)
    sizer = sizer or batch_sizer(str(device))
    known = np.array(network.atomic_numbers)
    values = np.zeros((len(graphs), width))
    failures = {
        index: "The network does not know one of its elements."
        for index, graph in enumerate(graphs)
        if not np.isin(graph.atomic_numbers, known).all()
    }
    able = [index for index in range(len(graphs)) if index not in failures]
    counts = np.array([graphs[index].edges.shape[1] for index in able], dtype=np.int64)

    @cache
    def on_cpu() -> "GraphNetwork":
        with gpu_errors(str(device)):
            return copy.deepcopy(network).cpu()

    def compute_or_halve(batch: list[int]) -> None:
        chosen = [graphs[index] for index in batch]
        n_edges = sum(graph.edges.shape[1] for graph in chosen)
        smaller, raised = max(n_edges // 2, 1), False
        if n_edges <= sizer.budget or len(batch) == 1:
            computed = _compute(chosen, network, compute)
            if len(batch) == 1 and device.type == "cuda" and _is_of_memory(computed):
                computed = _compute(chosen, on_cpu(), compute)
            if isinstance(computed, np.ndarray):
                values[batch] = computed
                return
            raised = True
            if computed.is_of_memory:
                sizer.shrink(smaller)
            if len(batch) == 1:
                failures[batch[0]] = f"The network cannot describe it: {computed.reason}"
                return
        for half in (batch[: len(batch) // 2], batch[len(batch) // 2 :]):
            compute_or_halve(half)
        if raised and failures.keys().isdisjoint(batch):
            # Each half is well: it was the size, though a CPU's allocator says so by a plain RuntimeError.
            sizer.shrink(smaller)

    for places in measured_batches(counts, sizer, _evenly):
        compute_or_halve([able[place] for place in places])
    for index in np.flatnonzero(~np.isfinite(values).all(axis=1)):
        failures[int(index)] = "The network's features are not finite."
        values[index] = 0
    return BatchedResult(values, failures)


@dataclass(frozen=True)
class _Failure:
    reason: str
    is_of_memory: bool


def _compute(
    graphs: Sequence[CrystalGraph],
    network: "GraphNetwork",
    compute: "Callable[[GraphNetwork, GraphBatch], torch.Tensor]",
) -> np.ndarray | _Failure:
    """Compute one batch, or say why not."""
    import torch

    from catalyst_assets.representation.networks.interface import collate

    device = _device_of(network)
    try:
        with torch.inference_mode():
            inputs = collate(graphs, network.dtype).to(device)
            computed: np.ndarray = compute(network, inputs).to("cpu", torch.float64).numpy()
            return computed
    except Exception as error:
        failure = _Failure(first_reason(error), is_out_of_memory(error))
    if device.type == "cuda":
        require_working(str(device))
        if failure.is_of_memory:
            torch.cuda.empty_cache()  # here, where the error holds on to nothing any more
    return failure


def _is_of_memory(computed: np.ndarray | _Failure) -> bool:
    return isinstance(computed, _Failure) and computed.is_of_memory


def _device_of(network: "GraphNetwork") -> "torch.device":
    device: torch.device = next(network.parameters()).device
    return device


def _evenly(edge_counts: np.ndarray, budget: int) -> list[np.ndarray]:
    """Cut crystals of like size into as few batches as needed, about equally full."""
    total = int(edge_counts.sum())
    n_batches = max(math.ceil(total / budget), 1)
    limit = min(budget, math.ceil(total / n_batches) + int(edge_counts.max(initial=0)))
    return bucket_batches(edge_counts, limit)
