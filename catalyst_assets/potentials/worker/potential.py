"""What every potential can do, and batches of structures for it."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from .structures import Neighbours, Structure, find_neighbours, likely_edges

Value = TypeVar("Value")


@dataclass
class Evaluation:
    """Of one structure.

    Attributes
    ----------
    energy
        Total, in eV.
    forces
        In eV/Å, shape ``(atoms, 3)``.
    stress
        Derivative of the energy by strain over the volume, positive under tension as ASE has it, in eV/Å³, shape
        ``(3, 3)``.
    features
        Invariant node features of the interaction blocks: means over the atoms, then standard deviations, shape
        ``(2 * width,)``; of a potential that gives none ``(0,)``.
    """

    energy: float
    forces: np.ndarray
    stress: np.ndarray
    features: np.ndarray


class Potential(Protocol):
    """A potential with its weights.

    Attributes
    ----------
    cutoff
        Within which the edges are that it is given, in Å.
    elements
        Atomic numbers that it knows.
    edges
        How many of them a batch has at best.
    """

    cutoff: float
    elements: frozenset[int]
    edges: int

    def evaluate(self, structures: Sequence[Structure], neighbours: Sequence[Neighbours]) -> list[Evaluation]:
        """Return energies, forces, stresses and features."""
        ...

    def describe(self, structures: Sequence[Structure], neighbours: Sequence[Neighbours]) -> list[np.ndarray]:
        """Return features alone."""
        ...


def in_batches(
    structures: Sequence[Structure], potential: "Careful"
) -> Iterator[tuple[list[Structure], list[Neighbours]]]:
    """Yield structures that make a batch, with their edges; those alike in size go together.

    Edges are found batch by batch: those of a whole job would be gigabytes.
    """
    batch: list[Structure] = []
    found: list[Neighbours] = []
    held = 0
    for each in sorted(structures, key=lambda each: likely_edges(each, potential.cutoff)):
        edges = find_neighbours(each, potential.cutoff)
        if batch and held + edges.count > potential.edges:
            yield batch, found
            batch, found, held = [], [], 0
        batch.append(each)
        found.append(edges)
        held += edges.count
    if batch:
        yield batch, found


def pool(nodes: np.ndarray) -> np.ndarray:
    """Return means and standard deviations of a structure's node features, shape ``(atoms, width)``, over its atoms."""
    return np.concatenate([nodes.mean(axis=0), nodes.std(axis=0)])


class Careful:
    """A potential that one bad structure, or a batch too large, stops from answering nothing but itself.

    Where a GPU is of no use to the process any more, all of it ends: whoever asked starts another.

    Parameters
    ----------
    potential
        It is given halves of a batch that it failed on, down to single structures.
    alive
        Called before each batch.

    Attributes
    ----------
    own
        The potential.
    edges
        How many a batch has; fewer once there was no memory for so many.
    failures
        What it said of structures that it failed on alone, by name; they have no value.
    """

    def __init__(self, potential: Potential, alive: Callable[[], object] = lambda: None) -> None:
        self.own = potential
        self.cutoff = potential.cutoff
        self.elements = potential.elements
        self.edges = potential.edges
        self.failures: dict[str, str] = {}
        self._alive = alive
        self._most_that_worked = 1
        self._too_many = math.inf

    def evaluate(
        self, structures: Sequence[Structure], neighbours: Sequence[Neighbours]
    ) -> list[Evaluation | None]:
        """Return energies, forces, stresses and features."""
        return self._ask(self.own.evaluate, structures, neighbours)

    def describe(
        self, structures: Sequence[Structure], neighbours: Sequence[Neighbours]
    ) -> list[np.ndarray | None]:
        """Return features alone."""
        return self._ask(self.own.describe, structures, neighbours)

    def _ask(
        self,
        ask: Callable[[Sequence[Structure], Sequence[Neighbours]], list[Value]],
        structures: Sequence[Structure],
        neighbours: Sequence[Neighbours],
    ) -> list[Value | None]:
        count = sum(each.count for each in neighbours)
        if len(structures) == 1 or count < self._too_many:
            self._alive()
            try:
                said: list[Value | None] = list(ask(structures, neighbours))
            except Exception as error:
                if _has_lost_its_gpu(error):
                    raise SystemExit(f"the GPU failed: {_first_line(error)}") from error
                if len(structures) == 1:
                    failure = f"the potential failed: {type(error).__name__}: {_first_line(error)}"
                    self.failures[structures[0].name] = failure
                    return [None]
                if _is_out_of_memory(error):
                    # What has no room for so many edges has none for the next batch of them either.
                    self._too_many = min(self._too_many, max(count, self._most_that_worked + 1))
                    self.edges = min(self.edges, max(count // 2, self._most_that_worked))
            else:
                self._most_that_worked = max(self._most_that_worked, count)
                return said
        middle = len(structures) // 2
        return [
            *self._ask(ask, structures[:middle], neighbours[:middle]),
            *self._ask(ask, structures[middle:], neighbours[middle:]),
        ]


def _is_out_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or "OutOfMemory" in type(error).__name__


def _has_lost_its_gpu(error: Exception) -> bool:
    """Tell whether an error is one after which CUDA refuses all that this process asks of it."""
    if _is_out_of_memory(error):
        return False
    return type(error).__name__ == "AcceleratorError" or (
        isinstance(error, RuntimeError) and "CUDA error" in str(error)
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0]
