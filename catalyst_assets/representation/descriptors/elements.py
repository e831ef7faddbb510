"""What is known of each element and of its ions, as arrays by atomic number.

Values are pymatgen's; where it has none, those of the elements nearest in atomic number are
interpolated, so that every entry is finite. How they are combined per crystal lies in `descriptors`.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import cache, partial
from typing import TYPE_CHECKING, Final

import numpy as np

from catalyst_assets.errors import UsageError
from catalyst_assets.ingestion.prototypes.perovskites import shannon_radii
from catalyst_assets.representation.graphs import LARGEST_ATOMIC_NUMBER

if TYPE_CHECKING:
    from collections.abc import Callable

    from pymatgen.core.periodic_table import Element

UNCOMMON_CHARGE_PENALTY: Final = 0.5


@dataclass(frozen=True)
class ElementTable:
    """Properties of the elements.

    Attributes
    ----------
    names
        One a column.
    values
        Finite, shape (LARGEST_ATOMIC_NUMBER + 1, n_properties); row 0 is unused.
    """

    names: tuple[str, ...]
    values: np.ndarray

    def column(self, name: str) -> np.ndarray:
        """Return one property, by atomic number."""
        column: np.ndarray = self.values[:, self.names.index(name)]
        return column


@cache
def element_table() -> ElementTable:
    """Return the properties of every element from hydrogen to plutonium."""
    from pymatgen.core.periodic_table import Element

    elements = [Element.from_Z(z) for z in range(1, LARGEST_ATOMIC_NUMBER + 1)]
    readers = _readers()
    raw = np.array([[_number(read, element) for read in readers.values()] for element in elements])
    values = np.vstack([np.zeros(len(readers)), raw])
    numbers = np.arange(LARGEST_ATOMIC_NUMBER + 1)
    for column in values.T:
        known = np.isfinite(column) & (numbers > 0)
        column[~known] = np.interp(numbers[~known], numbers[known], column[known])
    return ElementTable(tuple(readers), values)


@cache
def element_symbols() -> dict[int, str]:
    """Return the symbol of every element from hydrogen to plutonium by its atomic number."""
    from pymatgen.core.periodic_table import Element

    return {z: Element.from_Z(z).symbol for z in range(1, LARGEST_ATOMIC_NUMBER + 1)}


def _readers() -> "dict[str, Callable[[Element], float | None]]":
    """Return how each property is read: eV, Å, cm³/mol, K or a plain number."""
    return {
        "electronegativity": lambda e: e.data.get("X"),
        "ionization_energy": lambda e: e.data["Ionization energies"][0],
        "electron_affinity": lambda e: e.data.get("Electron affinity"),
        "mulliken_electronegativity": lambda e: (
            (e.data["Ionization energies"][0] + e.data["Electron affinity"]) / 2
        ),
        "atomic_radius": lambda e: e.data.get("Atomic radius"),
        "calculated_radius": lambda e: e.data.get("Atomic radius calculated"),
        "ionic_radius": lambda e: float(e.average_ionic_radius) or None,
        "group": lambda e: e.group,
        "row": lambda e: e.row,
        "mendeleev_number": lambda e: e.data.get("Mendeleev no"),
        "molar_volume": lambda e: e.data.get("Molar volume"),
        "melting_point": lambda e: e.data.get("Melting point"),
        "boiling_point": lambda e: e.data.get("Boiling point"),
        "outer_electrons": lambda e: outer_electrons(e.Z),
        **{f"{shell}_electrons": partial(_shell_occupation, shell=shell) for shell in "dfps"},
        "highest_common_charge": lambda e: max(e.common_oxidation_states, default=0),
        "lowest_common_charge": lambda e: min(e.common_oxidation_states, default=0),
        "highest_charge": lambda e: max(e.oxidation_states, default=0),
        "n_charges": lambda e: len(e.oxidation_states),
    }


def _number(read: "Callable[[Element], float | None]", element: "Element") -> float:
    try:
        value = read(element)
        return np.nan if value is None else float(value)
    except (KeyError, IndexError, TypeError, ValueError):
        return np.nan


@cache
def outer_electrons(z: int) -> int:
    """Count the electrons an atom can give: all of s and d shells, for the p block those of s and p."""
    from pymatgen.core.periodic_table import Element

    element = Element.from_Z(z)
    if element.Z == 2:
        return 2
    return int(element.group - 10 if element.group > 12 else element.group)


def _shell_occupation(element: "Element", shell: str) -> float:
    """Count the electrons of the outermost s, p, d or f shell beyond the noble-gas core."""
    return sum(
        count for _, name, count in element.full_electronic_structure[_core_size(element) :] if name == shell
    )


def _core_size(element: "Element") -> int:
    text = element.electronic_structure
    if not text.startswith("["):
        return 0
    from pymatgen.core.periodic_table import Element

    return len(Element(text[1 : text.index("]")]).full_electronic_structure)


@cache
def ion_charges(z: int, *, anion: bool) -> dict[int, float]:
    """Return the charges an element takes as cation (or anion), with how unusual each is.

    Returns
    -------
    dict
        Charge to penalty, 0 for a common oxidation state; ``{0: 0.0}`` where none of that sign is known.
    """
    from pymatgen.core.periodic_table import Element

    element = Element.from_Z(z)
    common = element.common_oxidation_states
    charges = {
        charge: 0.0 if charge in common else UNCOMMON_CHARGE_PENALTY
        for charge in sorted({*common, *element.oxidation_states, *element.icsd_oxidation_states})
        if (charge < 0) == anion and charge != 0
    }
    return charges or {0: 0.0}


class Shells(StrEnum):
    """Which electrons may stay on a cation for it to count as closed-shell; each includes those before."""

    EMPTY_OR_FULL = "empty or full d"
    LONE_PAIR = "also a lone pair of s electrons"
    LOW_SPIN = "also d6, and d8 late in the series"


@cache
def closed_shell_charges(z: int, shells: Shells, *, anion: bool) -> tuple[int, ...]:
    """Return the charges at which an ion has closed shells, those with a gap to its next level."""
    from pymatgen.core.periodic_table import Element

    element, outer = Element.from_Z(z), outer_electrons(z)
    if anion:
        return (outer - (2 if z <= 2 else 8),)
    if element.is_lanthanoid or element.is_actinoid:
        return tuple(charge for charge in element.common_oxidation_states if charge > 0)
    if not 3 <= element.group <= 12:
        pair = element.group > 12 and shells != Shells.EMPTY_OR_FULL and outer > 2
        return (outer, outer - 2) if pair else (outer,)
    left = {0: element.group <= 8, 10: element.group >= 10}
    if shells == Shells.LOW_SPIN:
        left |= {6: element.group >= 7, 8: element.group in (10, 11)}
    return tuple(element.group - electrons for electrons, possible in left.items() if possible) or (0,)


@cache
def ion_radius(z: int, charge: int) -> float:
    """Return the radius of an ion in Å: Shannon's of the nearest charge, or pymatgen's mean ionic radius."""
    from pymatgen.core.periodic_table import Element

    if charge:
        try:
            radii = shannon_radii(Element.from_Z(z).symbol, anion=charge < 0)
            return radii[min(radii, key=lambda known: (abs(known - charge), known))]
        except UsageError:
            pass
    table = element_table()
    return float(table.column("ionic_radius" if charge else "atomic_radius")[z])
