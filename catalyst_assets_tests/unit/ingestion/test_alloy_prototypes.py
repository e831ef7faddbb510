"""Alloys have the symmetry of their prototype and, by the volumes of their elements alone, nearly the measured size."""

import pytest
from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

from catalyst_assets.errors import UnreadableStructureError, UsageError
from catalyst_assets.ingestion.prototypes.alloys import ALLOYS
from catalyst_assets.ingestion.prototypes.crystals import PROTOTYPES
from catalyst_assets.ingestion.prototypes.formulas import build_from_formula

# Edges as measured, at room temperature: Villars and Calvert, Pearson's Handbook.
MEASURED = [
    ("Cu", "A1", "Fm-3m", (3.615, 3.615, 3.615)),
    ("W", "A2", "Im-3m", (3.165, 3.165, 3.165)),
    ("Ti", "A3", "P6_3/mmc", (2.951, 2.951, 4.684)),
    ("NiAl", "B2", "Pm-3m", (2.887, 2.887, 2.887)),
    ("FePt", "L1_0", "P4/mmm", (2.725, 2.725, 3.713)),
    ("Cu3Au", "L1_2", "Pm-3m", (3.748, 3.748, 3.748)),
    ("Fe3Al", "D0_3", "Fm-3m", (5.793, 5.793, 5.793)),
    ("Cu2MnAl", "L2_1", "Fm-3m", (5.950, 5.950, 5.950)),
    ("MgZn2", "C14", "P6_3/mmc", (5.221, 5.221, 8.567)),
    ("MgCu2", "C15", "Fd-3m", (7.034, 7.034, 7.034)),
]


@pytest.mark.parametrize(("formula", "prototype", "space_group", "edges"), MEASURED)
def test_known_alloys_come_out_nearly_as_measured(formula, prototype, space_group, edges):
    structure = build_from_formula(formula, prototype).to_structure()

    analyzer = SpacegroupAnalyzer(structure)
    assert analyzer.get_space_group_symbol() == space_group
    assert analyzer.get_conventional_standard_structure().lattice.abc == pytest.approx(edges, rel=0.05)
    assert structure.composition.reduced_composition == type(structure.composition)(formula)


def test_every_prototype_is_measured_here():
    assert {prototype for _, prototype, *_ in MEASURED} == set(ALLOYS)


def test_laves_phases_have_the_coordination_of_frank_and_kasper():
    for prototype in ("C14", "C15"):
        structure = build_from_formula("MgZn2", prototype).to_structure()
        around = {site.specie.symbol: len(structure.get_neighbors(site, 3.8)) for site in structure}
        assert around == {"Mg": 16, "Zn": 12}


def test_an_element_without_a_known_volume_is_refused_by_name():
    with pytest.raises(UsageError, match="No molar volume is known of At"):
        PROTOTYPES["A1"].build({"A": ("At", 0)})
    with pytest.raises(
        UnreadableStructureError, match=r"'AtPt' cannot be sized: No molar volume is known of At"
    ):
        build_from_formula("AtPt", "B2")


def test_a_formula_of_other_numbers_does_not_fit():
    with pytest.raises(UnreadableStructureError, match="'CuAu' does not fit L1_2, whose sites are A3 B"):
        build_from_formula("CuAu", "L1_2")
