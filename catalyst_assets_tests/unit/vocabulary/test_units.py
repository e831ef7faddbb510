"""Units: what is one, what converts into what, and what is never taken for something else."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalyst_assets.vocabulary.units import conversion, find_unit_problem


@pytest.mark.parametrize(
    ("value", "given_unit", "stored", "expected"),
    [
        (1.1, "meV/atom", "eV/atom", 0.0011),
        (250, "mV", "V", 0.25),
        (0.953, "fraction", "percent", 95.3),
        (95.3, "%", "percent", 95.3),
        (0.44, "A/mg", "A/g", 440),
        (10, "mA cm-2", "mA/cm^2", 10),
        (10, "mA/cm2", "A/m^2", 100),
        (10, "mA·cm⁻²", "A/m^2", 100),
        (96.48533212331, "kJ/mol", "eV", 1),
        (23.060547830619, "kcal/mol", "eV", 1),
        (96.48533212331, "kJ/mol_atom", "eV/atom", 1),
        (1, "hartree", "eV", 27.211386245981),
        (25, "degC", "K", 298.15),
        (0.5, "nm", "Å", 5),
        (1, "1/s", "1/hour", 3600),
    ],
)
def test_numbers_become_those_of_the_stored_unit(value, given_unit, stored, expected):
    assert conversion(given_unit, stored)(value) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("value", [1.1, 0.3, 123.456, 7e-5])
def test_a_decimal_prefix_adds_no_digits(value):
    assert conversion("meV", "eV")(value) == value / 1000


@pytest.mark.parametrize(
    ("given_unit", "stored"),
    [
        ("eV", "eV/atom"),
        ("eV/formula_unit", "eV/atom"),
        ("eV/cell", "eV/atom"),
        ("mA", "mA/cm^2"),
        ("A/g", "A/m^2"),
        ("eV", "V"),
        ("mol/s", "1/s"),
        ("g", "mol"),
    ],
)
def test_what_measures_something_else_is_refused_by_both_names(given_unit, stored):
    with pytest.raises(ValueError, match=f"'{given_unit}' cannot be converted to") as refused:
        conversion(given_unit, stored)
    assert stored in str(refused.value)


def test_a_mole_of_formula_units_is_not_taken_for_a_mole_of_atoms():
    with pytest.raises(ValueError, match="a mole of atoms is written mol_atom"):
        conversion("kJ/mol", "eV/atom")


@pytest.mark.parametrize(
    "unit",
    ["V vs RHE", "ev", "5 eV", "eV**9**9**9", "", " ", "eV +", "__class__", "furlongs/fortnights!", "(eV"],
)
def test_what_is_no_unit_is_said(unit):
    assert find_unit_problem(unit)


@given(st.text(max_size=60))
def test_no_text_is_worse_than_no_unit(unit):
    problem = find_unit_problem(unit)
    assert not problem or "is no unit" in problem


def test_pint_is_imported_when_a_unit_must_be_understood_and_not_before():
    code = (
        "import sys; from catalyst_assets.vocabulary.known import known_properties;"
        "from catalyst_assets.vocabulary.units import conversion;"
        "conversion(known_properties()['band_gap'].unit, 'eV'); assert 'pint' not in sys.modules;"
        "conversion('meV', 'eV'); assert 'pint' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
