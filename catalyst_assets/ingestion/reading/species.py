"""Which chemical element a file means where it writes one, with charge, decoration or isotope."""

import re
from functools import cache
from typing import Final

# Deuterium and tritium are hydrogen.
ISOTOPES: Final = {"D": ("H", 2.014), "T": ("H", 3.016)}
_CHARGE: Final = r"(?:\d*\.?\d*[+-]\d*\.?\d*|\d+)?"
# With the mass of an isotope before it, as in 11B and 2H.
_ION = re.compile(rf"(?:[1-9]\d{{0,2}})?([A-Za-z]{{1,2}}){_CHARGE}", re.ASCII)
# Scattering factors of valence states: International Tables C, table 6.1.1.4, has Cval and Siva.
_VALENCE: Final = {"Cval": "C", "Siva": "Si", "Sival": "Si"}
# What VASP's potentials add: Ti_pv, Ga_d_GW, W_sv_GW_nc/1a2b3c.
_POTENTIAL = re.compile(r"([A-Z][a-z]?)(?:_[A-Za-z0-9]+)*(?:/[0-9A-Za-z]*)?", re.ASCII)


@cache
def elements() -> frozenset[str]:
    """Return the symbols of the chemical elements."""
    from pymatgen.core.periodic_table import Element

    return frozenset(element.symbol for element in Element) - set(ISOTOPES)


def element_problem(symbol: str) -> str:
    """Say why what a person asks for is no element, and which come close; nothing where it is one."""
    from difflib import get_close_matches

    if symbol in elements():
        return ""
    if symbol in ISOTOPES:
        return f"{symbol} is an isotope: write {without_isotope(symbol)}"
    close = get_close_matches(symbol, sorted(elements()), n=3, cutoff=0.5)
    hint = f": did you mean {' or '.join(close)}?" if close else ""
    return f"unknown element {symbol!r}{hint}"


@cache
def symbols() -> frozenset[str]:
    """Return the symbols of the chemical elements, D and T."""
    return elements() | set(ISOTOPES)


@cache
def element_of(name: str) -> str | None:
    """Return the element, ``D`` or ``T`` of a symbol with or without charge: ``Mg2+``, ``O-2``, ``Fe3+``, ``D``.

    Capitals and small letters are as in the periodic table: NH4 is no nihonium, CO3 no cobalt.
    """
    if name in symbols():
        return name
    found = _ION.fullmatch(_VALENCE.get(name, name))
    return found[1] if found and found[1] in symbols() else None


@cache
def element_in_capitals(name: str) -> str | None:
    """Return the element of a symbol with or without charge whose letters are all capital or all small: ``MG2+``."""
    found = _ION.fullmatch(name)
    symbol = found[1].capitalize() if found and (found[1].isupper() or found[1].islower()) else ""
    return symbol if symbol in symbols() else None


def element_of_potential(name: str) -> str | None:
    """Return the element of a species as VASP writes it: ``Ti_pv``, ``Fe/1a2b3c``, or as :func:`element_of` does."""
    found = _POTENTIAL.fullmatch(name)
    return element_of(found[1] if found else name)


def without_isotope(symbol: str) -> str:
    """Return H for D and T, anything else as it is."""
    return ISOTOPES[symbol][0] if symbol in ISOTOPES else symbol


def mass_of(symbol: str) -> float:
    """Return the atomic mass in g/mol."""
    from pymatgen.core.periodic_table import Element

    return ISOTOPES[symbol][1] if symbol in ISOTOPES else float(Element(symbol).atomic_mass)
