"""What every model learns from: a backbone's node features pooled over each structure, beside its descriptors.

A network in float64 is rounded to float32 at the end: what a structure gets does not depend on the batch
it sat in, beyond the last bit of float32. One in float32 agrees to about six digits.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from catalyst_assets.constants import Accelerator
from catalyst_assets.potentials.known_answers import known_crystal
from catalyst_assets.representation.backbones import Backbone
from catalyst_assets.representation.batching import (
    BatchedResult,
    batch_sizer,
    map_batches,
    map_chunks,
)
from catalyst_assets.representation.descriptors.compositions import count_elements
from catalyst_assets.representation.descriptors.structural import (
    describe_compositions,
    describe_graphs,
    descriptor_names,
)
from catalyst_assets.representation.devices import choose_device, on_device
from catalyst_assets.representation.foundation.potentials import describe_by_potential
from catalyst_assets.representation.graphs import (
    CUTOFF_ANGSTROM,
    LARGEST_ATOMIC_NUMBER,
    CrystalGraph,
    UnsuitableStructureError,
    build_graph,
    build_graphs,
)
from catalyst_assets.representation.networks.configs import PotentialConfig

if TYPE_CHECKING:
    from pymatgen.core.composition import Composition
    from pymatgen.core.structure import Structure

    from catalyst_assets.representation.networks.interface import GraphBatch, GraphNetwork
    from resources.devices.memory import BatchSizer
    from resources.settings import Settings

# Part of every stored feature's key: raise it whenever the same structure would get other values or names.
FEATURE_VERSION: Final = 3
_UNTRAINED: Final = "untrained:"
_DESCRIPTOR: Final = "desc:"
_POOLS: Final = ("mean", "std")
_CHUNK = 100  # structures whose graphs one thread has in memory at a time
# What they do is Python for the most part: more of them wait for each other.
_THREADS_BESIDE_A_GPU: Final = 2


@dataclass(frozen=True)
class Features:
    """Features of structures.

    Attributes
    ----------
    values
        float32, shape (n_structures, n_features); rows of failed structures are zero.
    names
        ``mace:…``, ``schnet:…`` or ``dimenet:…`` (``untrained:…`` of a network that learned nothing), or the name of a
        potential, and ``desc:block:…``, one a column.
    failures
        Why a structure has no features, by its index.
    """

    values: np.ndarray
    names: tuple[str, ...]
    failures: dict[int, str]

    def informed(self) -> "Features":
        """Return the features without those of an untrained network: random ones only dilute distances."""
        kept = [column for column, name in enumerate(self.names) if not name.startswith(_UNTRAINED)]
        return Features(
            np.ascontiguousarray(self.values[:, kept]),
            tuple(self.names[column] for column in kept),
            self.failures,
        )


@dataclass(frozen=True)
class _Prepared:
    """Some structures, ready for the network.

    Attributes
    ----------
    places
        Which of all the structures those are that have a graph, shape (n,).
    graphs
        Theirs, with the network's cutoff.
    descriptors
        Theirs, shape (n, n_descriptors).
    failures
        Why a structure has no graph, by its place.
    """

    places: list[int]
    graphs: list[CrystalGraph]
    descriptors: np.ndarray
    failures: dict[int, str]

    @classmethod
    def join(cls, parts: "Sequence[_Prepared]") -> "_Prepared":
        return cls(
            [place for part in parts for place in part.places],
            [graph for part in parts for graph in part.graphs],
            np.concatenate([part.descriptors for part in parts]),
            {place: reason for part in parts for place, reason in part.failures.items()},
        )


def featurize(
    materials: Sequence["Structure | Composition"],
    backbone: Backbone,
    *,
    accelerator: Accelerator = "auto",
    settings: "Settings | None" = None,
) -> Features:
    """Compute the features of structures; those that have none are reported, not raised.

    Parameters
    ----------
    materials
        A composition is described by itself: see :func:`featurize_compositions`.
    settings
        Of the installation whose environments of potentials are used; this process's if None.

    Raises
    ------
    UsageError
        A GPU is asked for and there is none.
    GpuError
        The GPU failed, or has no memory left for the network.
    """
    from pymatgen.core.composition import Composition

    bare = [index for index, material in enumerate(materials) if isinstance(material, Composition)]
    if bare:
        return _featurize_apart(materials, bare, backbone, accelerator, settings)
    structures = cast("Sequence[Structure]", materials)
    names = feature_names(backbone)
    values = np.zeros((len(structures), len(names)), dtype=np.float32)
    failures: dict[int, str] = {}
    if isinstance(backbone.config, PotentialConfig):
        parts = _ask(structures, backbone.config, accelerator, settings)
    else:
        parts = _embed(structures, on_device(backbone.network, choose_device(accelerator)))
    for prepared, embedded in parts:
        values[prepared.places] = np.concatenate([embedded.values, prepared.descriptors], axis=1)
        failures |= prepared.failures
        failures |= {prepared.places[index]: reason for index, reason in embedded.failures.items()}
    values[list(failures)] = 0
    for index in np.flatnonzero(~np.isfinite(values).all(axis=1)):
        failures[int(index)] = "A feature is not finite."
        values[index] = 0
    return Features(values, names, failures)


def featurize_compositions(
    compositions: Sequence["Composition | Mapping[str, float]"], names: Sequence[str]
) -> Features:
    """Describe compositions without a structure, in the columns that every structure has.

    Parameters
    ----------
    compositions
        Amounts by element; only their ratio counts.
    names
        Of the columns, as :func:`feature_names` gives them for a backbone.

    Returns
    -------
    Features
        Those that follow from the composition alone as of any structure of it; 0 of a network or potential, and where
        a descriptor depends on the structure.
    """
    counts: list[dict[int, int]] = []
    failures: dict[int, str] = {}
    for index, composition in enumerate(compositions):
        try:
            counts.append(count_elements(composition))
        except UnsuitableStructureError as error:
            failures[index] = error.message
    described = dict(zip(descriptor_names(), describe_compositions(counts).T, strict=True))
    values = np.zeros((len(compositions), len(names)), dtype=np.float32)
    kept = [index for index in range(len(compositions)) if index not in failures]
    for column, name in enumerate(names):
        if name.startswith(_DESCRIPTOR):
            values[kept, column] = described[name.removeprefix(_DESCRIPTOR)]
    return Features(values, tuple(names), failures)


def _featurize_apart(
    materials: Sequence["Structure | Composition"],
    bare: Sequence[int],
    backbone: Backbone,
    accelerator: Accelerator,
    settings: "Settings | None",
) -> Features:
    """Describe those at the places ``bare`` by their compositions, the others by their structures."""
    crystals = sorted(set(range(len(materials))).difference(bare))
    parts = [
        (
            bare,
            featurize_compositions(
                [cast("Composition", materials[index]) for index in bare], feature_names(backbone)
            ),
        )
    ]
    if crystals:
        structures = [materials[index] for index in crystals]
        parts.append((crystals, featurize(structures, backbone, accelerator=accelerator, settings=settings)))
    values = np.zeros((len(materials), parts[0][1].values.shape[1]), dtype=np.float32)
    failures: dict[int, str] = {}
    for places, part in parts:
        values[places] = part.values
        failures |= {places[index]: reason for index, reason in part.failures.items()}
    return Features(values, parts[0][1].names, failures)


def _prepare(structures: Sequence["Structure"], chunk: range, cutoff: float) -> _Prepared:
    graphs, failures = build_graphs(structures[chunk.start : chunk.stop], max(cutoff, CUTOFF_ANGSTROM))
    return _Prepared(
        [chunk.start + index for index in graphs],
        [graph.within(cutoff) for graph in graphs.values()],
        describe_graphs([graph.within(CUTOFF_ANGSTROM) for graph in graphs.values()]),
        {chunk.start + index: reason for index, reason in failures.items()},
    )


def _ask(
    structures: Sequence["Structure"],
    config: PotentialConfig,
    accelerator: Accelerator,
    settings: "Settings | None",
) -> Iterator[tuple[_Prepared, BatchedResult]]:
    """Yield the structures that have a graph, with what a potential says of them: all in one call of its worker."""

    def prepare(chunk: range) -> _Prepared:
        # The worker finds its own edges: of the graphs only the descriptors are of use.
        return replace(_prepare(structures, chunk, CUTOFF_ANGSTROM), graphs=[])

    prepared = _Prepared.join([part for _, part in map_chunks(len(structures), _CHUNK, prepare)])
    told = describe_by_potential(
        [structures[place] for place in prepared.places], config, accelerator, settings
    )
    yield prepared, told


def _embed(
    structures: Sequence["Structure"], network: "GraphNetwork"
) -> Iterator[tuple[_Prepared, BatchedResult]]:
    """Yield parts of the structures; a GPU gets those of many chunks at once, from a few threads that prepare them."""

    def prepare(chunk: range) -> _Prepared:
        return _prepare(structures, chunk, network.cutoff)

    def prepare_and_embed(chunk: range) -> tuple[_Prepared, BatchedResult]:
        prepared = prepare(chunk)
        return prepared, embed_graphs(prepared.graphs, network)

    if next(network.parameters()).device.type == "cpu":
        for _, done in map_chunks(len(structures), _CHUNK, prepare_and_embed):
            yield done
        return
    sizer = batch_sizer(str(next(network.parameters()).device))
    waiting: list[_Prepared] = []
    n_edges = 0
    for chunk, prepared in map_chunks(len(structures), _CHUNK, prepare, _THREADS_BESIDE_A_GPU):
        waiting.append(prepared)
        n_edges += sum(graph.edges.shape[1] for graph in prepared.graphs)
        if n_edges >= sizer.budget or chunk.stop == len(structures):
            together = _Prepared.join(waiting)
            yield together, embed_graphs(together.graphs, network, sizer)
            waiting, n_edges = [], 0


def describe_probe(backbone: Backbone, settings: "Settings | None" = None) -> np.ndarray:
    """Return what a backbone says of a rock salt of its first and last element, shape (2, n_features).

    Of a potential they are those of the crystal that it is checked by, shape (1, n_features).
    """
    import torch
    from pymatgen.core.lattice import Lattice
    from pymatgen.core.periodic_table import Element
    from pymatgen.core.structure import Structure

    from catalyst_assets.representation.networks.interface import collate

    if isinstance(backbone.config, PotentialConfig):
        from pymatgen.io.ase import AseAtomsAdaptor

        crystal: Any = AseAtomsAdaptor.get_structure(known_crystal())
        described = describe_by_potential([crystal], backbone.config, "auto", settings)
        return np.full_like(described.values, np.nan) if described.failures else described.values
    known = [number for number in backbone.config.atomic_numbers if number <= LARGEST_ATOMIC_NUMBER]
    # The primitive cell of rock salt with a lattice constant of 4.8 Å: no two sites are closer than 2.4 Å.
    lattice = Lattice([[0, 2.4, 2.4], [2.4, 0, 2.4], [2.4, 2.4, 0]])
    species = [Element.from_Z(known[0]), Element.from_Z(known[-1])]
    pair = Structure(lattice, species, [[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]])
    graph = build_graph(pair, backbone.config.cutoff)
    with torch.no_grad():
        features: np.ndarray = backbone.network.describe(collate([graph], backbone.network.dtype)).numpy()
    return features


def embed_graphs(
    graphs: Sequence[CrystalGraph], network: "GraphNetwork", sizer: "BatchSizer | None" = None
) -> BatchedResult:
    """Pool the network's node features over each graph, on the device where the network is."""
    import torch

    from catalyst_assets.representation.networks.sums import mean_over_sites, spread_over_sites

    def pool(network: "GraphNetwork", batch: "GraphBatch") -> torch.Tensor:
        nodes = network.describe(batch).double()
        mean = mean_over_sites(nodes, batch)
        return torch.cat([mean, spread_over_sites(nodes, mean, batch)], dim=1)

    return map_batches(graphs, network, pool, len(_POOLS) * len(network.feature_names), sizer)


def feature_names(backbone: Backbone) -> tuple[str, ...]:
    """Name the features a backbone gives, in the order of their columns: pool, layer, channel; descriptors."""
    if isinstance(backbone.config, PotentialConfig):
        half = backbone.config.width // len(_POOLS)
        potential = (f"{backbone.config.name}:{pool}_{channel}" for pool in _POOLS for channel in range(half))
        return (*potential, *(f"{_DESCRIPTOR}{name}" for name in descriptor_names()))
    block = f"{backbone.config.architecture}:" if backbone.is_trained else _UNTRAINED
    network = (f"{block}{pool}_{name}" for pool in _POOLS for name in backbone.network.feature_names)
    return (*network, *(f"{_DESCRIPTOR}{name}" for name in descriptor_names()))
