"""What a data block claims of its crystal, compared with the crystal that was read of it."""

import math
import re
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from catalyst_assets.ingestion.reading.cif.values import Block
from catalyst_assets.ingestion.reading.species import ISOTOPES, elements, mass_of, symbols, without_isotope

# Shares of elements: formulas are written in three digits.
_SHARE_TOLERANCE: Final = 0.002
_FORMULA_UNITS_TOLERANCE: Final = 0.01
_VOLUME_TOLERANCE: Final = 0.01
_DENSITY_TOLERANCE: Final = 0.1
_MASS_TOLERANCE: Final = 0.015
# Grams a cubic centimetre, of an atomic mass in one cubic ångström.
_DENSITY: Final = 1.66053907
_TOKEN = re.compile(r"([A-Z][a-z]?)(\d*\.?\d*)", re.ASCII)
# Words of one element each, as most programs write them.
_PLAIN_TOKEN = re.compile(r"([A-Z][a-z]?)(\d*)", re.ASCII)
_PLAIN = re.compile(r"[A-Z][a-z]?\d*(?: [A-Z][a-z]?\d*)*", re.ASCII)
_ION_CHARGE = re.compile(r"\d*[+-]", re.ASCII)
_CAPITALS = re.compile(r"([A-Z]{2})(\d*\.?\d*)", re.ASCII)
_FORMULA = re.compile(r"(?:[A-Z][a-z]?\d*\.?\d*)+", re.ASCII)


def read_formula(block: Block) -> dict[str, float] | None:
    """Return atoms of each element in the formula that a block gives; None when it gives none that can be read."""
    for tag in ("_chemical_formula_sum", "_chemical_formula_structural"):
        text = block.text(tag)
        found = None if text is None else parse_formula(text)
        if found:
            return found
    return None


@lru_cache(maxsize=10_000)
def parse_formula(text: str) -> dict[str, float] | None:
    """Return atoms of each element of a formula; None when it is none, or one of groups in brackets.

    Capitals as in ``MG O`` are read where blanks separate the elements; D and T are hydrogen.
    """
    known = symbols()
    if _PLAIN.fullmatch(text):
        plain = dict(_PLAIN_TOKEN.findall(text))
        if known.issuperset(plain) and not plain.keys() & ISOTOPES.keys() and len(plain) == len(text.split()):
            return {symbol: float(number or 1) for symbol, number in plain.items() if number != "0"} or None
    found: Counter[str] = Counter()
    for word in text.replace(",", " ").split():
        if _ION_CHARGE.fullmatch(word):
            continue
        tokens = _TOKEN.findall(word) if _FORMULA.fullmatch(word) else []
        if not tokens or not known.issuperset(symbol for symbol, _ in tokens):
            capital = _CAPITALS.fullmatch(word)
            if capital is None or capital[1].capitalize() not in elements():
                return None
            tokens = [(capital[1].capitalize(), capital[2])]
        for symbol, number in tokens:
            if number == ".":
                return None
            found[without_isotope(symbol)] += float(number or 1)  # type: ignore[assignment]
    return {symbol: number for symbol, number in found.items() if number > 0} or None


def find_contradiction(
    block: Block, formula: dict[str, float] | None, atoms: list[str], volume: float
) -> str:
    """Return how the atoms of a cell differ from what its block claims; empty when they do not.

    Parameters
    ----------
    atoms
        All atoms of the cell, D and T as such.
    volume
        Of the cell, in Å³.

    Raises
    ------
    UnreadableStructureError
        A claim is no number.
    """
    claimed_volume = block.number("_cell_volume")
    if claimed_volume and claimed_volume > 0 and abs(claimed_volume / volume - 1) > _VOLUME_TOLERANCE:
        return f"claims a cell of {claimed_volume:g} Å³, but its lengths and angles give {volume:.2f}"
    formula_units = block.number("_cell_formula_units_z")
    if formula_units is not None and formula_units <= 0:
        formula_units = None
    found = Counter(map(without_isotope, atoms))
    if formula is not None:
        problem = _compare_formula(formula, formula_units, found)
        if problem:
            return problem
    density, weight = block.number("_exptl_crystal_density_diffrn"), block.number("_chemical_formula_weight")
    if density is not None and density > 0:
        mass = sum(mass_of(symbol) * number for symbol, number in Counter(atoms).items())
        here = mass / volume * _DENSITY
        # Later dictionaries give it in kilograms a cubic metre.
        if min(abs(here / density - 1), abs(1000 * here / density - 1)) > _DENSITY_TOLERANCE:
            return f"claims a density of {density:g} g/cm³, but its atoms give {here:.2f}"
    if formula is None and weight and formula_units:
        mass = sum(mass_of(symbol) * number for symbol, number in Counter(atoms).items())
        if abs(mass / (weight * formula_units) - 1) > _MASS_TOLERANCE:
            return (
                f"claims {formula_units:g} formula units of {weight:g} g/mol, but its atoms weigh {mass:.1f}"
            )
    return ""


def _compare_formula(formula: dict[str, float], formula_units: float | None, found: Counter[str]) -> str:
    total, n_atoms = sum(formula.values()), sum(found.values())
    if set(formula) != set(found) or any(
        abs(number / total - found[symbol] / n_atoms) > _SHARE_TOLERANCE for symbol, number in formula.items()
    ):
        return f"claims the formula {_written(formula)}, but its atoms are {_written(found)}"
    units = n_atoms / total
    if formula_units is None:
        # A cell holds one formula at least: sites that symmetry would multiply are listed without it.
        if units > 1 - _FORMULA_UNITS_TOLERANCE:
            return ""
        return f"claims the formula {_written(formula)}, but its cell holds less: {_written(found)}"
    if abs(units / formula_units - 1) <= _FORMULA_UNITS_TOLERANCE:
        return ""
    # pymatgen writes the contents of the whole cell as the formula.
    factor = _divisor(formula)
    if abs(units - 1) <= _FORMULA_UNITS_TOLERANCE and factor == formula_units:
        return ""
    return (
        f"claims {formula_units:g} formula units of {_written(formula)}, but its atoms are {_written(found)}"
    )


def _written(counts: Mapping[str, float]) -> str:
    return " ".join(f"{symbol}{number:g}" for symbol, number in sorted(counts.items()))


def _divisor(formula: dict[str, float]) -> int:
    numbers = formula.values()
    return math.gcd(*map(int, numbers)) if all(float(number).is_integer() for number in numbers) else 1
