"""A crystal as it is stored: its cell in words, its sites as a table, and what `assets/review_structure.js` draws."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import acos, cos, degrees, hypot, radians, sin, sqrt
from typing import Any, Final

from dash import html

from dash_app.components.tables import remark, table
from dash_app.components.wording import signed

_MOST_LISTED: Final = 200
_SIDES: Final = ("a", "b", "c")
_CORNERS: Final = ("alpha", "beta", "gamma")
# How each is written.
_CELL: Final = {name: (name, "\u00a0Å") for name in _SIDES} | {
    name: (letter, "°") for name, letter in zip(_CORNERS, "αβγ", strict=True)
}


@dataclass(frozen=True)
class Crystal:
    """A periodic structure.

    Attributes
    ----------
    cell
        Lengths (Å) and angles (°) by pymatgen's names.
    vectors
        Of the lattice, in Å.
    sites
        Element, label, and fractional position of each.
    """

    cell: dict[str, float]
    vectors: list[list[float]]
    sites: list[tuple[str, str, list[float]]]

    @property
    def lengths_text(self) -> str:
        """The cell's lengths in words."""
        return self._written(_SIDES)

    @property
    def angles_text(self) -> str:
        """The cell's angles in words."""
        return self._written(_CORNERS)

    @property
    def volume(self) -> float:
        """Of the cell, in Å³."""
        (a, b, c), (d, e, f), (g, h, i) = self.vectors
        return abs(a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g))

    def drawn(self) -> dict[str, Any]:
        """Return what is drawn of it."""
        return {
            "vectors": self.vectors,
            "sites": [{"element": element, "abc": position} for element, _, position in self.sites],
        }

    def _written(self, names: Sequence[str]) -> str:
        # No line ends within one of them.
        return " · ".join(f"{_CELL[name][0]}\u00a0{self.cell[name]:.4g}{_CELL[name][1]}" for name in names)


def read_crystal(structure: dict[str, Any] | None) -> Crystal | None:
    """Return a structure as pymatgen writes it, by vectors or by lengths and angles; None where it is none, or has no sites."""
    if structure is None:
        return None
    lattice = structure.get("lattice") or {}
    sites = [
        (_element(site), str(site.get("label") or _element(site)), [float(x) for x in site["abc"]])
        for site in structure.get("sites") or []
        if "abc" in site
    ]
    if not sites:
        return None
    if "matrix" in lattice:
        return Crystal(_cell(lattice["matrix"]), lattice["matrix"], sites)
    if not _CELL.keys() <= lattice.keys():
        return None
    cell = {name: float(lattice[name]) for name in _CELL}
    return Crystal(cell, _vectors(cell), sites)


def lengths_of(vectors: list[list[float]]) -> str:
    """Say how long the vectors of a lattice are."""
    return Crystal(_cell(vectors), vectors, []).lengths_text


def sites_table(crystal: Crystal) -> html.Div:
    """Lay out sites with their fractional positions: as many as somebody may read."""
    rows = [
        [html.Th(label, scope="row"), *(html.Td(signed(f"{x:.4f}")) for x in position)]
        for _, label, position in crystal.sites[:_MOST_LISTED]
    ]
    listed = table(("Site", *"abc"), rows)
    if len(crystal.sites) <= _MOST_LISTED:
        return html.Div(listed)
    return html.Div([listed, remark(f"The first {_MOST_LISTED} of {len(crystal.sites):,}; a CIF has all.")])


def _element(site: dict[str, Any]) -> str:
    species = site.get("species") or [{}]
    named = species[0].get("element") or site.get("label") or ""
    found = re.match(r"[A-Z][a-z]?", named)
    return found.group() if found else "?"


def _cell(vectors: list[list[float]]) -> dict[str, float]:
    """Return the lengths and angles of a lattice."""
    lengths = [hypot(*vector) for vector in vectors]
    cell = dict(zip(_SIDES, lengths, strict=True))
    for place, name in enumerate(_CORNERS):
        one, other = (place + 1) % 3, (place + 2) % 3
        projected = sum(x * y for x, y in zip(vectors[one], vectors[other], strict=True))
        cosine = projected / (lengths[one] * lengths[other])
        cell[name] = degrees(acos(min(1.0, max(-1.0, cosine))))
    return cell


def _vectors(cell: dict[str, float]) -> list[list[float]]:
    """Return a lattice of these lengths and angles, a along x and b in the plane of x and y."""
    a, b, c = (cell[name] for name in _SIDES)
    alpha, beta, gamma = (radians(cell[name]) for name in ("alpha", "beta", "gamma"))
    along = (cos(alpha) - cos(beta) * cos(gamma)) / sin(gamma)
    height = sqrt(max(0.0, 1 - cos(beta) ** 2 - along**2))
    return [
        [a, 0.0, 0.0],
        [b * cos(gamma), b * sin(gamma), 0.0],
        [c * cos(beta), c * along, c * height],
    ]
