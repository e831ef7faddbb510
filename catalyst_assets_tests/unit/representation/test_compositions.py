"""A composition is described as any structure of it would be, where its atoms do not matter."""

import numpy as np
import pytest
from pymatgen.core.composition import Composition
from pymatgen.core.periodic_table import Element

from catalyst_assets.ingestion.prototypes.perovskites import build_cubic_perovskite
from catalyst_assets.representation.backbones import build_backbone
from catalyst_assets.representation.features import (
    Features,
    feature_names,
    featurize,
    featurize_compositions,
)
from catalyst_assets_tests.crystals import rock_salt


@pytest.fixture(scope="module")
def backbone():
    return build_backbone()


def column(features: Features, name: str) -> np.ndarray:
    return features.values[:, features.names.index(name)]


def test_a_composition_has_what_every_structure_of_it_has(backbone):
    structures = [build_cubic_perovskite("Sr", "Ti", "O3"), rock_salt("Na", "Cl", 5.64)]
    of_structures = featurize(structures, backbone)

    found = featurize_compositions([each.composition for each in structures], of_structures.names)

    assert found.names == of_structures.names
    alone = [
        index
        for index, name in enumerate(found.names)
        if name.startswith(("desc:composition:", "desc:fraction:"))
        or name in ("desc:electrons:odd_electrons", "desc:geometry:n_elements")
    ]
    np.testing.assert_allclose(found.values[:, alone], of_structures.values[:, alone], rtol=1e-6, atol=1e-6)
    assert not np.delete(found.values, alone, axis=1).any()
    assert found.failures == {}


def test_fractions_that_do_not_sum_to_one_are_a_ratio(backbone):
    names = feature_names(backbone)

    found = featurize_compositions(
        [Composition("Ni0.1Fe0.2Co0.6Mn0.1"), {"Ni": 10, "Fe": 20, "Co": 60, "Mn": 10}], names
    )

    np.testing.assert_array_equal(found.values[0], found.values[1])
    assert column(found, "desc:fraction:Co")[0] == pytest.approx(0.6)
    assert column(found, "desc:composition:electronegativity_mean")[0] == pytest.approx(
        0.1 * Element("Ni").X + 0.2 * Element("Fe").X + 0.6 * Element("Co").X + 0.1 * Element("Mn").X
    )
    assert column(found, "desc:composition:electronegativity_max")[0] == pytest.approx(Element("Ni").X)
    assert column(found, "desc:geometry:n_elements")[0] == 4


def test_structures_and_compositions_stand_in_the_order_given(backbone):
    salt = rock_salt("Na", "Cl", 5.64)
    apart = featurize([salt], backbone)

    found = featurize([Composition("Fe3Co7"), salt, Composition("Am2O3")], backbone)

    np.testing.assert_allclose(found.values[1], apart.values[0], rtol=1e-5, atol=1e-6)
    assert column(found, "desc:fraction:Fe")[0] == pytest.approx(0.3)
    assert list(found.failures) == [2]
    assert "Am2 O3" in found.failures[2]
    assert not found.values[2].any()


@pytest.mark.parametrize(
    "amounts", [{}, {"Fe": 0.0}, {"Fe": -1.0, "Co": 2.0}, {"Xx": 1.0}, {"Fe": float("nan")}]
)
def test_what_is_no_composition_is_reported(amounts, backbone):
    found = featurize_compositions([amounts, {"Fe": 1.0}], feature_names(backbone))

    assert list(found.failures) == [0]
    assert not found.values[0].any()
    assert column(found, "desc:fraction:Fe")[1] == 1
