"""Crystals as graphs: who is whose neighbour within a cutoff, and how graphs go together in batches.

What is computed on a graph lies in `features` and `descriptors`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from catalyst_assets.errors import CatalystError

if TYPE_CHECKING:
    from pymatgen.core.sites import PeriodicSite
    from pymatgen.core.structure import Structure

CUTOFF_ANGSTROM = 5.0
COINCIDENT_BELOW_ANGSTROM = 0.4
LARGEST_ATOMIC_NUMBER = 94


class UnsuitableStructureError(CatalystError):
    """A structure cannot be turned into features."""


@dataclass(frozen=True)
class CrystalGraph:
    """One crystal and its neighbour list.

    Attributes
    ----------
    atomic_numbers
        Shape (n_sites,).
    positions
        Cartesian, Å, shape (n_sites, 3).
    cell
        Lattice vectors as rows, Å, shape (3, 3).
    edges
        Centre and neighbour of each pair, both directions listed, shape (2, n_edges).
    shifts
        Cartesian displacement of the neighbour's cell, Å, shape (n_edges, 3).
    distances
        Å, shape (n_edges,).
    """

    atomic_numbers: np.ndarray
    positions: np.ndarray
    cell: np.ndarray
    edges: np.ndarray
    shifts: np.ndarray
    distances: np.ndarray

    def within(self, cutoff: float) -> "CrystalGraph":
        """Return the graph with only the edges shorter than ``cutoff`` Å."""
        near = self.distances < cutoff
        if near.all():
            return self
        return replace(
            self, edges=self.edges[:, near], shifts=self.shifts[near], distances=self.distances[near]
        )


def build_graph(structure: "Structure", cutoff: float = CUTOFF_ANGSTROM) -> CrystalGraph:
    """List the neighbours of every site within ``cutoff`` Å.

    Edges are sorted, so the same structure always gives the same graph.

    Raises
    ------
    UnsuitableStructureError
        A site is shared by several species, is no element up to plutonium, or lies on top of another.
    """
    from vesin import NeighborList

    atomic_numbers = np.array([_atomic_number(site) for site in structure], dtype=np.int64)
    if len(atomic_numbers) == 0 or atomic_numbers.min() < 1 or atomic_numbers.max() > LARGEST_ATOMIC_NUMBER:
        raise UnsuitableStructureError(
            f"The species are not all elements from H to Pu: {structure.composition.formula}."
        )
    positions = np.ascontiguousarray(structure.cart_coords, dtype=np.float64)
    cell = np.ascontiguousarray(structure.lattice.matrix, dtype=np.float64)
    neighbours = NeighborList(cutoff=cutoff, full_list=True, n_threads=1)
    i, j, cells, distances = neighbours.compute(points=positions, box=cell, periodic=True, quantities="ijSd")
    if len(distances) and distances.min() < COINCIDENT_BELOW_ANGSTROM:
        raise UnsuitableStructureError(f"Two sites are only {distances.min():.2f} Å apart.")
    order = np.lexsort((cells[:, 2], cells[:, 1], cells[:, 0], j, i))
    edges = np.stack([i, j]).astype(np.int64)[:, order]
    return CrystalGraph(atomic_numbers, positions, cell, edges, cells[order] @ cell, distances[order])


def _atomic_number(site: "PeriodicSite") -> int:
    """Return the atomic number of what is on a site, 0 for what is no element."""
    species = site.species
    if len(species) != 1 or species.num_atoms != 1:
        raise UnsuitableStructureError("A site is occupied by several species.", "Order the structure first.")
    return int(getattr(next(iter(species)), "Z", 0))


def build_graphs(
    structures: Iterable["Structure"], cutoff: float = CUTOFF_ANGSTROM
) -> tuple[dict[int, CrystalGraph], dict[int, str]]:
    """Build the graph of each structure; return graphs and reasons of failure by index."""
    graphs: dict[int, CrystalGraph] = {}
    failures: dict[int, str] = {}
    for index, structure in enumerate(structures):
        try:
            graphs[index] = build_graph(structure, cutoff)
        except UnsuitableStructureError as error:
            failures[index] = error.message
    return graphs, failures


def plan_batches(edge_counts: Sequence[int] | np.ndarray, max_edges: int) -> list[range]:
    """Cut consecutive graphs into batches of at most ``max_edges`` edges; a larger graph goes alone."""
    batches: list[range] = []
    start = total = 0
    for index, count in enumerate(edge_counts):
        if index > start and total + count > max_edges:
            batches.append(range(start, index))
            start, total = index, 0
        total += count
    if len(edge_counts) > start:
        batches.append(range(start, len(edge_counts)))
    return batches


def bucket_batches(edge_counts: Sequence[int] | np.ndarray, max_edges: int) -> list[np.ndarray]:
    """Group graphs of like size into batches of at most ``max_edges`` edges; return the indices of each."""
    order = np.argsort(np.asarray(edge_counts), kind="stable")
    batches = plan_batches(np.asarray(edge_counts)[order], max_edges)
    return [order[batch.start : batch.stop] for batch in batches]
