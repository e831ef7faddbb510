"""The sites a data block lists, each one whole atom of one element; anything else is refused with its label.

Tags are those of the core dictionary, category ATOM_SITE: https://www.iucr.org/resources/cif/dictionaries/cif_core.
"""

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from catalyst_assets.errors import UnreadableStructureError
from catalyst_assets.ingestion.reading.cif.values import Block
from catalyst_assets.ingestion.reading.species import (
    element_in_capitals,
    element_of,
    elements,
    symbols,
    without_isotope,
)

_COORDINATES: Final = ("_atom_site_fract_x", "_atom_site_fract_y", "_atom_site_fract_z")
_LABEL: Final = "_atom_site_label"
_TYPE: Final = "_atom_site_type_symbol"
_MULTIPLICITY: Final = (
    "_atom_site_symmetry_multiplicity", "_atom_site_site_symmetry_multiplicity",
)  # fmt: skip
_ORDER: Final = "_atom_site_site_symmetry_order"
# Refined occupancies of whole atoms are written as 1.000(2) or 0.9999.
_OCCUPANCY_TOLERANCE: Final = 1e-3
_LETTERS = re.compile(r"[A-Za-z]+")


@dataclass(frozen=True)
class Sites:
    """Atoms as listed, before symmetry.

    Attributes
    ----------
    labels
        For messages.
    symbols
        Elements, or D and T.
    positions
        Fractional coordinates. Shape: (n_sites, 3)
    charges
        Of each site, None unless all are given.
    multiplicities
        What the file says of each site: atoms in the cell, or operators that leave it where it is; see
        :func:`catalyst_assets.ingestion.reading.cif.orbits.expand`.
    doubts
        Why the elements need a formula that agrees; empty when they are certain.
    """

    labels: tuple[str, ...]
    symbols: tuple[str, ...]
    positions: np.ndarray
    charges: tuple[float, ...] | None
    multiplicities: list[float | None] | None
    doubts: str


def lists_atoms(block: Block) -> bool:
    """Return whether a block lists any atom; blocks of a journal or a diffraction pattern do not."""
    tags = (*_COORDINATES, _LABEL, _TYPE, "_atom_site_cartn_x")
    return any(block.column(tag) is not None for tag in tags)


def read_sites(block: Block, formula_elements: frozenset[str]) -> Sites:
    """Return the sites of a block.

    Parameters
    ----------
    formula_elements
        Of the block's formula: they tell whether a label CA1 is calcium.

    Raises
    ------
    UnreadableStructureError
        A site has no position, is no element, a dummy, shared, partly occupied, an alternative or several atoms.
    """
    given_labels, types = block.column(_LABEL), block.column(_TYPE)
    coordinates = [
        block.numbers(tag, f"{axis} of a site") for tag, axis in zip(_COORDINATES, "xyz", strict=True)
    ]
    columns = [column for column in coordinates if column is not None]
    if len(columns) < 3:
        raise UnreadableStructureError(
            "lists sites without _atom_site_fract_x, y and z", "Write fractional coordinates."
        )
    count = len(columns[0])
    if len(block.lengths(*_OF_SITES)) > 1:
        raise UnreadableStructureError(
            "lists different numbers of values of its sites", "Write them as one loop."
        )
    labels = [label or f"in row {row}" for row, label in enumerate(given_labels or [None] * count, 1)]
    _refuse_others(block, labels)
    for axis, column in zip("xyz", columns, strict=True):
        if None in column:
            raise UnreadableStructureError(
                f"site {labels[column.index(None)]} has no {axis}: its position is not known",
                "Give it, or remove the site.",
            )
    known, elements_of_sites, doubts = symbols(), list[str](), ""
    for kind, name, label in zip(
        types or [None] * count, given_labels or [None] * count, labels, strict=True
    ):
        if kind in known and name and name.startswith(kind) and not name[len(kind) :][:1].isalpha():
            elements_of_sites.append(kind)
            continue
        symbol, doubt = _element(kind, name, label, formula_elements)
        elements_of_sites.append(symbol)
        doubts = doubts or doubt
    return Sites(
        tuple(labels),
        tuple(elements_of_sites),
        np.array(columns).T,
        _charges(types),
        _multiplicities(block),
        doubts,
    )


_OCCUPANCY: Final = "_atom_site_occupancy"
_ASSEMBLY: Final = "_atom_site_disorder_assembly"
_GROUP: Final = "_atom_site_disorder_group"
_ATTACHED: Final = "_atom_site_attached_hydrogens"
_CALCULATED: Final = "_atom_site_calc_flag"


_OF_SITES: Final = (
    _LABEL, _TYPE, *_COORDINATES, _OCCUPANCY, _ASSEMBLY, _GROUP, _ATTACHED, _CALCULATED, *_MULTIPLICITY, _ORDER,
)  # fmt: skip


def _refuse_others(block: Block, labels: list[str]) -> None:
    """Refuse sites that are not one whole atom, by what the file says of them."""
    flags = block.column(_CALCULATED)
    for label, flag in zip(labels, flags or (), strict=bool(flags)):
        if flag is not None and flag.lower() == "dum":
            raise UnreadableStructureError(f"site {label} is a dummy, no atom", "Remove it.")
    attached = block.numbers(_ATTACHED, "_atom_site_attached_hydrogens")
    for label, number in zip(labels, attached or [], strict=bool(attached)):
        if number:
            raise UnreadableStructureError(
                f"site {label} has {number:g} hydrogen attached that is not listed",
                "List all hydrogen atoms.",
            )
    occupancies = block.numbers(_OCCUPANCY, "an occupancy") or []
    for occupancy in set(occupancies) - {1.0, None}:
        if occupancy is not None and abs(occupancy - 1) > _OCCUPANCY_TOLERANCE:
            label = labels[occupancies.index(occupancy)]
            raise UnreadableStructureError(
                f"site {label} is not ordered: occupied by {occupancy:g}, not by one whole atom",
                "Give an ordered approximation.",
            )
    groups_of_sites = block.column(_GROUP)
    if groups_of_sites is None:
        return
    assemblies = block.column(_ASSEMBLY) or [None] * len(labels)
    groups: dict[str | None, set[str]] = defaultdict(set)
    for row, group in enumerate(groups_of_sites):
        if group is not None:
            groups[assemblies[row]].add(group)
        if len(groups[assemblies[row]]) > 1 or (group or "").startswith("-"):
            raise UnreadableStructureError(
                f"site {labels[row]} is one of alternatives (disorder group {group})", "Keep one of them."
            )


@lru_cache(maxsize=10_000)
def _element(
    kind: str | None, label: str | None, name: str, formula_elements: frozenset[str]
) -> tuple[str, str]:
    """Return the element of a site, and why that is in doubt."""
    of_label, doubt = _element_of_label(label or "", formula_elements)
    if kind is None:
        if of_label is None:
            raise UnreadableStructureError(
                f"site {name} is no chemical element", "Give _atom_site_type_symbol."
            )
        return of_label, doubt
    element = element_of(kind)
    if element is None and element_in_capitals(kind):
        return element_in_capitals(kind) or "", f"site {name} is of type {kind}"
    if element is None:
        raise UnreadableStructureError(f"site {name} is of type {kind!r}, no chemical element", "Correct it.")
    if of_label and not doubt and without_isotope(of_label) != without_isotope(element):
        return element, f"site {name} is of type {kind}"
    return element, ""


def _element_of_label(label: str, formula_elements: frozenset[str]) -> tuple[str | None, str]:
    """Return the element that a label begins with; letters behind it that may not belong to it are a doubt."""
    found = _LETTERS.match(label)
    if found is None:
        return None, ""
    letters = found[0]
    known = elements() | {"D"}
    if letters in known:
        return letters, ""
    readings = [
        part for part in (letters[:2].capitalize(), letters[0].upper()) if part in known or part == "T"
    ]
    doubt = f"the label {label} may begin with another element"
    if formula_elements:
        readings = [part for part in readings if without_isotope(part) in formula_elements]
    return next(iter(readings), None), doubt


def _charges(types: list[str | None] | None) -> tuple[float, ...] | None:
    charges: list[float] = []
    if types is None:
        return None
    for kind in types:
        found = _CHARGE.fullmatch(kind or "")
        if found is None:
            return None
        size = float(found[1] or found[3] or 1)
        charges.append(size if found[2] == "+" else -size)
    return tuple(charges)


_CHARGE = re.compile(r"[A-Za-z]{1,2}(\d+\.?\d*)?([+-])(\d+\.?\d*)?", re.ASCII)


def _multiplicities(block: Block) -> list[float | None] | None:
    for tag in (*_MULTIPLICITY, _ORDER):
        numbers = block.numbers(tag, tag)
        if numbers is not None:
            return numbers
    return None
