"""Any calculator of ASE in this process as a potential, one structure after another: GPAW, EMT, a laboratory's own."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from catalyst_assets.potentials.interface import Answer, Relaxation, Status
from catalyst_assets.potentials.worker.collapse import COLLAPSED, NEAREST_ANGSTROM, has_collapsed
from catalyst_assets.potentials.worker.symmetry import SYMPREC, space_group

if TYPE_CHECKING:
    from ase import Atoms


class CalculatorPotential:
    """A calculator of ASE; what it cannot do of one structure is that structure's error.

    Parameters
    ----------
    method
        Name of its values.
    make
        Returns a calculator; called for each structure, so that none sees what is left of another.
    """

    def __init__(self, method: str, make: Callable[[], Any]) -> None:
        self.method = method
        self._make = make

    def evaluate(self, structures: "Mapping[str, Atoms]") -> Iterator[Answer]:
        """Yield energies, forces and, where a structure repeats in all directions, stresses."""
        return self._each(structures, self._evaluate)

    def describe(self, structures: "Mapping[str, Atoms]") -> Iterator[Answer]:
        """Yield why there are no features: a calculator gives none."""
        for name in structures:
            yield Answer(name, error="a calculator of ASE gives no features")

    def relax(self, structures: "Mapping[str, Atoms]", wanted: Relaxation) -> Iterator[Answer]:
        """Yield structures at the next minimum, by FIRE; the cell in the variables of `FrechetCellFilter`."""
        return self._each(structures, lambda name, atoms: self._relax(name, atoms, wanted))

    def _each(
        self, structures: "Mapping[str, Atoms]", ask: "Callable[[str, Atoms], Answer]"
    ) -> Iterator[Answer]:
        for name, structure in structures.items():
            atoms = structure.copy()
            atoms.calc = self._make()
            try:
                yield ask(name, atoms)
            # Whatever calculators raise: there is no class that all of it has.
            except Exception as error:
                yield Answer(name, error=f"{type(error).__name__}: {error}")

    def _evaluate(self, name: str, atoms: "Atoms") -> Answer:
        stress = atoms.get_stress(voigt=False) if atoms.pbc.all() else None
        forces = atoms.get_forces(apply_constraint=False)
        return Answer(name, energy=float(atoms.get_potential_energy()), forces=forces, stress=stress)

    def _relax(self, name: str, atoms: "Atoms", wanted: Relaxation) -> Answer:
        from ase.constraints import FixSymmetry
        from ase.filters import FrechetCellFilter
        from ase.neighborlist import neighbor_list
        from ase.optimize import FIRE

        held = None
        if wanted.keep_symmetry:
            held = space_group(atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers)
            atoms.set_constraint([*atoms.constraints, FixSymmetry(atoms, symprec=SYMPREC)])
        volume = atoms.cell.volume
        moved = FrechetCellFilter(atoms) if wanted.cell else atoms
        walk = FIRE(moved, logfile=None)
        status: Status = "not_converged"
        largest = float("nan")
        for converged in walk.irun(wanted.largest_force, wanted.most_steps):
            largest = float(np.linalg.norm(moved.get_forces(), axis=1).max())
            ratio = atoms.cell.volume / volume if wanted.cell else 1.0
            nearest = neighbor_list("d", atoms, NEAREST_ANGSTROM).min(initial=np.inf)
            if has_collapsed(largest, ratio, nearest):
                return Answer(name, COLLAPSED, status="collapsed", steps=walk.nsteps)
            if converged:
                status = "converged"
        energy = float(atoms.get_potential_energy())
        atoms.calc = None
        return Answer(
            name,
            energy=energy,
            relaxed=atoms,
            status=status,
            steps=walk.nsteps,
            largest_force=largest,
            held=held,
        )
