"""Prototypes have the symmetry and, by ionic radii alone, nearly the size of the real crystals."""

import pytest
from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

from catalyst_assets.errors import UsageError
from catalyst_assets.ingestion.prototypes.crystals import PROTOTYPES

O2 = ("O", -2)
MG_AL = {"A": ("Mg", 2), "B": ("Al", 3), "X": O2}


@pytest.mark.parametrize(
    ("prototype", "ions", "formula", "space_group", "edges"),
    [
        ("cubic_perovskite", {"A": ("Sr", 2), "B": ("Ti", 4), "X": O2}, "SrTiO3", "Pm-3m", (3.905,) * 3),
        (
            "mixed_anion_perovskite",
            {"A": ("Ba", 2), "B": ("Ta", 5), "X": O2, "Y": ("N", -3)},
            "BaTaNO2",
            "P4/mmm",
            (4.11,) * 3,
        ),
        (
            "double_perovskite",
            {"A": ("Ba", 2), "B": ("Mg", 2), "C": ("W", 6), "X": O2},
            "Ba2MgWO6",
            "Fm-3m",
            (8.11,) * 3,
        ),
        ("spinel", MG_AL, "Mg(AlO2)2", "Fd-3m", (8.083,) * 3),
        ("spinel", {"A": ("Zn", 2), "B": ("Fe", 3), "X": O2}, "Zn(FeO2)2", "Fd-3m", (8.441,) * 3),
        ("rutile", {"M": ("Ti", 4), "X": O2}, "TiO2", "P4_2/mnm", (4.594, 4.594, 2.959)),
        ("rutile", {"M": ("Sn", 4), "X": O2}, "SnO2", "P4_2/mnm", (4.738, 4.738, 3.186)),
    ],
)
def test_known_crystals_come_out_as_measured(prototype, ions, formula, space_group, edges):
    structure = PROTOTYPES[prototype].build(ions).to_structure()

    analyzer = SpacegroupAnalyzer(structure)
    assert analyzer.get_space_group_symbol() == space_group
    conventional = analyzer.get_conventional_standard_structure()
    assert conventional.lattice.abc == pytest.approx(edges, rel=0.025)
    expected = {symbol: 0.0 for symbol, _ in ions.values()}
    for site, (symbol, _) in ions.items():
        expected[symbol] += PROTOTYPES[prototype].sites[site]
    assert structure.composition.reduced_composition.get_el_amt_dict() == expected


def test_bonds_are_sums_of_radii():
    spinel = PROTOTYPES["spinel"].build(MG_AL).to_structure()
    oxygen = next(site for site in spinel if site.specie.symbol == "O")
    neighbours = spinel.get_neighbors(oxygen, 2.3)

    lengths = {
        symbol: [n.nn_distance for n in neighbours if n.specie.symbol == symbol] for symbol in ("Mg", "Al")
    }
    assert lengths["Mg"] == pytest.approx([0.57 + 1.38])
    assert lengths["Al"] == pytest.approx([0.535 + 1.38] * 3)


def test_an_ion_without_radius_is_refused():
    with pytest.raises(UsageError, match="Ti with charge \\+7"):
        PROTOTYPES["rutile"].build({"M": ("Ti", 7), "X": O2})
