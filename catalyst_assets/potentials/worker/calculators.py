"""Any calculator of ASE, one structure after another: for potentials that have no adapter of their own."""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .potential import Evaluation
from .structures import Neighbours, Structure

# It finds its own neighbours: these only tell whether atoms have fallen into each other.
_CUTOFF_ANGSTROM = 2.0
_LAST_ELEMENT = 118
# Of the options, what stands for the file of weights.
_CHECKPOINT = "{checkpoint}"


class AnyCalculator:
    """What a function makes.

    Parameters
    ----------
    factory
        ``module:function``; called with ``options`` it returns the calculator.
    elements
        Symbols that it knows; none for all.
    checkpoint
        File of weights whose hash was looked at; it takes the place of ``{checkpoint}`` among the options.
    """

    cutoff = _CUTOFF_ANGSTROM
    # One at a time: what a calculator kept of a structure's last step serves its next one.
    edges = 0

    def __init__(
        self,
        factory: str,
        options: Mapping[str, Any],
        elements: Sequence[str] = (),
        checkpoint: str | None = None,
    ) -> None:
        from ase.data import atomic_numbers

        module, _, name = factory.partition(":")
        given = {option: checkpoint if value == _CHECKPOINT else value for option, value in options.items()}
        self._calculator = getattr(importlib.import_module(module), name)(**given)
        known = [atomic_numbers[symbol] for symbol in elements] or range(1, _LAST_ELEMENT + 1)
        self.elements = frozenset(known)

    def evaluate(self, structures: Sequence[Structure], neighbours: Sequence[Neighbours]) -> list[Evaluation]:
        """Return energies, forces and stresses; there are no features."""
        return [self._evaluate(each) for each in structures]

    def describe(self, structures: Sequence[Structure], neighbours: Sequence[Neighbours]) -> list[np.ndarray]:
        """Raise: a calculator has no features."""
        raise TypeError("a calculator of ASE gives no features")

    def _evaluate(self, structure: Structure) -> Evaluation:
        from ase import Atoms

        atoms = Atoms(
            structure.numbers, positions=structure.positions, cell=structure.cell, pbc=structure.periodic
        )
        atoms.calc = self._calculator
        stress = atoms.get_stress(voigt=False) if all(structure.periodic) else np.zeros((3, 3))
        return Evaluation(float(atoms.get_potential_energy()), atoms.get_forces(), stress, np.zeros(0))
