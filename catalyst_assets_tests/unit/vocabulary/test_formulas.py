"""Formulas as the name of their material has them."""

import pytest

from catalyst_assets.vocabulary.formulas import formula_of
from dash_app.contract import NearestLabelled


@pytest.mark.parametrize(
    ("material_id", "reduced", "shown"),
    [
        ("perovskite_pbe:AgNbO3", "NbAgO3", "AgNbO3"),
        ("optimade:oqmd:PbZr0.5Ti0.5O3", "Zr0.5Ti0.5PbO3", "PbZr0.5Ti0.5O3"),
        ("mp-149", "Si", "Si"),
        ("test:Ba2Ti2O6", "BaTiO3", "BaTiO3"),  # of the cell, not of the composition
        ("test:NaClO3", "KClO3", "KClO3"),
        ("test:O3SrTi!", "SrTiO3", "SrTiO3"),
    ],
)
def test_a_formula_is_written_as_the_name_does_where_it_is_the_same_composition(
    material_id: str, reduced: str, shown: str
) -> None:
    assert formula_of(material_id, reduced) == shown
    found = NearestLabelled(material_id=material_id, formula=reduced, distance=1.0, labels={})
    assert found.formula == shown
