"""Formation energies by potentials that learned PBE and PBE+U energies as they were computed, against experiment."""

import pytest
from pymatgen.core.lattice import Lattice
from pymatgen.core.structure import Structure

from catalyst_assets.potentials.relaxed.corrections import correction_ev
from catalyst_assets.potentials.table import known_potentials
from resources.settings import load_settings

# As SevenNet-0 relaxes them, in eV/atom.
BY_SEVENNET_0 = {
    "NiO": -4.92839, "MgO": -5.97747, "CoO": -6.03965, "FeO": -6.69936, "Cu3Au": -3.90812, "Ni": -5.76844,
    "Mg": -1.60453, "Co": -7.07306, "Fe": -8.36573, "O": -4.89837, "Cu": -4.09621, "Au": -3.26660,
}  # fmt: skip


def rocksalt(metal: str, edge: float) -> Structure:
    return Structure.from_spacegroup("Fm-3m", Lattice.cubic(edge), [metal, "O"], [[0, 0, 0], [0.5, 0.5, 0.5]])


CU3AU = Structure(
    Lattice.cubic(3.773), ["Au", "Cu", "Cu", "Cu"], [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]
)


def formation_energy(structure: Structure, scheme: object) -> float:
    composition = structure.composition
    elements = sum(
        composition.get_atomic_fraction(each) * BY_SEVENNET_0[each.symbol] for each in composition.elements
    )
    corrected = correction_ev(structure, scheme) / len(structure)  # type: ignore[arg-type]
    return BY_SEVENNET_0[composition.reduced_formula] + corrected - elements


@pytest.mark.parametrize(
    ("structure", "measured"),
    [
        # Standard enthalpies of formation of the NIST-JANAF tables and, of CoO and FeO, of Kubaschewski's.
        (rocksalt("Ni", 4.22), -1.24),
        (rocksalt("Mg", 4.25), -3.12),
        (rocksalt("Co", 4.29), -1.23),
        (rocksalt("Fe", 4.38), -1.41),
    ],
)
def test_corrected_formation_energies_of_oxides_are_those_measured(
    structure: Structure, measured: float
) -> None:
    assert formation_energy(structure, "mp2020") == pytest.approx(measured, abs=0.2)


def test_what_is_not_corrected_makes_nickel_oxide_unstable() -> None:
    assert formation_energy(rocksalt("Ni", 4.22), None) == pytest.approx(0.405, abs=0.001)


def test_alloys_and_elements_stay_as_they_are() -> None:
    nickel = Structure.from_spacegroup("Fm-3m", Lattice.cubic(3.5), ["Ni"], [[0, 0, 0]])
    assert correction_ev(CU3AU, "mp2020") == 0
    assert correction_ev(nickel, "mp2020") == 0
    assert formation_energy(CU3AU, "mp2020") == formation_energy(CU3AU, None)


def test_an_oxide_is_told_from_a_peroxide_by_its_distances() -> None:
    # per atom of oxygen, as the scheme has them
    apart = Structure(Lattice.cubic(4), ["Ba", "O", "O"], [[0, 0, 0], [0.5, 0.5, 0.1], [0.5, 0.5, 0.9]])
    bound = Structure(Lattice.cubic(4), ["Ba", "O", "O"], [[0, 0, 0], [0.5, 0.5, 0.32], [0.5, 0.5, 0.68]])
    assert correction_ev(rocksalt("Mg", 4.25), "mp2020") / 4 == pytest.approx(-0.687)
    assert correction_ev(bound, "mp2020") / 2 == pytest.approx(-0.465)
    assert correction_ev(apart, "mp2020") != correction_ev(bound, "mp2020")


def test_those_that_learned_energies_as_computed_are_corrected_and_no_other() -> None:
    corrected = {name for name, spec in known_potentials(load_settings()).items() if spec.corrections}
    assert corrected == {"sevennet-0", "sevennet-l3i5", "sevennet-mf-0-pbe"}
