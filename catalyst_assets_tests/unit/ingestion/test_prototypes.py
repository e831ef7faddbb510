"""Ideal perovskites follow from chemistry alone."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import catalyst_assets
from catalyst_assets.errors import UsageError
from catalyst_assets.ingestion.prototypes.perovskites import (
    build_cubic_perovskite,
    parse_anions,
    perovskite_lattice_constant,
)

ANIONS = ["O3", "O2N", "ON2", "N3", "O2F", "OFN", "O2S"]
# Every element that published perovskite screenings put on either site.
# fmt: off
METALS = [
    "Ag", "Al", "As", "Au", "B", "Ba", "Be", "Bi", "Ca", "Cd", "Co", "Cr", "Cs", "Cu", "Fe", "Ga", "Ge",
    "Hf", "Hg", "In", "Ir", "K", "La", "Li", "Mg", "Mn", "Mo", "Na", "Nb", "Ni", "Os", "Pb", "Pd", "Pt",
    "Rb", "Re", "Rh", "Ru", "Sb", "Sc", "Si", "Sn", "Sr", "Ta", "Te", "Ti", "Tl", "V", "W", "Y", "Zn", "Zr",
]
# fmt: on


def test_strontium_titanate_is_built_as_every_textbook_draws_it():
    structure = build_cubic_perovskite("Sr", "Ti", "O3")

    assert [site.specie.symbol for site in structure] == ["Sr", "Ti", "O", "O", "O"]
    np.testing.assert_allclose(
        structure.frac_coords, [[0.5, 0.5, 0.5], [0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]]
    )
    assert structure.lattice.abc == pytest.approx((3.905, 3.905, 3.905), abs=0.03)  # measured: 3.905 Å
    assert structure.lattice.angles == (90, 90, 90)
    assert structure.get_space_group_info()[0] == "Pm-3m"


def test_mixed_anions_take_the_face_positions_in_the_order_written():
    structure = build_cubic_perovskite("Ca", "Ta", "OFN")

    assert [site.specie.symbol for site in structure][2:] == ["O", "F", "N"]


@pytest.mark.parametrize("anions", ANIONS)
def test_every_pair_of_screened_elements_has_a_lattice_constant_atoms_can_live_with(anions):
    constants = [
        perovskite_lattice_constant(a_site, b_site, parse_anions(anions))
        for a_site in METALS
        for b_site in METALS
    ]

    assert min(constants) > 2.9
    assert max(constants) < 6.0


def test_lattice_constants_agree_with_first_principles_within_a_few_percent():
    table = Path(catalyst_assets.__file__).parent / "data" / "perovskite_pbe" / "perovskites.csv"
    with table.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    calculated = np.array([float(row["lattice_a"]) for row in rows])
    estimated = np.array(
        [perovskite_lattice_constant(row["A"], row["B"], parse_anions(row["anion"])) for row in rows]
    )

    assert np.mean(np.abs(estimated / calculated - 1)) < 0.03
    assert np.corrcoef(estimated, calculated)[0, 1] > 0.85


@given(st.permutations(["O", "F", "N"]))
def test_anion_formulas_are_read_in_their_own_order(symbols):
    assert parse_anions("".join(symbols)) == tuple(symbols)


@pytest.mark.parametrize("anions", ["", "O2", "O4", "o3", "O3x", "ClO", "O-3", "O3 "])
def test_what_is_not_three_anions_is_refused_by_name(anions):
    with pytest.raises(UsageError, match="not a formula of three anions"):
        build_cubic_perovskite("Sr", "Ti", anions)


@pytest.mark.parametrize(
    ("site", "problem"), [("Xx", "'Xx' is not an element"), ("He", "No ionic radius .* He as cation")]
)
def test_an_element_without_radius_is_refused_by_name(site, problem):
    with pytest.raises(UsageError, match=problem):
        build_cubic_perovskite(site, "Ti", "O3")
