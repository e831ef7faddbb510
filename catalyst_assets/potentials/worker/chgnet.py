"""CHGNet's weights, in batches: https://github.com/CederGroupHub/chgnet."""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from chgnet.graph.crystalgraph import CrystalGraph
from chgnet.model.dynamics import CHGNetCalculator
from chgnet.model.model import CHGNet
from pymatgen.core.periodic_table import Element
from pymatgen.core.structure import Structure as Crystal

from .potential import Evaluation, pool
from .structures import Neighbours, Structure, roomy_cell

# Measured on two cores: larger batches bring nothing.
_EDGES = {"cpu": 6_000, "cuda": 100_000}
_EV_PER_ANGSTROM3_PER_GPA = 1 / 160.21766208
_LAST_ELEMENT = 94


class Chgnet:
    """A CHGNet checkpoint.

    Parameters
    ----------
    checkpoint
        Whose hash was looked at.
    device
        ``cpu`` or ``cuda``.
    version
        As the package names its weights; it decides details of the architecture.
    """

    def __init__(self, checkpoint: str, device: str, version: str) -> None:
        model = CHGNet.from_file(checkpoint, mlp_out_bias=version == "0.2.0", version=version)
        self._model = model.to(device).eval()
        self._device = device
        self.cutoff = float(model.graph_converter.atom_graph_cutoff)
        self.elements = frozenset(range(1, _LAST_ELEMENT + 1))
        self.edges = _EDGES[device]

    def evaluate(self, structures: Sequence[Structure], neighbours: Sequence[Neighbours]) -> list[Evaluation]:
        """Return energies, forces, stresses and features; the network finds its own neighbours, in a periodic cell."""
        return [
            Evaluation(
                float(said["e"]) * len(each.numbers),
                said["f"].astype(float),
                said["s"].astype(float) * _EV_PER_ANGSTROM3_PER_GPA,
                pool(said["atom_fea"].astype(float)),
            )
            for each, said in zip(structures, self._ask(structures, "efs"), strict=True)
        ]

    def describe(self, structures: Sequence[Structure], neighbours: Sequence[Neighbours]) -> list[np.ndarray]:
        """Return features alone."""
        return [pool(said["atom_fea"].astype(float)) for said in self._ask(structures, "e")]

    def bare_pass(
        self, structures: Sequence[Structure], neighbours: Sequence[Neighbours]
    ) -> Callable[[], object]:
        """Return what computes energies and forces of a batch whose graphs are made already."""
        graphs = self._graphs(structures)
        return lambda: self._model.predict_graph(graphs, task="efs", batch_size=len(graphs))

    def calculator(self) -> CHGNetCalculator:
        """Return the package's own calculator with the same weights."""
        return CHGNetCalculator(self._model, use_device=self._device)

    def _graphs(self, structures: Sequence[Structure]) -> list[CrystalGraph]:
        return [self._model.graph_converter(_crystal(each, self.cutoff)) for each in structures]

    def _ask(self, structures: Sequence[Structure], task: Literal["e", "efs"]) -> list[dict[str, np.ndarray]]:
        graphs = self._graphs(structures)
        said = self._model.predict_graph(graphs, task=task, return_atom_feas=True, batch_size=len(graphs))
        return said if isinstance(said, list) else [said]


def _crystal(structure: Structure, cutoff: float) -> Crystal:
    symbols = [Element.from_Z(number) for number in structure.numbers.tolist()]
    cell = roomy_cell(structure, cutoff)
    return Crystal(cell, symbols, structure.positions, coords_are_cartesian=True)
