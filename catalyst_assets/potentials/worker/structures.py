"""Structures as arrays, their edges, and many of them as one graph."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# A cell axis along which nothing repeats is made this much longer than what is in it, in cutoffs.
_ROOM = 2.5
# Atoms in an Å³ of what is packed most closely.
_CLOSE_PACKED = 0.2


@dataclass
class Structure:
    """Atoms in a cell.

    Attributes
    ----------
    name
        By which whoever asked knows it.
    numbers
        Atomic numbers, shape ``(n,)``.
    positions
        Cartesian, in Å, shape ``(n, 3)``.
    cell
        Rows are lattice vectors, in Å, shape ``(3, 3)``.
    periodic
        Along which of them it repeats.
    fixed
        Atoms that are not moved, shape ``(n,)``.
    """

    name: str
    numbers: np.ndarray
    positions: np.ndarray
    cell: np.ndarray
    periodic: tuple[bool, bool, bool]
    fixed: np.ndarray

    @property
    def volume(self) -> float:
        """Of the cell, in Å³."""
        return float(abs(np.linalg.det(self.cell)))


@dataclass
class Neighbours:
    """Edges of one structure.

    Attributes
    ----------
    pairs
        From which atom to which, shape ``(2, edges)``.
    vectors
        From the first to the second, in Å, shape ``(edges, 3)``.
    """

    pairs: np.ndarray
    vectors: np.ndarray

    @property
    def count(self) -> int:
        """How many edges there are."""
        return int(self.pairs.shape[1])

    def nearest(self) -> float:
        """Return the shortest edge, in Å; infinite where there is none."""
        return float(np.linalg.norm(self.vectors, axis=1).min()) if self.count else float("inf")


@dataclass
class Graph:
    """Structures one after the other as one graph.

    Attributes
    ----------
    numbers
        Shape ``(atoms,)``.
    positions
        Shape ``(atoms, 3)``.
    pairs, vectors
        As of `Neighbours`.
    owner
        To which structure an atom belongs, shape ``(atoms,)``.
    counts
        Atoms of each structure.
    volumes
        In Å³.
    """

    numbers: np.ndarray
    positions: np.ndarray
    pairs: np.ndarray
    vectors: np.ndarray
    owner: np.ndarray
    counts: np.ndarray
    volumes: np.ndarray

    def split(self, values: np.ndarray) -> list[np.ndarray]:
        """Return values of atoms, shape ``(atoms, …)``, apart for each structure."""
        return np.split(values, np.cumsum(self.counts)[:-1])


def find_neighbours(structure: Structure, cutoff: float) -> Neighbours:
    """Return every pair of atoms within a cutoff, images included, both ways."""
    from vesin import NeighborList

    first, second, vectors = NeighborList(cutoff=cutoff, full_list=True).compute(
        structure.positions, roomy_cell(structure, cutoff), np.array(structure.periodic), "ijD"
    )
    return Neighbours(np.stack([first, second]).astype(np.int64), vectors)


def likely_edges(structure: Structure, cutoff: float) -> float:
    """Return about how many edges a structure has, from how densely its cell is filled."""
    count = len(structure.numbers)
    sphere = 4 / 3 * np.pi * cutoff**3
    return (
        float(count * min(count * sphere / structure.volume, _CLOSE_PACKED * sphere))
        if structure.volume
        else count**2
    )


def roomy_cell(structure: Structure, cutoff: float) -> np.ndarray:
    """Return a structure's cell, so long where nothing repeats that atoms see no image of each other."""
    cell = np.array(structure.cell, dtype=float)
    extent = np.ptp(structure.positions, axis=0).max() + _ROOM * cutoff
    for axis, repeats in enumerate(structure.periodic):
        if not repeats and np.linalg.norm(cell[axis]) < extent:
            cell[axis] = np.eye(3)[axis] * extent
    return cell


def join(structures: Sequence[Structure], neighbours: Sequence[Neighbours]) -> Graph:
    """Return structures and their edges as one graph."""
    counts = np.array([len(each.numbers) for each in structures])
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    return Graph(
        numbers=np.concatenate([each.numbers for each in structures]),
        positions=np.concatenate([each.positions for each in structures]),
        pairs=np.concatenate(
            [edges.pairs + start for edges, start in zip(neighbours, starts, strict=True)], axis=1
        ),
        vectors=np.concatenate([edges.vectors for edges in neighbours]),
        owner=np.repeat(np.arange(len(structures)), counts),
        counts=counts,
        volumes=np.array([each.volume for each in structures]),
    )
