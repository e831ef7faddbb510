"""What became of an adsorbed state that should not is found; what is as it should be is not."""

import numpy as np
import pytest
from ase.build import bcc110, fcc100, fcc111

from catalyst_assets.ingestion.prototypes.formulas import build_from_formula
from catalyst_assets.surfaces.adsorbates import ADSORBATES, place
from catalyst_assets.surfaces.anomalies import find_anomaly
from catalyst_assets.surfaces.sites import find_sites
from catalyst_assets.surfaces.slabs import SlabSettings, cut_slabs


@pytest.fixture
def clean():
    return fcc111("Pt", (2, 2, 4), a=3.92, vacuum=7.5, periodic=True)


def state(clean, name, site="fcc"):
    found = next(each for each in find_sites(clean) if each.name.startswith(site))
    return place(clean, found, ADSORBATES[name])


@pytest.mark.parametrize("name", list(ADSORBATES))
@pytest.mark.parametrize("site", ["ontop", "bridge", "fcc", "hcp"])
def test_nothing_is_wrong_with_what_stays_where_it_was_put(clean, name, site):
    placed = state(clean, name, site)

    assert find_anomaly(placed, placed, clean) is None


@pytest.mark.parametrize("name", ["H", "CO", "OOH"])
def test_what_is_far_away_has_desorbed(clean, name):
    placed = state(clean, name)
    ended = placed.copy()
    ended.positions[len(clean) :, 2] += 4.0

    assert find_anomaly(placed, ended, clean) == "desorbed"


def test_a_molecule_in_pieces_has_dissociated(clean):
    placed = state(clean, "OH", "ontop")
    ended = placed.copy()
    ended.positions[-1, 0] += 1.5

    assert find_anomaly(placed, ended, clean) == "dissociated"


def test_a_new_bond_within_the_adsorbate_is_a_dissociation_as_well(clean):
    placed = state(clean, "OOH")
    ended = placed.copy()
    # The hydrogen goes over to the other oxygen.
    ended.positions[-1] = placed.positions[-3] + [-0.9, 0, 0.4]

    assert find_anomaly(placed, ended, clean) == "dissociated"


def test_an_atom_between_the_first_two_layers_is_intercalated(clean):
    placed = state(clean, "H")
    ended = placed.copy()
    layers = np.unique(clean.positions[:, 2].round(3))
    ended.positions[-1, 2] = (layers[-1] + layers[-2]) / 2

    assert find_anomaly(placed, ended, clean) == "intercalated"


def test_an_atom_in_the_plane_of_an_open_surface_is_not():
    from ase.build import bcc100

    clean = bcc100("W", (2, 2, 4), a=3.16, vacuum=7.5, periodic=True)
    placed = state(clean, "H", "hollow4")
    ended = placed.copy()
    ended.positions[-1, 2] = clean.positions[:, 2].max()

    assert find_anomaly(placed, ended, clean) is None


def test_a_surface_that_lost_an_atom_of_its_plane_has_changed(clean):
    placed = state(clean, "H", "ontop")
    ended = placed.copy()
    other = next(atom.index for atom in clean if atom.tag == 1 and atom.index != 12)
    ended.positions[other, 2] += 3.0
    ended.positions[-1] += ended.positions[12] - placed.positions[12]

    assert find_anomaly(placed, ended, clean) == "surface_changed"


def test_a_surface_whose_atom_took_another_place_among_its_images_has_changed(clean):
    placed = state(clean, "H", "ontop")
    ended = placed.copy()
    # From its hollow of the layer below to the next, beside the same atoms and their images.
    ended.positions[13] += [1.39, 0.8, 0.0]

    assert find_anomaly(placed, ended, clean) == "surface_changed"


def test_a_slab_that_moved_as_a_whole_or_over_the_edge_of_its_cell_has_not(clean):
    placed = state(clean, "H")
    ended = placed.copy()
    ended.positions += [0.3, 0.2, 0.1]
    ended.wrap()

    assert find_anomaly(placed, ended, clean) is None


@pytest.mark.parametrize(
    ("slab", "offset"),
    [
        # From an atom of the top layer, in Å: three of it above, then one of it.
        (fcc111("Pt", (3, 3, 4), a=3.92, vacuum=7.5), (1.386, 0.8, -0.566)),
        (fcc111("Pt", (3, 3, 4), a=3.92, vacuum=7.5), (0.0, 0.0, -1.697)),
        # Tetrahedral, and octahedral below an atom.
        (fcc100("Pt", (3, 3, 4), a=3.92, vacuum=7.5), (1.386, 0.0, -0.98)),
        (fcc100("Pt", (3, 3, 4), a=3.92, vacuum=7.5), (0.0, 0.0, -1.96)),
        # Tetrahedral in the first gap, and halfway down.
        (bcc110("W", (3, 3, 4), a=3.16, vacuum=7.5), (0.0, 1.58, -0.559)),
        (bcc110("W", (3, 3, 4), a=3.16, vacuum=7.5), (1.3, 0.79, -1.117)),
    ],
)
def test_an_atom_in_a_hole_below_the_surface_is_intercalated(slab, offset):
    slab.pbc = True
    placed = state(slab, "H", "ontop")
    ended = placed.copy()
    top = next(atom.position for atom in slab if atom.tag == 1)
    ended.positions[-1] = top + offset

    assert find_anomaly(placed, ended, slab) == "intercalated"


@pytest.mark.parametrize(
    ("formula", "prototype", "facet"),
    [
        ("Pt", "A1", (1, 0, 0)),
        ("Ni", "A1", (1, 0, 0)),
        ("Pt", "A1", (1, 1, 0)),
        ("Pt", "A1", (2, 1, 0)),
        ("W", "A2", (1, 1, 0)),
        ("W", "A2", (1, 0, 0)),
        ("W", "A2", (1, 1, 1)),
        # Its hollows are so wide that nothing of the top layer is in reach.
        ("MgZn2", "C14", (0, 0, 1)),
        ("MgCu2", "C15", (1, 1, 1)),
    ],
)
@pytest.mark.parametrize("name", ["H", "O", "CO"])
def test_what_is_put_on_a_surface_is_on_it(formula, prototype, facet, name):
    crystal = build_from_formula(formula, prototype).to_structure()
    for slab in cut_slabs(formula, crystal, facet, SlabSettings(layers=3, thickness=5, width=4.9)):
        for site in find_sites(slab.atoms):
            placed = place(slab.atoms, site, ADSORBATES[name])

            assert find_anomaly(placed, placed, slab.atoms) is None, (slab.name, site.name)


@pytest.mark.parametrize("slide", [1.2, 1.6])
@pytest.mark.parametrize(
    ("formula", "prototype", "facet"),
    [("Pt", "A1", (1, 1, 1)), ("W", "A2", (1, 1, 0)), ("CuPd", "L1_0", (1, 0, 1))],
)
def test_a_surface_whose_layers_slid_over_those_that_are_held_has_changed(formula, prototype, facet, slide):
    crystal = build_from_formula(formula, prototype).to_structure()
    clean = cut_slabs(formula, crystal, facet, SlabSettings())[0].atoms
    placed = state(clean, "H", "ontop")
    free = [index for index in range(len(placed)) if index not in clean.constraints[0].index]
    ended = placed.copy()
    ended.positions[free, 0] += slide

    assert find_anomaly(placed, ended, clean) == "surface_changed"
