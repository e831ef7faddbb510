"""Slabs have the plane, the layers, the width and the held atoms asked for; facets are the densest planes."""

import numpy as np
import pytest
from ase.geometry import minkowski_reduce
from pymatgen.core import Lattice, Structure

from catalyst_assets.errors import CatalystError
from catalyst_assets.ingestion.prototypes.formulas import build_from_formula
from catalyst_assets.surfaces.facets import default_facets
from catalyst_assets.surfaces.slabs import SlabSettings, cut_slabs

PEROVSKITE = Structure.from_spacegroup(
    "Pm-3m", Lattice.cubic(3.905), ["Sr", "Ti", "O"], [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0]]
)


def crystal(formula, prototype):
    return build_from_formula(formula, prototype).to_structure()


@pytest.mark.parametrize(
    ("formula", "prototype", "facet"),
    [
        ("Pt", "A1", (1, 1, 1)),
        ("W", "A2", (1, 1, 0)),
        ("Ti", "A3", (0, 0, 1)),
        ("NiAl", "B2", (1, 1, 0)),
        # That of the cube of four atoms is (111).
        ("FePt", "L1_0", (1, 0, 1)),
        ("Cu3Au", "L1_2", (1, 1, 1)),
        ("Fe3Al", "D0_3", (1, 1, 0)),
        ("Cu2MnAl", "L2_1", (1, 1, 0)),
    ],
)
def test_close_packed_crystals_have_one_facet_the_densest_of_their_parent(formula, prototype, facet):
    assert default_facets(crystal(formula, prototype)) == [facet]


def test_a_superstructure_has_its_parents_facet_in_its_own_indices():
    # D0_22: two cubes of fcc one above the other, whose (111) is (112) here.
    positions = [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0, 0, 0.5]]
    positions += [[0.5, 0, 0.25], [0, 0.5, 0.25], [0.5, 0, 0.75], [0, 0.5, 0.75]]
    titanium_aluminide = Structure(Lattice.tetragonal(3.85, 8.6), ["Ti"] * 2 + ["Al"] * 6, positions)

    assert default_facets(titanium_aluminide) == [(1, 1, 2)]


def test_other_crystals_have_their_densest_low_index_planes():
    assert default_facets(PEROVSKITE) == [(1, 0, 0), (1, 1, 0), (1, 1, 1)]
    assert default_facets(PEROVSKITE, most=1) == [(1, 0, 0)]


def test_a_slab_of_platinum_is_its_close_packed_plane_four_layers_thick():
    (slab,) = cut_slabs("Pt", crystal("Pt", "A1"), (1, 1, 1), SlabSettings())

    atoms = slab.atoms
    nearest = crystal("Pt", "A1").get_neighbors(crystal("Pt", "A1")[0], 3)[0].nn_distance
    assert (slab.name, slab.formula, slab.top) == ("Pt/1,1,1/0", "Pt", True)
    assert np.bincount(atoms.get_tags()).tolist() == [0, 4, 4, 4, 4]
    assert atoms.cell.lengths()[:2] == pytest.approx([2 * nearest] * 2, abs=1e-5)
    assert atoms.cell.angles() == pytest.approx([90, 90, 60], abs=1e-5)
    heights = sorted(set(atoms.positions[:, 2].round(4)))
    assert np.diff(heights) == pytest.approx([nearest * np.sqrt(2 / 3)] * 3, abs=1e-3)
    assert atoms.cell[2, 2] - np.ptp(heights) == pytest.approx(15.0, abs=1e-3)
    # The lower two layers are held, the surface comes first.
    assert sorted(atoms.constraints[0].index) == list(range(8, 16))
    assert set(atoms.get_tags()[8:]) == {3, 4}
    lengths = np.unique(atoms.get_all_distances(mic=True).round(3))
    assert lengths[1] == pytest.approx(nearest, abs=1e-3)


@pytest.mark.parametrize(
    ("formula", "prototype", "facet", "per_layer"),
    [
        ("Cu3Pt", "L1_2", (1, 1, 1), 4),
        # Twice the rectangle of A and B rows is as wide as the rhombus of 2x2, which has half the atoms.
        ("CuPt", "L1_0", (1, 0, 1), 4),
        ("Pt", "A1", (1, 0, 0), 4),
        ("W", "A2", (1, 1, 0), 4),
    ],
)
def test_the_smallest_cell_that_is_wide_enough_is_taken(formula, prototype, facet, per_layer):
    settings = SlabSettings(layers=3, thickness=0, width=4.9)

    (slab,) = cut_slabs("x", crystal(formula, prototype), facet, settings)

    assert np.bincount(slab.atoms.get_tags())[1:].tolist() == [per_layer] * slab.atoms.get_tags().max()
    reduced, _ = minkowski_reduce(slab.atoms.cell, pbc=[True, True, False])
    assert np.linalg.norm(reduced[:2], axis=1).min() >= 4.9


def test_both_sides_of_a_cut_are_surfaces_where_they_differ():
    slabs = cut_slabs("STO", PEROVSKITE, (1, 0, 0), SlabSettings())

    assert [slab.top for slab in slabs] == [True, False]
    composition = [slab.atoms.symbols.formula.reduce()[0].format("hill") for slab in slabs]
    assert composition == ["O3SrTi", "O3SrTi"]
    tops = [set(slab.atoms[slab.atoms.get_tags() == 1].get_chemical_symbols()) for slab in slabs]
    assert sorted(map(sorted, tops)) == [["O", "Sr"], ["O", "Ti"]]


def test_a_turned_slab_keeps_its_bonds():
    slabs = cut_slabs("STO", PEROVSKITE, (1, 1, 1), SlabSettings())

    shortest = [np.unique(slab.atoms.get_all_distances(mic=True).round(3))[1] for slab in slabs]
    assert len(slabs) == 2
    assert shortest == pytest.approx([3.905 / 2] * 2, abs=1e-3)
    assert all(np.linalg.det(slab.atoms.cell) > 0 for slab in slabs)


def test_a_free_slab_is_alike_on_both_sides():
    (titanate, strontium) = sorted(
        cut_slabs("STO", PEROVSKITE, (1, 0, 0), SlabSettings(free_depth=None)),
        key=lambda slab: "Sr" in slab.atoms[slab.atoms.get_tags() == 1].get_chemical_symbols(),
    )

    for slab, element in ((titanate, "Ti"), (strontium, "Sr")):
        atoms = slab.atoms
        assert not atoms.constraints
        assert atoms.get_tags().max() >= 4
        for layer in (1, atoms.get_tags().max()):
            assert set(atoms[atoms.get_tags() == layer].get_chemical_symbols()) == {element, "O"}


def test_what_cannot_be_cut_says_why():
    platinum = crystal("Pt", "A1")

    with pytest.raises(CatalystError, match="no facet"):
        cut_slabs("Pt", platinum, (0, 0, 0), SlabSettings())
    with pytest.raises(CatalystError, match="more than 10"):
        cut_slabs("Pt", platinum, (1, 1, 1), SlabSettings(most_atoms=10))
    on_each_other = Structure(Lattice.cubic(4), ["Pt", "Pt"], [[0, 0, 0], [0, 0, 0.001]])
    with pytest.raises(CatalystError, match="no conventional cell"):
        default_facets(on_each_other)
