"""Gas references are the linear combinations of OC20, or with methane for carbon."""

import pytest

from catalyst_assets.errors import UsageError
from catalyst_assets.surfaces.adsorbates import ADSORBATES, Adsorbate
from catalyst_assets.surfaces.references import METHANE, OC20, build_molecule


@pytest.mark.parametrize(
    ("name", "oc20", "methane"),
    [
        ("H", "1/2 H2", "1/2 H2"),
        ("O", "H2O - H2", "H2O - H2"),
        ("OH", "H2O - 1/2 H2", "H2O - 1/2 H2"),
        ("OOH", "2 H2O - 3/2 H2", "2 H2O - 3/2 H2"),
        ("C", "CO + H2 - H2O", "CH4 - 2 H2"),
        ("CO", "CO", "CH4 + H2O - 3 H2"),
        ("N", "1/2 N2", "1/2 N2"),
        ("NH", "1/2 N2 + 1/2 H2", "1/2 N2 + 1/2 H2"),
    ],
)
def test_equations_are_those_of_the_conventions(name, oc20, methane):
    assert OC20.equation(ADSORBATES[name]) == oc20
    assert METHANE.equation(ADSORBATES[name]) == methane


def test_atoms_on_both_sides_of_an_equation_balance():
    for references in (OC20, METHANE):
        for adsorbate in ADSORBATES.values():
            balance: dict[str, float] = {}
            for molecule, amount in references.molecules(adsorbate).items():
                for symbol in build_molecule(molecule).get_chemical_symbols():
                    balance[symbol] = balance.get(symbol, 0) + amount
            counts = {symbol: adsorbate.symbols.count(symbol) for symbol in adsorbate.symbols}
            assert {symbol: count for symbol, count in balance.items() if count} == counts


def test_energies_add_up():
    assert OC20.energy(ADSORBATES["OH"], {"H2O": -14.0, "H2": -6.0}) == pytest.approx(-11.0)


def test_an_element_without_a_reference_is_named():
    sulfur = Adsorbate("S", ("S",), ((0, 0, 0),))
    with pytest.raises(UsageError, match="no molecule for S of S"):
        OC20.molecules(sulfur)
