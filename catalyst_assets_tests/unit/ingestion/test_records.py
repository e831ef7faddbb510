"""Records: what is measured of a crystal, and which are refused."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from catalyst_assets.ingestion.prototypes.perovskites import build_cubic_perovskite
from catalyst_assets.ingestion.reading.crystals import describe, hash_structure
from catalyst_assets.ingestion.records import Record, Value, validate

PEROVSKITE = build_cubic_perovskite("Sr", "Ti", "O3")


def problems(structure: Structure = PEROVSKITE, *values: Value) -> str:
    accepted, rejected = validate([Record("test", "x", "table.csv row 2", structure, values)])
    assert len(accepted) + len(rejected) == 1
    return rejected[0].reason if rejected else ""


def gap(value: float, *, name: str = "band_gap", unit: str = "eV", method: str = "PBE") -> Value:
    return Value(name, value, unit, method, "Eg")


def test_a_crystal_is_described_by_what_later_stages_select_on() -> None:
    (crystal,) = describe([PEROVSKITE])
    assert (crystal.reduced_formula, crystal.chemical_system) == ("SrTiO3", "O-Sr-Ti")
    assert (crystal.elements, crystal.n_sites) == (("O", "Sr", "Ti"), 5)
    assert Structure.from_dict(dict(crystal.structure_json)) == PEROVSKITE


def test_oxidation_states_labels_and_site_properties_are_no_part_of_a_material() -> None:
    decorated = PEROVSKITE.copy(site_properties={"magmom": [1.0] * 5})
    decorated.add_oxidation_state_by_element({"Sr": 2, "Ti": 4, "O": -2})
    decorated.relabel_sites()
    assert describe([decorated]) == describe([PEROVSKITE])


@settings(max_examples=50, deadline=None)
@given(
    st.permutations(range(5)),
    st.lists(st.integers(-3, 3), min_size=15, max_size=15),
    st.floats(0, 2 * math.pi),
)
def test_order_of_sites_translation_by_cells_and_orientation_leave_the_hash(
    order: list[int], shifts: list[int], angle: float
) -> None:
    rotation = np.array(
        [[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0], [0, 0, 1]]
    )
    coordinates = PEROVSKITE.frac_coords + np.reshape(shifts, (5, 3))
    same = Structure(
        Lattice(PEROVSKITE.lattice.matrix @ rotation),
        [PEROVSKITE[index].specie for index in order],
        coordinates[list(order)],
    )
    assert hash_structure(same) == hash_structure(PEROVSKITE)


def test_another_crystal_has_another_hash() -> None:
    swapped = build_cubic_perovskite("Ti", "Sr", "O3")
    strained = PEROVSKITE.copy()
    strained.apply_strain(0.001)
    moved = PEROVSKITE.copy()
    moved.translate_sites([1], [0.001, 0, 0])
    hashes = [hash_structure(item) for item in (PEROVSKITE, swapped, strained, moved)]
    assert len(set(hashes)) == 4


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (gap(math.nan), "Eg: nan is not finite"),
        (gap(math.inf), "Eg: inf eV is outside 0 to 30; Eg: inf is not finite"),
        (gap(-0.1), "Eg: -0.1 eV is outside 0 to 30"),
        (gap(1.0, unit="meV"), "Eg: is in 'meV', but band_gap is stored in 'eV'"),
        (gap(1.0, name="colour"), "Eg: 'colour' is not a known property"),
        (gap(1.0, method="guess"), "Eg: 'guess' is not a known method"),
        (gap(0.0), ""),
        (gap(30.0), ""),
    ],
)
def test_only_finite_physical_values_in_their_unit_by_a_known_method_pass(value: Value, reason: str) -> None:
    assert reason in problems(PEROVSKITE, value)
    assert bool(problems(PEROVSKITE, value)) == bool(reason)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (gap(-2.2e-16, name="energy_above_hull", unit="eV/atom"), 0.0),
        (gap(-4e-7, name="energy_above_hull", unit="eV/atom"), 0.0),
        (gap(-1e-6, name="energy_above_hull", unit="eV/atom"), 0.0),
        (gap(-3e-16), 0.0),
        (gap(30.0000001), 30.0),
        (gap(-1e-9, name="oxygen_evolution_overpotential", unit="V"), 0.0),
        (gap(4e-7), 4e-7),
        (gap(-1e-7, name="formation_energy_per_atom", unit="eV/atom"), -1e-7),
    ],
)
def test_a_value_past_its_range_by_rounding_is_the_end_of_the_range(value: Value, kept: float) -> None:
    ((record, _),), rejected = validate([Record("test", "x", "table.csv row 2", PEROVSKITE, (value,))])
    assert not rejected
    assert record.values[0].value == kept


@pytest.mark.parametrize("energy", [-2e-6, -1e-4, -0.02])
def test_an_energy_that_is_really_below_the_hull_is_refused(energy: float) -> None:
    assert "is outside 0 to 10" in problems(PEROVSKITE, gap(energy, name="energy_above_hull", unit="eV/atom"))


def cube(edge: float, *species: object) -> Structure:
    positions = [[0.0, 0.0, 0.5 * index] for index in range(len(species))]
    return Structure(Lattice.cubic(edge), list(species), positions)


@pytest.mark.parametrize(
    ("structure", "reason"),
    [
        (cube(4.0, {"Ti": 0.5, "Zr": 0.5}), "ordered is false"),
        (cube(4.0, {"Ti": 0.9}), "ordered is false"),
        (cube(4.0, "X0+"), "known species is false"),
        (cube(1.2, "Ti"), "volume per atom outside 2 to 500"),
        (cube(9.0, "Ti"), "volume per atom outside 2 to 500"),
        (Structure(Lattice.cubic(4), ["Ti", "O"], [[0, 0, 0], [0, 0, 0.1]]), "shortest distance below 0.5"),
        (
            Structure(Lattice.cubic(4), ["Ti", "O"], [[0, 0, 0.01], [0, 0, 0.99]]),
            "shortest distance below 0.5",
        ),
        (Structure(Lattice.cubic(4), ["Ti", "Ti"], [[0, 0, 0], [0, 0, 0]]), "shortest distance below 0.5"),
        (Structure(Lattice.orthorhombic(0.001, 100, 1000), ["Ti"], [[0, 0, 0]]), "thickness below 0.5"),
        (Structure(Lattice([[4, 0, 0], [0, 4, 0], [4, 4, 0]]), ["Ti"], [[0, 0, 0]]), "thickness below 0.5"),
        (Structure(Lattice.cubic(4), ["Ti"], [[math.nan, 0, 0]]), "thickness below 0.5"),
        (Structure(Lattice.cubic(4), [], []), "n sites outside 1 to"),
        (cube(4.0, "Ti"), ""),
    ],
)
def test_only_ordered_plausible_crystals_of_known_elements_pass(structure: Structure, reason: str) -> None:
    assert reason in problems(structure)
    assert bool(problems(structure)) == bool(reason)


def test_one_bad_record_leaves_the_others() -> None:
    records = [
        Record("test", name, f"table.csv row {row}", PEROVSKITE, (gap(value),))
        for row, (name, value) in enumerate([("a", 1.0), ("b", 99.0), ("c", 2.0)], start=2)
    ]
    accepted, (rejection,) = validate(records)
    assert [record.material_id for record, _ in accepted] == ["test:a", "test:c"]
    assert rejection.place == "table.csv row 3"
    assert rejection.payload == {"record": "b", "fields": ["Eg"]}


def test_no_records_are_no_problem() -> None:
    assert validate([]) == ([], [])


def test_an_atom_far_outside_a_thin_cell_is_measured_as_if_it_were_inside() -> None:
    thin = Lattice([[5.9, 0.0, 0.0], [5.2, 0.9, 0.0], [5.2, 1.3, 2.4]])
    inside = Structure(thin, ["Al", "O"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    outside = Structure(thin, ["Al", "O"], [[0, 0, 0], [0.5, 1e8 + 0.5, 0.5]])
    near, far = describe([inside, outside])
    assert far.shortest_distance == near.shortest_distance
    assert far.structure_hash == near.structure_hash


def test_a_long_thin_cell_is_measured_whichever_way_it_points() -> None:
    along = Lattice([[6000.0, 0.0, 0.0], [0.0, 0.8, 0.0], [0.0, 0.0, 0.8]])
    diagonal = Lattice(along.matrix @ np.linalg.qr(np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 10]]))[0])
    oblique = Lattice([diagonal.matrix[0] + 5000 * diagonal.matrix[1], *diagonal.matrix[1:]])
    for lattice in (along, diagonal, oblique):
        edge = along.matrix[0] if lattice is along else diagonal.matrix[0]
        positions = [edge * fraction for fraction in (0.0, 0.00005, *(x / 8 for x in range(1, 7)))]
        (crystal,) = describe([Structure(lattice, ["Xe"] * 8, positions, coords_are_cartesian=True)])
        assert crystal.shortest_distance == pytest.approx(0.3, abs=1e-6)


@pytest.mark.parametrize("lattice", [[1e12, 3.0, 2.0], [1.0, 1.0, 1.0]])
def test_a_cell_of_impossible_size_is_not_searched(lattice: list[float]) -> None:
    (crystal,) = describe([Structure(Lattice(np.diag(lattice)), ["O", "O"], [[0, 0, 0], [0.5, 0.5, 0.5]])])
    assert math.isnan(crystal.shortest_distance)
    structure = Structure(Lattice(np.diag(lattice)), ["O", "O"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    assert "volume per atom" in problems(structure)
