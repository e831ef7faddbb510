"""What formation energies by a potential are measured from, and the names of their methods."""

from collections.abc import Iterator, Mapping

import numpy as np
import pytest
import spglib
from ase import Atoms
from ase.data import chemical_symbols
from ase.neighborlist import neighbor_list
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from catalyst_assets.potentials.interface import Answer, Relaxation
from catalyst_assets.potentials.relaxed.elements import Reference, relax_elements, states_of
from catalyst_assets.potentials.relaxed.energies import Computed, formation_energies, lowest_references
from catalyst_assets.potentials.table import known_potentials
from catalyst_assets.vocabulary.known import known_methods
from resources.settings import load_settings

# SevenNet and CHGNet know these; ASE has no crystal of the others.
_UNSTABLE = {"Po", "At", "Rn", "Fr", "Ra"}
_KNOWN = [symbol for symbol in chemical_symbols[1:95] if symbol not in _UNSTABLE]
# Space groups of ground states that are not close packed, body centred or diamond.
_GROUND_STATES = {
    "B": 166, "S": 70, "Mn": 217, "Ga": 64, "As": 166, "Se": 152, "In": 139, "Sn": 227, "Sb": 166, "Te": 152,
    "La": 194, "Nd": 194, "Pm": 194, "Sm": 166, "Hg": 166, "Bi": 166, "Pa": 139, "U": 63, "Np": 62, "Pu": 11,
}  # fmt: skip


class Said:
    """A potential whose energies per atom are given by state; what is not given does not converge."""

    method = "said"

    def __init__(self, per_atom: Mapping[str, float]) -> None:
        self.per_atom = per_atom
        self.kept_cells: dict[str, bool] = {}

    def evaluate(self, structures: Mapping[str, Atoms]) -> Iterator[Answer]:
        raise NotImplementedError

    describe = evaluate

    def relax(self, structures: Mapping[str, Atoms], wanted: Relaxation) -> Iterator[Answer]:
        for name, atoms in structures.items():
            self.kept_cells[name] = not wanted.cell
            if name in self.per_atom:
                energy = self.per_atom[name] * len(atoms)
                yield Answer(name, energy=energy, relaxed=atoms, status="converged", largest_force=0.01)
            else:
                yield Answer(name, energy=0.0, relaxed=atoms, status="not_converged", largest_force=1.0)


def row(
    name: str, formula: str, elements: list[str], energy: float, status: str = "converged"
) -> dict[str, object]:
    return {
        "material_id": name,
        "reduced_formula": formula,
        "elements": elements,
        "status": status,
        "steps": 7,
        "energy_per_atom": energy,
    }


@pytest.mark.parametrize("element", _KNOWN)
def test_there_is_a_state_of_every_element(element: str) -> None:
    states = states_of(element)
    assert states
    for atoms in states.values():
        assert set(atoms.get_chemical_symbols()) == {element}
        distances = atoms.get_all_distances(mic=bool(atoms.pbc.all()))
        assert len(atoms) == 1 or distances[np.triu_indices(len(atoms), 1)].min() > 0.6


@pytest.mark.parametrize("element", _GROUND_STATES)
def test_the_ground_state_is_among_the_states(element: str) -> None:
    found = {
        name: spglib.get_symmetry_dataset((each.cell.array, each.get_scaled_positions(), each.numbers), 0.01)
        for name, each in states_of(element).items()
        if each.pbc.all()
    }
    assert _GROUND_STATES[element] in {each.number for each in found.values()}


@pytest.mark.parametrize("element", ["S", "U", "Np"])
def test_a_cell_of_one_atom_is_no_state_of_what_has_no_simple_one(element: str) -> None:
    assert min(len(each) for each in states_of(element).values()) > 1


def test_sulfur_is_made_of_rings_of_eight() -> None:
    crystal = states_of("S")["ground state"]
    first, second, lengths = neighbor_list("ijd", crystal, 2.5)
    assert np.bincount(first).tolist() == [2] * 32
    assert lengths == pytest.approx(2.05, abs=0.03)
    rings, of_atom = connected_components(coo_matrix((np.ones_like(first), (first, second))))
    assert (rings, np.bincount(of_atom).tolist()) == (4, [8] * 4)


def test_an_element_whose_state_ended_the_worker_is_known_by_another_or_not_at_all() -> None:
    class Dying(Said):
        def relax(self, structures: Mapping[str, Atoms], wanted: Relaxation) -> Iterator[Answer]:
            for answer in super().relax(structures, wanted):
                died = answer.status == "not_converged"
                yield Answer(answer.name, "the worker died", died=True) if died else answer

    found = relax_elements(Dying({"Cu fcc": -3.7}), Relaxation(), ["Cu", "Pb"])

    assert found == [Reference("Cu", pytest.approx(-3.7), "fcc", None)]


def test_the_lowest_state_counts_and_a_molecule_has_no_cell() -> None:
    potential = Said({"O molecule": -4.9, "O crystal": -4.8, "Cu fcc": -3.7})

    oxygen, copper, lead = relax_elements(potential, Relaxation(), ["O", "Cu", "Pb"])

    assert oxygen == Reference("O", pytest.approx(-4.9), "molecule", None)
    assert copper == Reference("Cu", pytest.approx(-3.7), "fcc", None)
    assert (lead.energy_per_atom, lead.state) == (None, None)
    assert lead.problem is not None
    assert "fcc: its relaxation did not converge" in lead.problem
    assert potential.kept_cells["O molecule"]
    assert not potential.kept_cells["O crystal"]


def test_an_ingested_crystal_counts_where_it_is_lower_and_converged() -> None:
    stored = {"Cu": Reference("Cu", -3.7, "fcc", None), "O": Reference("O", -4.9, "molecule", None)}
    rows = [
        row("a", "Cu", ["Cu"], -3.8),
        row("b", "Cu", ["Cu"], -9.0, "not_converged"),
        row("c", "CuO", ["Cu", "O"], -5.0),
        row("d", "AuO", ["Au", "O"], -5.0),
    ]
    assert lowest_references(rows, stored) == {"Cu": -3.8, "O": -4.9}

    found = formation_energies(rows, stored)

    assert found == {
        "a": Computed(0.0, None),
        "b": Computed(None, "its relaxation did not converge in 7 steps"),
        "c": Computed(-0.65, None),
        "d": Computed(None, "there is no reference of Au"),
    }


def test_the_name_of_every_potential_is_a_method() -> None:
    methods = known_methods()
    assert {methods[name].kind for name in known_potentials(load_settings())} == {"potential"}
