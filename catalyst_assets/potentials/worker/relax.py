"""Relaxation of many structures at a time, each with steps of its own, those that are done replaced in flight.

The cell is relaxed with the atoms in the variables of ASE's `UnitCellFilter` (Tadmor et al., Phys. Rev. B 59, 235
(1999)).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from .collapse import has_collapsed
from .potential import Careful, Evaluation
from .steps import Lbfgs
from .structures import Structure, find_neighbours
from .symmetry import Symmetry

Status = Literal["converged", "not_converged", "collapsed"]
# How far an atom moves in a step, in Å, and how much of itself the cell changes.
_LONGEST_MOVE: Final = 0.2
_LONGEST_STRAIN: Final = 0.05


@dataclass(frozen=True)
class Wanted:
    """What a relaxation is to do; as `potentials.interface.Relaxation`."""

    cell: bool
    largest_force: float
    most_steps: int
    keep_symmetry: bool


@dataclass(frozen=True)
class Relaxed:
    """How a structure ended, and the space group that it was held to, if to any.

    Of one that the potential failed on there is no last evaluation.
    """

    structure: Structure
    status: Status
    steps: int
    largest_force: float
    last: Evaluation | None
    held: int | None = None


class _Walker:
    """A structure on its way.

    Its generalized coordinates are the positions in the first cell and the deformation of that cell, times the number
    of atoms; forces and velocities on them have the shape ``(atoms + 3, 3)``, or ``(atoms, 3)`` in a fixed cell.
    """

    def __init__(self, first: Structure, potential: Careful, wanted: Wanted) -> None:
        self.first = self.now = first
        self.steps = 0
        self._wanted = wanted
        self._cutoff = potential.cutoff
        self._symmetry = Symmetry.of(first) if wanted.keep_symmetry else None
        self._deformation = np.eye(3)
        self._steps = Lbfgs(self._bounds())
        self.edges = find_neighbours(first, potential.cutoff)

    @property
    def held(self) -> int | None:
        """The number of the space group that it is held to."""
        return None if self._symmetry is None else self._symmetry.number

    def forces(self, atoms: np.ndarray, stress: np.ndarray) -> np.ndarray:
        """Return forces on the generalized coordinates."""
        atoms = np.where(self.first.fixed[:, None], 0.0, atoms)
        if not self._wanted.cell:
            return atoms if self._symmetry is None else self._symmetry.average(atoms)
        pulled = atoms @ self._deformation
        virial = np.linalg.solve(self._deformation, -self.now.volume * stress.T).T
        if self._symmetry is not None:
            pulled, virial = self._symmetry.average(pulled), self._symmetry.average_tensor(virial)
        return np.concatenate([pulled, virial / len(self.first.numbers)])

    def status(self, largest: float) -> Status | None:
        """Say how it ended; None where it goes on."""
        shrunk = self.now.volume / self.first.volume if self._wanted.cell else 1.0
        if has_collapsed(largest, shrunk, self.edges.nearest()):
            return "collapsed"
        if largest < self._wanted.largest_force:
            return "converged"
        return "not_converged" if self.steps >= self._wanted.most_steps else None

    def walk(self, forces: np.ndarray) -> None:
        """Make a step."""
        self._move(self._steps.shift(forces))
        self.steps += 1

    def _bounds(self) -> np.ndarray:
        count = len(self.first.numbers)
        atoms = np.full(count, _LONGEST_MOVE)
        if not self._wanted.cell:
            return atoms
        return np.append(atoms, [min(_LONGEST_MOVE, _LONGEST_STRAIN * count)] * 3)

    def _move(self, shift: np.ndarray) -> None:
        count = len(self.first.numbers)
        undeformed = np.linalg.solve(self._deformation, self.now.positions.T).T + shift[:count]
        if self._wanted.cell:
            self._deformation = self._deformation + shift[count:] / count
        self.now = Structure(
            self.first.name,
            self.first.numbers,
            undeformed @ self._deformation.T,
            self.first.cell @ self._deformation.T,
            self.first.periodic,
            self.first.fixed,
        )
        self.edges = find_neighbours(self.now, self._cutoff)


def relax(structures: Sequence[Structure], potential: Careful, wanted: Wanted) -> Iterator[Relaxed]:
    """Yield each structure as soon as it has ended, in whatever order they do."""
    waiting = list(reversed(structures))
    walking: list[_Walker] = []
    while waiting or walking:
        held = sum(each.edges.count for each in walking)
        while waiting and (not walking or held < potential.edges):
            walking.append(_Walker(waiting.pop(), potential, wanted))
            held += walking[-1].edges.count
        answers = potential.evaluate([each.now for each in walking], [each.edges for each in walking])
        going = []
        for walker, said in zip(walking, answers, strict=True):
            if said is None:
                yield Relaxed(walker.now, "collapsed", walker.steps, float("nan"), None)
                continue
            forces = walker.forces(said.forces, said.stress)
            largest = float(np.linalg.norm(forces, axis=1).max())
            status = walker.status(largest)
            if status is None:
                walker.walk(forces)
                going.append(walker)
            else:
                yield Relaxed(walker.now, status, walker.steps, largest, said, walker.held)
        walking = going
