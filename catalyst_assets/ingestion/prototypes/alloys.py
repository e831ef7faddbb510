"""Ideal crystals of metals and alloys, by the elements on their sites.

Lattice constants follow from the elements' own atomic volumes, which add up (Zen, Am. Mineral. 41, 523 (1956)); axes have
the ratio of hard spheres. Nothing here knows the volume of an alloy.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Final

from catalyst_assets.errors import UsageError
from catalyst_assets.ingestion.prototypes.placing import Ions, crystal, face_centred
from catalyst_assets.ingestion.reading.cells import Cell

# Å³ an atom for a cm³ a mole.
_PER_ATOM: Final = 1 / 0.602214076
_IDEAL_C_OVER_A: Final = math.sqrt(8 / 3)
# Free parameters of MgZn2 (C14): the position of A along c, and of the B that are no inversion centres.
_LAVES_Z: Final = 1 / 16
_LAVES_X: Final = -1 / 6


@cache
def atomic_volume(symbol: str) -> float:
    """Return the volume of an atom in its element, in Å³.

    Raises
    ------
    UsageError
        The symbol is no element, or its molar volume is not known.
    """
    from pymatgen.core.periodic_table import Element

    volume = Element(symbol).data.get("Molar volume") if Element.is_valid_symbol(symbol) else None
    if volume is None or volume == "no data":
        raise UsageError(f"No molar volume is known of {symbol}.", "Leave this element out.")
    return float(str(volume).split()[0]) * _PER_ATOM


def _volume(symbols: Sequence[str]) -> float:
    return sum(map(atomic_volume, symbols))


def _cubic(sites: Mapping[str, Sequence[Sequence[float]]]) -> Callable[[Ions], Cell]:
    """Return what builds a cube with these positions on each site."""

    def build(ions: Ions) -> Cell:
        symbols = [ions[site][0] for site, positions in sites.items() for _ in positions]
        a = _volume(symbols) ** (1 / 3)
        return crystal(
            [[a, 0, 0], [0, a, 0], [0, 0, a]], symbols, [p for each in sites.values() for p in each]
        )

    return build


def _face_centred(sites: Mapping[str, Sequence[Sequence[float]]]) -> Callable[[Ions], Cell]:
    """Return what builds the primitive cell of a face-centred cube with these positions, in fractions of the cube."""

    def build(ions: Ions) -> Cell:
        symbols = [ions[site][0] for site, positions in sites.items() for _ in positions]
        return face_centred(
            (4 * _volume(symbols)) ** (1 / 3), symbols, [p for each in sites.values() for p in each]
        )

    return build


def _body_centred(ions: Ions) -> Cell:
    a = (2 * _volume([ions["A"][0]])) ** (1 / 3)
    half = a / 2
    return crystal(
        [[-half, half, half], [half, -half, half], [half, half, -half]], [ions["A"][0]], [[0, 0, 0]]
    )


def _hexagonal(volume: float, symbols: Sequence[str], positions: Sequence[Sequence[float]]) -> Cell:
    a = (volume / (_IDEAL_C_OVER_A * math.sqrt(3) / 2)) ** (1 / 3)
    axes = [[a, 0, 0], [-a / 2, a * math.sqrt(3) / 2, 0], [0, 0, _IDEAL_C_OVER_A * a]]
    return crystal(axes, symbols, positions)


def _close_packed(ions: Ions) -> Cell:
    symbols = [ions["A"][0]] * 2
    return _hexagonal(_volume(symbols), symbols, [[1 / 3, 2 / 3, 0.25], [2 / 3, 1 / 3, 0.75]])


def _layered(ions: Ions) -> Cell:
    """Build L1_0, P4/mmm, in its cell of two atoms, all neighbours as far as in fcc."""
    symbols = [ions["A"][0], ions["B"][0]]
    c = (2 * _volume(symbols)) ** (1 / 3)
    a = c / math.sqrt(2)
    return crystal([[a, 0, 0], [0, a, 0], [0, 0, c]], symbols, [[0, 0, 0], [0.5, 0.5, 0.5]])


def _hexagonal_laves(ions: Ions) -> Cell:
    """Build C14, P6₃/mmc: A on 4f, B on 2a and 6h."""
    x, z = _LAVES_X, _LAVES_Z
    third = [[1 / 3, 2 / 3, z], [2 / 3, 1 / 3, z + 0.5], [2 / 3, 1 / 3, -z], [1 / 3, 2 / 3, 0.5 - z]]
    plane = [[x, 2 * x], [-2 * x, -x], [x, -x]]
    belt = [[u, v, 0.25] for u, v in plane] + [[-u, -v, 0.75] for u, v in plane]
    symbols = [ions["A"][0]] * 4 + [ions["B"][0]] * 8
    return _hexagonal(_volume(symbols), symbols, [*third, [0, 0, 0], [0, 0, 0.5], *belt])


_QUARTERS: Final = ([0.25] * 3, [0.75] * 3)
# Atoms on each kind of site a formula unit, what builds it, and which two sites are the same when exchanged.
ALLOYS: Final[Mapping[str, tuple[Mapping[str, int], Callable[[Ions], Cell], tuple[str, str] | None]]] = {
    "A1": ({"A": 1}, _face_centred({"A": [[0.0] * 3]}), None),
    "A2": ({"A": 1}, _body_centred, None),
    "A3": ({"A": 1}, _close_packed, None),
    "B2": ({"A": 1, "B": 1}, _cubic({"A": [[0.0] * 3], "B": [[0.5] * 3]}), ("A", "B")),
    "L1_0": ({"A": 1, "B": 1}, _layered, ("A", "B")),
    "L1_2": (
        {"A": 3, "B": 1},
        _cubic({"A": [[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]], "B": [[0.0] * 3]}),
        None,
    ),
    "D0_3": ({"A": 3, "B": 1}, _face_centred({"A": [*_QUARTERS, [0.5] * 3], "B": [[0.0] * 3]}), None),
    "L2_1": (
        {"A": 2, "B": 1, "C": 1},
        _face_centred({"A": _QUARTERS, "B": [[0.5] * 3], "C": [[0.0] * 3]}),
        ("B", "C"),
    ),
    "C14": ({"A": 1, "B": 2}, _hexagonal_laves, None),
    "C15": (
        {"A": 1, "B": 2},
        _face_centred(
            {
                "A": [[0.125] * 3, [0.875] * 3],
                "B": [[0.5, 0.5, 0.5], [0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.25, 0.25, 0.5]],
            }
        ),
        None,
    ),
}
