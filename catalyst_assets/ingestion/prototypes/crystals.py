"""Ideal crystals of each prototype of ions, from the species on its sites, their charges and Shannon's ionic radii.

Alloys are those of `alloys`, sized by atomic volumes. Positions are those of the space group; free parameters follow from bond lengths that are sums of radii, so nothing
here knows a calculated structure.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from catalyst_assets.errors import UsageError
from catalyst_assets.ingestion.prototypes.alloys import ALLOYS
from catalyst_assets.ingestion.prototypes.perovskites import perovskite_edge, shannon_radii
from catalyst_assets.ingestion.prototypes.placing import Ions, crystal, face_centred
from catalyst_assets.ingestion.reading.cells import Cell

# Rutile oxides have 0.64 (Ti), 0.67 (Sn) to 0.69 (Ru).
_RUTILE_C_OVER_A: Final = 0.65


@dataclass(frozen=True)
class Prototype:
    """A structure type.

    Attributes
    ----------
    sites
        Atoms a formula unit on each kind of site, cations first.
    anions
        Those sites that hold anions; none of an alloy.
    exchangeable
        Two sites that are the same crystal when their species are exchanged.
    build
        Makes the crystal from the species and charge on each site.
    """

    sites: Mapping[str, int]
    anions: frozenset[str]
    build: Callable[[Ions], Cell]
    exchangeable: tuple[str, str] | None = None


def _perovskite(ions: Ions) -> Cell:
    anions = [ions["X"], ions["X"], ions.get("Y", ions["X"])]
    radius_x = sum(_radius(ion, "VI") for ion in anions) / 3
    a = perovskite_edge(_radius(ions["A"], "VI"), _radius(ions["B"], "VI"), radius_x)
    positions = [[0.5, 0.5, 0.5], [0.0, 0.0, 0.0], [0.5, 0.0, 0.0], [0.0, 0.5, 0.0], [0.0, 0.0, 0.5]]
    symbols = [ions["A"][0], ions["B"][0], *(symbol for symbol, _ in anions)]
    return crystal([[a, 0, 0], [0, a, 0], [0, 0, a]], symbols, positions)


def _double_perovskite(ions: Ions) -> Cell:
    """Build the perovskite with rock-salt order of B and C, Fm-3m, in its primitive cell of ten atoms."""
    radius_b, radius_c, radius_x = (_radius(ions[site], "VI") for site in ("B", "C", "X"))
    a = 2 * perovskite_edge(_radius(ions["A"], "VI"), (radius_b + radius_c) / 2, radius_x)
    u = (radius_b + radius_x) / (radius_b + radius_c + 2 * radius_x) / 2
    along = [[s * u if axis == k else 0.0 for k in range(3)] for s in (1, -1) for axis in range(3)]
    cubic = [[0.25] * 3, [0.75] * 3, [0.0] * 3, [0.5] * 3, *along]
    symbols = [ions["A"][0]] * 2 + [ions["B"][0], ions["C"][0]] + [ions["X"][0]] * 6
    return face_centred(a, symbols, cubic)


def _spinel(ions: Ions) -> Cell:
    """Build a normal spinel, Fd-3m, in its primitive cell of fourteen atoms.

    Edge and anion parameter give both bond lengths: O'Neill and Navrotsky, Am. Mineral. 68, 181 (1983).
    """
    radius_x = _radius(ions["X"], "IV")
    short, long = _radius(ions["A"], "IV") + radius_x, _radius(ions["B"], "VI") + radius_x
    k = (short / long) ** 2
    # 3(x − 1/8)² = k (3x² − 2x + 3/8)
    square, linear, constant = 3 - 3 * k, 2 * k - 0.75, 3 / 64 - 0.375 * k
    if abs(square) < 1e-9:
        x = -constant / linear
    else:
        x = (-linear + math.sqrt(max(linear**2 - 4 * square * constant, 0.0))) / (2 * square)
    a = short / (math.sqrt(3) * (x - 0.125))
    y = 0.25 - x
    tetrahedra = [[0.125] * 3, [0.875] * 3]
    octahedra = [[0.5, 0.5, 0.5], [0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.25, 0.25, 0.5]]
    half = [[x, x, x], [x, y, y], [y, x, y], [y, y, x]]
    anions = [*half, *([-c for c in row] for row in half)]
    symbols = [ions["A"][0]] * 2 + [ions["B"][0]] * 4 + [ions["X"][0]] * 8
    return face_centred(a, symbols, [*tetrahedra, *octahedra, *anions])


def _rutile(ions: Ions) -> Cell:
    """Build rutile, P4₂/mnm, with six equal bonds at a typical ratio of the axes."""
    bond = _radius(ions["M"], "VI") + _radius(ions["X"], "III")
    u = 0.25 + _RUTILE_C_OVER_A**2 / 8
    a = bond / (math.sqrt(2) * u)
    positions = [
        [0, 0, 0],
        [0.5, 0.5, 0.5],
        [u, u, 0],
        [-u, -u, 0],
        [0.5 + u, 0.5 - u, 0.5],
        [0.5 - u, 0.5 + u, 0.5],
    ]
    symbols = [ions["M"][0]] * 2 + [ions["X"][0]] * 4
    return crystal([[a, 0, 0], [0, a, 0], [0, 0, _RUTILE_C_OVER_A * a]], symbols, positions)


PROTOTYPES: Final[Mapping[str, Prototype]] = {
    "cubic_perovskite": Prototype({"A": 1, "B": 1, "X": 3}, frozenset("X"), _perovskite),
    "mixed_anion_perovskite": Prototype({"A": 1, "B": 1, "X": 2, "Y": 1}, frozenset("XY"), _perovskite),
    "double_perovskite": Prototype(
        {"A": 2, "B": 1, "C": 1, "X": 6}, frozenset("X"), _double_perovskite, ("B", "C")
    ),
    "spinel": Prototype({"A": 1, "B": 2, "X": 4}, frozenset("X"), _spinel),
    "rutile": Prototype({"M": 1, "X": 2}, frozenset("X"), _rutile),
    **{
        name: Prototype(sites, frozenset(), build, exchangeable)
        for name, (sites, build, exchangeable) in ALLOYS.items()
    },
}


def _radius(ion: tuple[str, int], coordination: str) -> float:
    symbol, charge = ion
    radii = shannon_radii(symbol, anion=charge < 0, coordination=coordination)
    if charge not in radii:
        raise UsageError(
            f"No ionic radius is tabulated for {symbol} with charge {charge:+d}.", "Leave it out."
        )
    return radii[charge]
