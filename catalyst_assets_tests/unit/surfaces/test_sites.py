"""Sites are those of the textbooks, one of each kind, and adsorbates are put on them touching."""

import numpy as np
import pytest
from ase.build import add_adsorbate, fcc111
from ase.data import atomic_numbers, covalent_radii

from catalyst_assets.ingestion.prototypes.formulas import build_from_formula
from catalyst_assets.surfaces.adsorbates import ADSORBATES, place
from catalyst_assets.surfaces.sites import find_sites, nearest_site
from catalyst_assets.surfaces.slabs import SlabSettings, cut_slabs

SETTINGS = SlabSettings(layers=3, thickness=0, width=4.9)


def slab(formula, prototype, facet):
    return cut_slabs(formula, build_from_formula(formula, prototype).to_structure(), facet, SETTINGS)[0].atoms


@pytest.mark.parametrize(
    ("formula", "prototype", "facet", "names"),
    [
        ("Pt", "A1", (1, 1, 1), {"ontop-Pt": 4, "bridge-Pt2": 12, "fcc-Pt3": 4, "hcp-Pt3": 4}),
        ("Pt", "A1", (1, 0, 0), {"ontop-Pt": 4, "bridge-Pt2": 8, "hollow4-Pt4": 4}),
        ("W", "A2", (1, 1, 0), {"ontop-W": 4, "bridge-W2": 8, "bridge-W2-2": 4, "hollow-W3": 8}),
        ("Ti", "A3", (0, 0, 1), {"ontop-Ti": 3, "bridge-Ti2": 9, "fcc-Ti3": 3, "hcp-Ti3": 3}),
        (
            "Pt3Cu",
            "L1_2",
            (1, 1, 1),
            {
                "ontop-Pt": 3,
                "ontop-Cu": 1,
                "bridge-Pt2": 3,
                "bridge-Pt2-2": 3,
                "bridge-CuPt": 6,
                "fcc-Pt3": 1,
                "hcp-Pt3": 1,
                "fcc-CuPt2": 3,
                "hcp-CuPt2": 3,
            },
        ),
    ],
)
def test_sites_are_those_of_the_textbooks(formula, prototype, facet, names):
    sites = find_sites(slab(formula, prototype, facet))

    assert {site.name: len(site.positions) for site in sites} == names


def test_hollows_are_called_as_ase_calls_them():
    atoms = fcc111("Cu", (2, 2, 4), a=3.6, vacuum=7.5, periodic=True)
    sites = {site.name.split("-")[0]: site for site in find_sites(atoms)}

    for name in ("ontop", "bridge", "fcc", "hcp"):
        marked = atoms.copy()
        add_adsorbate(marked, "H", 1.0, name)
        assert nearest_site(list(sites.values()), marked.positions[-1], atoms.cell.array) is sites[name]


def test_every_adsorbate_touches_the_surface_and_overlaps_nothing():
    surface = slab("Pt3Cu", "L1_2", (1, 1, 1))
    for adsorbate in ADSORBATES.values():
        for site in find_sites(surface):
            placed = place(surface, site, adsorbate)

            guests = range(len(surface), len(placed))
            gaps = [
                placed.get_distance(guest, atom, mic=True)
                - covalent_radii[placed.numbers[guest]]
                - covalent_radii[placed.numbers[atom]]
                for guest in guests
                for atom in range(len(surface))
            ]
            assert min(gaps) > -1e-6
            assert min(gaps) < 1e-6 or placed.positions[len(surface), 2] == pytest.approx(
                site.position[2] + 0.8
            )
            assert placed.positions[len(surface), :2] == pytest.approx(site.position[:2])
            assert placed.get_tags()[len(surface) :].tolist() == [0] * len(adsorbate.symbols)
            assert sorted(placed.constraints[0].index) == sorted(surface.constraints[0].index)


@pytest.mark.parametrize(
    ("name", "bonds"),
    [("OH", [0.97]), ("OOH", [1.45, 0.97]), ("CO", [1.15]), ("NH", [1.03])],
)
def test_adsorbates_have_the_bonds_of_their_molecules(name, bonds):
    positions = np.array(ADSORBATES[name].positions)

    lengths = np.linalg.norm(np.diff(positions, axis=0), axis=1)
    assert lengths == pytest.approx(bonds, abs=0.02)
    assert all(symbol in atomic_numbers for symbol in ADSORBATES[name].symbols)
