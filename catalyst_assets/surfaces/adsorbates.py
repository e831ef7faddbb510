"""What adsorbs: its atoms, which of them binds, and how it is put on a site."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from catalyst_assets.surfaces.sites import with_images

if TYPE_CHECKING:
    from ase import Atoms

    from catalyst_assets.surfaces.sites import Site

# So high above the middle of a site's atoms hangs what has room to sink between them, in Å.
_HOVER: Final = 0.8
# Unless no atom of the slab is so near to it: its radius and theirs, and so much between them, in Å.
_REACH: Final = 0.5


@dataclass(frozen=True)
class Adsorbate:
    """Something that adsorbs.

    Attributes
    ----------
    name
        Formula without an asterisk, as OC20 writes it: what properties are named by.
    symbols
        Of its atoms; the first binds.
    positions
        Of its atoms above the surface, the first at the origin and z up, in Å.
    """

    name: str
    symbols: tuple[str, ...]
    positions: tuple[tuple[float, float, float], ...]


# Bent ones are put bent and straight ones a little askew: upright they may rest on a saddle. Bonds and angles are those
# of the free molecules and radicals.
_KNOWN: Final = (
    Adsorbate("H", ("H",), ((0, 0, 0),)),
    Adsorbate("O", ("O",), ((0, 0, 0),)),
    Adsorbate("OH", ("O", "H"), ((0, 0, 0), (0.91, 0, 0.33))),
    Adsorbate("OOH", ("O", "O", "H"), ((0, 0, 0), (1.11, 0, 0.93), (0.64, 0, 1.78))),
    Adsorbate("C", ("C",), ((0, 0, 0),)),
    Adsorbate("CO", ("C", "O"), ((0, 0, 0), (0.08, 0.05, 1.145))),
    Adsorbate("N", ("N",), ((0, 0, 0),)),
    Adsorbate("NH", ("N", "H"), ((0, 0, 0), (0.07, 0.045, 1.026))),
)
ADSORBATES: Final[Mapping[str, Adsorbate]] = {each.name: each for each in _KNOWN}


def place(slab: "Atoms", site: "Site", adsorbate: Adsorbate) -> "Atoms":
    """Return a slab with an adsorbate on a site, its atoms last and with the tag 0.

    It is as high as its atoms just touch the slab's, all of them spheres of covalent radii (Cordero et al., Dalton
    Trans. 2832 (2008)). Above a hollow that has room for them the binding atom hangs 0.8 Å above the site, or lower, in
    reach of an atom below.
    """
    from ase import Atoms

    guest = Atoms(list(adsorbate.symbols), positions=adsorbate.positions, tags=0)
    guest.translate([*site.position[:2], 0.0])
    near = with_images(slab)
    spheres = list(zip(guest.numbers, guest.positions, strict=True))
    height = min(site.position[2] + _HOVER, touching_height(*spheres[0], near, _REACH))
    if not np.isfinite(height):
        height = site.position[2] + _HOVER
    for number, position in spheres:
        height = max(height, touching_height(number, position, near) - position[2])
    guest.positions[:, 2] += height
    placed: Atoms = slab.copy()
    placed.extend(guest)
    return placed


def touching_height(number: int, position: np.ndarray, near: "Atoms", apart: float = 0.0) -> float:
    """Return the height at which an atom that comes down on a slab touches one of its atoms, in Å; −inf where none is.

    Parameters
    ----------
    number
        Atomic number.
    position
        Of which only the place in the plane counts, shape ``(3,)``.
    near
        The slab with its images.
    apart
        From sphere to sphere when they count as touching, in Å.
    """
    from ase.data import covalent_radii

    touching = covalent_radii[near.numbers] + covalent_radii[number] + apart
    aside = np.linalg.norm(near.positions[:, :2] - position[:2], axis=1)
    over = touching > aside
    heights = near.positions[over, 2] + np.sqrt(touching[over] ** 2 - aside[over] ** 2)
    return float(heights.max(initial=-np.inf))
