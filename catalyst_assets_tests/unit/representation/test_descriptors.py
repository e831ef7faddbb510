"""Descriptors tell what a chemist would: who sits where, with which charge, and whether it fits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core.lattice import Lattice
from pymatgen.core.periodic_table import Element
from pymatgen.core.structure import Structure

from catalyst_assets.ingestion.prototypes.perovskites import build_cubic_perovskite
from catalyst_assets.representation.descriptors.charges import assign_charges, closed_shell_mismatch
from catalyst_assets.representation.descriptors.elements import Shells, element_table
from catalyst_assets.representation.descriptors.structural import describe_graphs, descriptor_names
from catalyst_assets.representation.graphs import build_graph
from catalyst_assets_tests.crystals import assorted, rock_salt


def values_of(*structures: Structure) -> np.ndarray:
    return describe_graphs([build_graph(structure) for structure in structures])


def describe(*structures: Structure) -> list[dict[str, float]]:
    return [dict(zip(descriptor_names(), row, strict=True)) for row in values_of(*structures)]


def ions(**counts: int) -> tuple[tuple[int, bool, int], ...]:
    return tuple((Element(name).Z, name in ("O", "N", "F", "S"), count) for name, count in counts.items())


def test_the_two_cation_sites_of_a_perovskite_are_told_apart():
    (found,) = describe(build_cubic_perovskite("Sr", "Ti", "O3"))

    assert found["loose:electronegativity"] == pytest.approx(Element("Sr").X, abs=1e-3)
    assert found["tight:electronegativity"] == pytest.approx(Element("Ti").X, abs=1e-3)
    assert found["anion:electronegativity"] == pytest.approx(Element("O").X)
    assert found["loose:ion_coordination"] == pytest.approx(12, abs=0.1)
    assert found["tight:ion_coordination"] == pytest.approx(6, abs=0.1)
    assert (found["loose:ion_charge"], found["tight:ion_charge"], found["anion:ion_charge"]) == (
        pytest.approx(2, abs=1e-3),
        pytest.approx(4, abs=1e-3),
        -2,
    )


def test_swapping_the_sites_keeps_the_composition_and_swaps_the_roles():
    normal, swapped = describe(
        build_cubic_perovskite("Ba", "Zr", "O3"), build_cubic_perovskite("Zr", "Ba", "O3")
    )

    for name in element_table().names:
        assert normal[f"composition:{name}_mean"] == pytest.approx(swapped[f"composition:{name}_mean"])
        assert normal[f"tight:{name}"] == pytest.approx(swapped[f"loose:{name}"], rel=1e-3, abs=1e-3)
    assert normal["tight:mendeleev_number"] != pytest.approx(swapped["tight:mendeleev_number"], rel=0.1)


@pytest.mark.parametrize("anions", ["O3", "N3", "O2F", "O2S", "OFN"])
@pytest.mark.parametrize("metal", ["Cs", "Ti", "Au", "B", "Te"])
def test_the_three_anions_are_recognised_beside_any_metal(metal, anions):
    structure = build_cubic_perovskite(metal, metal, anions)
    (found,) = describe(structure)

    expected = np.mean([site.specie.X for site in structure[2:]])
    assert found["anion:electronegativity"] == pytest.approx(expected)


def test_the_tolerance_factor_is_goldschmidts():
    (found,) = describe(build_cubic_perovskite("Sr", "Ti", "O3"))

    goldschmidt = (1.18 + 1.40) / (np.sqrt(2) * (0.605 + 1.40))  # Shannon radii, six-coordinated
    assert found["geometry:tolerance_factor"] == pytest.approx(goldschmidt, abs=2e-3)


def test_order_among_mixed_anions_does_not_matter_but_the_mix_does():
    first, second, other = describe(
        *(build_cubic_perovskite("Ca", "Ta", anions) for anions in ("O2N", "NO2", "ON2"))
    )

    assert first == pytest.approx(second)
    assert first["anion:electronegativity"] > other["anion:electronegativity"]
    assert first["anion:electronegativity_std"] > 0


@pytest.mark.parametrize(
    ("formula", "charges"),
    [
        ({"Sr": 1, "Ti": 1, "O": 3}, (2, 4, -2)),
        ({"K": 1, "Nb": 1, "O": 3}, (1, 5, -2)),
        ({"La": 1, "Al": 1, "O": 3}, (3, 3, -2)),
        ({"La": 2, "Al": 2, "O": 6}, (3, 3, -2)),
        ({"Fe": 2, "O": 3}, (3, -2)),
        ({"Fe": 1, "O": 1}, (2, -2)),
        ({"Ni": 1, "Al": 1}, (0, 0)),
    ],
)
def test_charges_are_those_of_the_textbook(formula, charges):
    assert assign_charges(ions(**formula)).charges == charges


@pytest.mark.parametrize(
    ("formula", "needed"),
    [
        ({"Sr": 1, "Ti": 1, "O": 3}, Shells.EMPTY_OR_FULL),
        ({"Ca": 1, "Ta": 1, "O": 2, "N": 1}, Shells.EMPTY_OR_FULL),
        ({"Ag": 1, "Nb": 1, "O": 3}, Shells.EMPTY_OR_FULL),
        ({"Pb": 1, "Ti": 1, "O": 3}, Shells.LONE_PAIR),
        ({"La": 1, "Rh": 1, "O": 3}, Shells.LOW_SPIN),
        ({"Sr": 1, "V": 1, "O": 3}, None),
        ({"K": 1, "Ti": 1, "O": 3}, None),
    ],
)
def test_closed_shells_are_found_where_insulators_are(formula, needed):
    balanced = [shells for shells in Shells if closed_shell_mismatch(ions(**formula), shells) == 0]

    assert (balanced[0] if balanced else None) == needed


def test_metals_elements_and_lone_atoms_are_described_without_a_hole():
    lonely = Structure(Lattice.cubic(20), ["Xe"], [[0, 0, 0]])

    assert np.isfinite(values_of(*assorted(), lonely)).all()


@pytest.mark.parametrize("partner", ["H", "O", "F", "La"])
def test_every_element_is_described_in_a_compound(partner):
    pairs = [
        Structure(Lattice.cubic(4.2), [Element.from_Z(z), partner], [[0, 0, 0], [0.5, 0.5, 0.5]])
        for z in range(1, 95)
    ]

    assert np.isfinite(values_of(*pairs)).all()


@given(
    st.lists(st.sampled_from(range(1, 95)), min_size=1, max_size=4),
    st.floats(3.2, 9.0),
)
def test_any_composition_gives_finite_numbers(numbers, a):
    positions = [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0, 0], [0, 0.5, 0.5]]
    structure = Structure(Lattice.cubic(a), [Element.from_Z(z) for z in numbers], positions[: len(numbers)])

    values = values_of(structure)
    assert values.shape == (1, len(descriptor_names()))
    assert np.isfinite(values).all()


def test_every_element_has_every_property():
    values = element_table().values[1:]

    assert values.shape[0] == 94
    assert np.isfinite(values).all()
    assert element_table().column("group")[22] == 4


def test_a_description_does_not_depend_on_the_structures_beside_it():
    together = values_of(rock_salt(), *assorted())

    np.testing.assert_allclose(together[0], values_of(rock_salt())[0], rtol=1e-12)
