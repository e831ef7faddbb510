"""What can be asked of a potential, whoever answers: its worker (`client`), or any calculator of ASE in this process.

Structures go in as ASE's `Atoms` under a name of the asker's; atoms that a `FixAtoms` holds are not moved. Answers come
in whatever order they are done, one a structure, and one that failed says why.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

if TYPE_CHECKING:
    from ase import Atoms

Status = Literal["converged", "not_converged", "collapsed"]


@dataclass(frozen=True)
class Relaxation:
    """What a relaxation is to do.

    Attributes
    ----------
    cell
        Whether the cell is relaxed with the atoms.
    largest_force
        Below which it has converged, in eV/Å; for a cell its generalized forces as well.
    most_steps
        After which it is given up as not converged.
    keep_symmetry
        Whether the space group that it starts in is kept.
    """

    cell: bool = True
    largest_force: float = 0.02
    most_steps: int = 500
    keep_symmetry: bool = False


@dataclass(frozen=True)
class Answer:
    """What a potential says of one structure.

    Attributes
    ----------
    name
        The asker's.
    error
        Why there is no answer; empty where there is one.
    energy
        Total, in eV.
    forces
        In eV/Å, shape ``(atoms, 3)``; only where they were asked for.
    stress
        Positive under tension as ASE has it, in eV/Å³, shape ``(3, 3)``; only where forces are, and only of what repeats
        in all directions.
    features
        Invariant node features of the interaction blocks, means over the atoms, then their standard deviations, shape
        ``(2 * width,)``; empty where the potential has none.
    relaxed
        The structure as it ended; only of a relaxation.
    status
        How a relaxation ended. What collapsed is no crystal any more and has an error.
    steps, largest_force
        Of a relaxation; the force in eV/Å.
    held
        Number of the space group that a relaxation was held to; None where it was held to none.
    died
        Whether it ended the process that was to answer, so that nothing is known but that.
    """

    name: str
    error: str = ""
    energy: float = float("nan")
    forces: np.ndarray | None = None
    stress: np.ndarray | None = None
    features: np.ndarray | None = None
    relaxed: "Atoms | None" = None
    status: Status | None = None
    steps: int = 0
    largest_force: float = float("nan")
    held: int | None = None
    died: bool = False


class Potential(Protocol):
    """A potential that answers."""

    @property
    def method(self) -> str:
        """Name of its values: those of two methods are never mixed."""
        ...

    def evaluate(self, structures: "Mapping[str, Atoms]") -> Iterator[Answer]:
        """Yield energies, forces, stresses and features of structures as they are."""
        ...

    def describe(self, structures: "Mapping[str, Atoms]") -> Iterator[Answer]:
        """Yield the features of structures, and nothing else."""
        ...

    def relax(self, structures: "Mapping[str, Atoms]", wanted: Relaxation) -> Iterator[Answer]:
        """Yield structures and energies at the next minimum."""
        ...
