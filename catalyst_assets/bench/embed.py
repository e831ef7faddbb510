"""How fast structures become stored features, beside MACE's own calculator and beside the bare forward pass.

Everything runs in one process and takes turns, so that the ratios are of one run.
"""

import itertools
import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from catalyst_assets.bench.memory import peak_memory
from catalyst_assets.constants import Accelerator
from catalyst_assets.ingestion.reading.cif.reader import read_cif
from catalyst_assets.ingestion.reading.files import read_csv_parts
from catalyst_assets.representation.networks.configs import MaceConfig, NetworkConfig
from resources.paths import scratch_folder

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

    from catalyst_assets.representation.backbones import Backbone
    from catalyst_assets.representation.networks.interface import GraphBatch, GraphNetwork

_SHARD: Final = 1_000
_CALCULATOR_SAMPLE: Final = 50
_FORWARD_SAMPLE: Final = 256
_GPU_FORWARD_SAMPLE: Final = 2_000
_EDGES_PER_BATCH: Final = {
    "cpu": (1_500, 3_000, 4_500, 6_000, 8_000, 12_000, 24_000),
    "cuda": (24_000, 50_000, 100_000, 200_000, 400_000),
}
_A_SITES: Final = (
    *("K", "Rb", "Cs", "Ca", "Sr", "Ba", "Y", "La"),
    *("Ce", "Nd", "Sm", "Gd", "Pb", "Bi", "Na", "Cd"),
)
_B_SITES: Final = (
    *("Ti", "Zr", "Hf", "V", "Nb", "Ta", "Cr", "Mo"),
    *("W", "Mn", "Fe", "Co", "Ni", "Sn", "Ge", "Al"),
)
_ANIONS: Final = ("O3", "O2N", "O2F", "ON2", "OFN", "O2S", "N3", "F3")


@dataclass(frozen=True)
class EmbedReport:
    """What `catalyst bench embed --json` prints; rates are structures a second, medians over the rounds.

    A machine that others use is fast in one second and slow in the next, so a ratio is one of a round, in which
    both take turns, and its range is that of the rounds.

    Attributes
    ----------
    ours_per_s
        From structures to features in a float32 Arrow shard in the object store, descriptors among them.
    calculator_per_s
        A loop over ``MACECalculator.get_descriptors`` with the same weights; None for another architecture.
    forward_limit_per_s
        The network's forward pass alone, without gradients, on batches that lie ready, at its best batch size.
    forward_in_threads_per_s
        The same with a batch in each of ``threads`` threads, rather than all threads on one batch; None on a GPU.
    fraction_of_limit
        Median over the rounds of the one rate by the other.
    fraction_of_limit_range, ratio_vs_calculator_range
        Smallest and largest of the rounds.
    peak_rss_mb
        Of the process while it embeds.
    load_average
        Of the last minute, at the end; where others work too, threads that wait for each other lose most.
    """

    architecture: str
    dtype: str
    device: str
    n_structures: int
    mean_edges: float
    threads: int
    ours_per_s: float
    calculator_per_s: float | None
    ratio_vs_calculator: float | None
    ratio_vs_calculator_range: tuple[float, float] | None
    forward_limit_per_s: float
    forward_limit_edges_per_batch: int
    forward_in_threads_per_s: float | None
    fraction_of_limit: float
    fraction_of_limit_range: tuple[float, float]
    rounds: int
    peak_rss_mb: float
    load_average: float


def measure_embedding(
    structures: "Sequence[Structure]",
    config: NetworkConfig,
    rounds: int = 5,
    say: Callable[[str], None] = lambda text: None,
    accelerator: Accelerator = "cpu",
) -> EmbedReport:
    """Take turns between the forward pass, the stage, the forward pass again and the calculator."""
    import torch

    from catalyst_assets.representation.backbones import build_backbone
    from catalyst_assets.representation.devices import choose_device, on_device
    from catalyst_assets.representation.graphs import build_graphs

    device = choose_device(accelerator)
    say("building the network")
    backbone = build_backbone(config)
    network = on_device(backbone.network, device)
    sample = structures[: _FORWARD_SAMPLE if device == "cpu" else _GPU_FORWARD_SAMPLE]
    graphs = list(build_graphs(sample, network.cutoff)[0].values())
    describe = _calculator(config, backbone, device) if isinstance(config, MaceConfig) else None
    atoms = [structure.to_ase_atoms() for structure in structures[:_CALCULATOR_SAMPLE]]
    say("looking for the best batch")
    sizes = _EDGES_PER_BATCH[torch.device(device).type]
    batches = {size: _collate(graphs, size, network, device) for size in sizes}
    alone = {size: _forward_rate(network, each, threads=1) for size, each in batches.items()}
    threads = torch.get_num_threads()
    best = best_in_threads = max(alone, key=alone.__getitem__)
    if device == "cpu":
        in_threads = {size: _forward_rate(network, each, threads) for size, each in batches.items()}
        best_in_threads = max(in_threads, key=in_threads.__getitem__)

    # As long as the stage takes, in halves before and after it.
    passes = max(1, len(structures) // (2 * len(graphs)))

    measured: list[dict[str, float]] = []
    with scratch_folder() as folder:
        _stage_rate(structures, backbone, Path(folder) / "first", accelerator)  # which compiles
        for number in range(1, rounds + 1):
            say(f"round {number} of {rounds}")
            before = _forward_rate(network, batches[best], threads=1, passes=passes)
            with peak_memory() as memory:
                ours = _stage_rate(structures, backbone, Path(folder) / str(number), accelerator)
            after = _forward_rate(network, batches[best], threads=1, passes=passes)
            forward = 2 / (1 / before + 1 / after)  # of all that was passed in all the time
            measured.append({"ours": ours, "peak": memory.own_mb, "forward": forward})
            if device == "cpu":
                measured[-1]["threaded"] = _forward_rate(network, batches[best_in_threads], threads)
            measured[-1]["of limit"] = ours / forward
            if describe is not None:
                calculator = _rate(lambda: [describe(each) for each in atoms], len(atoms))
                measured[-1] |= {"calculator": calculator, "by calculator": ours / calculator}
    taken = pd.DataFrame(measured)
    typical = {str(name): float(rate) for name, rate in taken.median().items()}
    by_calculator, threaded = typical.get("calculator"), typical.get("threaded")
    return EmbedReport(
        architecture=config.architecture,
        dtype=config.dtype,
        device=device,
        n_structures=len(structures),
        mean_edges=round(float(np.mean([graph.edges.shape[1] for graph in graphs])), 1),
        threads=threads,
        ours_per_s=round(typical["ours"], 1),
        calculator_per_s=None if by_calculator is None else round(by_calculator, 2),
        ratio_vs_calculator=None if by_calculator is None else round(typical["by calculator"], 2),
        ratio_vs_calculator_range=None if by_calculator is None else _range(taken["by calculator"]),
        forward_limit_per_s=round(typical["forward"], 1),
        forward_limit_edges_per_batch=best,
        forward_in_threads_per_s=None if threaded is None else round(threaded, 1),
        fraction_of_limit=round(typical["of limit"], 3),
        fraction_of_limit_range=_range(taken["of limit"]),
        rounds=rounds,
        peak_rss_mb=round(float(taken["peak"].max()), 1),
        load_average=round(os.getloadavg()[0], 2),
    )


def enumerate_perovskites(count: int) -> "list[Structure]":
    """Build cubic perovskites, each another composition and of its own size."""
    from catalyst_assets.ingestion.prototypes.perovskites import build_cubic_perovskite

    combinations = itertools.islice(itertools.product(_ANIONS, _A_SITES, _B_SITES), count)
    structures = [build_cubic_perovskite(a_site, b_site, anions) for anions, a_site, b_site in combinations]
    for index in range(max(count - len(structures), 0)):  # strained copies of those
        structures.append(structures[index].copy().apply_strain(0.01 * (1 + index // len(structures))))
    return structures


def read_structures(data: Path, count: int) -> "list[Structure]":
    """Read the first structures of a CSV file, or a folder of them, with a column ``cif``.

    Raises
    ------
    InvalidPoolError
        There is no such file, or it lacks the column.
    UnreadableStructureError
        A CIF cannot be read.
    """
    return [read_cif(text).to_structure() for text in read_csv_parts(data, ["cif"])["cif"][:count]]


def _stage_rate(
    structures: "Sequence[Structure]", backbone: "Backbone", folder: Path, accelerator: Accelerator
) -> float:
    from catalyst_assets.representation.features import featurize
    from catalyst_assets.representation.store import write_shard
    from resources.object_store import ObjectStore

    objects: ObjectStore = ObjectStore(str(folder))

    def run() -> None:
        for start in range(0, len(structures), _SHARD):
            shard = structures[start : start + _SHARD]
            features = featurize(shard, backbone, accelerator=accelerator)
            write_shard(objects, backbone.fingerprint, [f"s{start + i}" for i in range(len(shard))], features)

    return _rate(run, len(structures))


def _collate(
    graphs: Sequence[Any], max_edges: int, network: "GraphNetwork", device: str
) -> "list[GraphBatch]":
    from catalyst_assets.representation.graphs import bucket_batches
    from catalyst_assets.representation.networks.interface import collate

    batches = bucket_batches([graph.edges.shape[1] for graph in graphs], max_edges)
    return [collate([graphs[index] for index in batch], network.dtype).to(device) for batch in batches]


def _forward_rate(
    network: "GraphNetwork", batches: "list[GraphBatch]", threads: int, passes: int = 1
) -> float:
    """Pass over the batches, twice to compile and then in earnest; ``threads`` batches at a time."""
    import torch

    from catalyst_assets.representation.batching import map_chunks

    def forward(index: int) -> None:
        with torch.inference_mode():
            network(batches[index])

    def run(passes: int = 1) -> None:
        for _ in range(passes):
            if threads == 1:
                deque(map(forward, range(len(batches))), maxlen=0)
            else:
                deque(map_chunks(len(batches), 1, lambda chunk: forward(chunk.start)), maxlen=0)
        if batches[0].positions.is_cuda:
            torch.cuda.synchronize()  # until then a GPU has only been told what to do

    for batch in (0, -1):
        forward(batch)
    run()
    return _rate(lambda: run(passes), passes * sum(batch.n_graphs for batch in batches))


def _calculator(config: MaceConfig, backbone: "Backbone", device: str) -> Callable[[Any], Any]:
    """Return what MACE's own calculator says of one crystal, with the same weights in mace-torch's own model."""
    from catalyst_assets.representation.networks.mace import build_model, import_mace

    calculators = import_mace("mace.calculators")
    default_dtype = import_mace("mace.tools.torch_tools").default_dtype
    with default_dtype(config.dtype):
        model = build_model(config)
        model.load_state_dict(backbone.network.model.state_dict())  # type: ignore[union-attr]
        calculator = calculators.MACECalculator(models=[model], device=device, default_dtype=config.dtype)

    def describe(atoms: Any) -> Any:
        with default_dtype(config.dtype):
            return calculator.get_descriptors(atoms, invariants_only=True)

    return describe


def _range(ratios: "pd.Series[float]") -> tuple[float, float]:
    return round(float(ratios.min()), 3), round(float(ratios.max()), 3)


def _rate(run: Callable[[], object], count: int) -> float:
    started = time.perf_counter()
    run()
    return count / (time.perf_counter() - started)
