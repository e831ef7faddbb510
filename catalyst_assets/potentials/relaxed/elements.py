"""What the elements come to by a potential: the lowest of the states that are known, relaxed like everything else.

The crystals of the Delta project (Lejaeghere et al., Crit. Rev. Solid State Mater. Sci. 39, 1 (2014)), which ASE ships
for 71 elements, its reference states for those that it can build, ground states of many atoms from AFLOW's library of
prototypes (Mehl et al., Comput. Mater. Sci. 136, S1 (2017)), which pymatgen ships, and molecules of the diatomic gases in
a vacuum. A state that a functional would never find is of no harm: the lowest counts.
"""

import contextlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from resources.postgres.database import execute_many, fetch_all

if TYPE_CHECKING:
    from ase import Atoms

    from catalyst_assets.potentials.interface import Potential, Relaxation
    from catalyst_assets.potentials.relaxed.recipe import Recipe
    from resources.postgres.database import Database

_DIATOMIC: Final = ("H", "N", "O", "F", "Cl", "Br", "I")
_BOND_ANGSTROM: Final = {"H": 0.74, "N": 1.10, "O": 1.21, "F": 1.41, "Cl": 1.99, "Br": 2.28, "I": 2.67}
# Prototype of the ground state, where ASE knows none or a simpler one: alpha sulfur, alpha manganese, double
# hexagonal close packing, alpha protactinium, uranium, neptunium and plutonium.
_GROUND_STATES: Final = {
    "S": "A_oF128_70_4h",
    "Mn": "A_cI58_217_ac2g",
    **dict.fromkeys(("La", "Pr", "Nd", "Pm"), "A_hP4_194_ac"),
    "Pa": "A_tI2_139_a",
    "U": "A_oC4_63_c",
    "Np": "A_oP8_62_2c",
    "Pu": "A_mP16_11_8e",
}
# Of these ASE has cells of one atom, which are no state of them.
_ONLY_THEIR_GROUND_STATES: Final = ("S", "U", "Np")


@dataclass(frozen=True)
class Reference:
    """What an element comes to.

    Attributes
    ----------
    energy_per_atom
        In eV; None where there is a problem.
    state
        Which state of the element has it.
    problem
        Why there is none.
    """

    element: str
    energy_per_atom: float | None
    state: str | None
    problem: str | None


def lacking_elements(database: "Database", recipe: "Recipe", *, again: bool = False) -> list[str]:
    """Return the elements of what a potential has relaxed that nothing is known of by it.

    Parameters
    ----------
    again
        Whether those that it failed at lack, too.
    """
    with database.transaction() as connection:
        rows = fetch_all(connection, "potentials/elements_without_reference", **recipe.keys, again=again)
    return [row["element"] for row in rows]


def load_references(database: "Database", recipe: "Recipe") -> dict[str, Reference]:
    """Return what the elements come to by a potential."""
    with database.transaction() as connection:
        rows = fetch_all(connection, "potentials/element_references", **recipe.keys)
    return {row["element"]: Reference(**row) for row in rows}


def keep_references(
    database: "Database", potential: "Potential", recipe: "Recipe", elements: Sequence[str]
) -> list[Reference]:
    """Relax the states of some elements and keep what each comes to.

    Of those whose states all ended the worker nothing is kept: they are asked again the next time.

    Raises
    ------
    PotentialError
        The potential's worker cannot start.
    """
    found = relax_elements(potential, recipe.wanted, elements)
    about = {"method": recipe.method, "recipe_sha256": recipe.sha256}
    rows = [{**about, **vars(each)} for each in found]
    with database.transaction() as connection:
        execute_many(connection, "potentials/keep_element", rows)
    return found


def relax_elements(potential: "Potential", wanted: "Relaxation", elements: Sequence[str]) -> list[Reference]:
    """Return the lowest energy per atom of each element among its states, or why there is none.

    Of an element that has none, and of which a state ended the process that was to answer, nothing is returned.
    """
    crystals: dict[str, Atoms] = {}
    molecules: dict[str, Atoms] = {}
    for element in elements:
        for state, atoms in states_of(element).items():
            (crystals if atoms.pbc.all() else molecules)[f"{element} {state}"] = atoms
    lowest: dict[str, tuple[float, str]] = {}
    problems: dict[str, list[str]] = defaultdict(list)
    unknown: set[str] = set()
    for asked, cell in ((crystals, True), (molecules, False)):
        for answer in potential.relax(asked, replace(wanted, cell=cell, keep_symmetry=cell)):
            element, _, state = answer.name.partition(" ")
            if answer.died:
                unknown.add(element)
            if answer.status != "converged" or answer.error:
                problems[element].append(f"{state}: {answer.error or 'its relaxation did not converge'}")
                continue
            per_atom = answer.energy / len(asked[answer.name])
            lowest[element] = min(lowest.get(element, (per_atom, state)), (per_atom, state))
    return [
        Reference(element, *lowest[element], None)
        if element in lowest
        else Reference(element, None, None, "; ".join(problems[element]) or "no state of it is known")
        for element in elements
        if element in lowest or element not in unknown
    ]


def states_of(element: str) -> dict[str, "Atoms"]:
    """Return the states of an element by name; none of one that no crystal is known of."""
    from ase import Atoms
    from ase.build import bulk
    from ase.collections import dcdft
    from ase.data import atomic_numbers, reference_states

    states: dict[str, Atoms] = {}
    if element in _GROUND_STATES:
        states["ground state"] = _prototype(_GROUND_STATES[element], element)
    if element in _ONLY_THEIR_GROUND_STATES:
        return states
    if element in dcdft.names:
        crystal = dcdft[element]
        states["crystal"] = Atoms(crystal.numbers, crystal.positions, cell=crystal.cell, pbc=True)
    about = reference_states[atomic_numbers[element]]
    if about is not None:
        # It cannot build every structure that it names.
        with contextlib.suppress(ValueError, RuntimeError, KeyError, NotImplementedError):
            states[str(about["symmetry"])] = bulk(element)
    if element in _DIATOMIC:
        bond = _BOND_ANGSTROM[element]
        states["molecule"] = Atoms([element] * 2, positions=[(0, 0, 0), (0, 0, bond)])
    return states


def _prototype(label: str, element: str) -> "Atoms":
    """Return a crystal of AFLOW's library, of another element if need be; what it relaxes to is its own cell."""
    from pymatgen.analysis.prototypes import (  # type: ignore[attr-defined]  # it does not list what it exports
        AFLOW_PROTOTYPE_LIBRARY,
    )
    from pymatgen.io.ase import AseAtomsAdaptor

    ours = [each["snl"].structure for each in AFLOW_PROTOTYPE_LIBRARY if each["tags"]["aflow"] == label]
    # Several elements share some prototypes, with angles of their own.
    own = [crystal for crystal in ours if crystal.composition.chemical_system == element]
    atoms = AseAtomsAdaptor.get_atoms((own or ours)[0], msonable=False)
    atoms.set_chemical_symbols([element] * len(atoms))
    return atoms
