"""What units mean, by pint: whether one is known, and how its numbers become those of another.

An atom, a formula unit, a cell and a site count as dimensions of their own, so that an energy per formula unit is never
taken for one per atom; ``mol_atom`` is a mole of atoms. pint is imported when a unit must be understood, not before.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pint import Unit, UnitRegistry

_DEFINITIONS: Final = (
    "atom = [atom]",
    "mole_of_atoms = 6.02214076e23 * atom = mol_atom",
    "formula_unit = [formula_unit] = fu",
    "cell = [cell]",
    "site = [site]",
    "fraction = 1",
)
_AVOGADRO: Final = 6.02214076e23
# What else there is, the tokenizer passes over.
_CHARACTERS: Final = re.compile(r"[\w\s*/^().·⋅⁻%°−-]{1,40}")
_NUMBER: Final = re.compile(r"(?<![\w.^*⁻-])\s*(?!1(?![\d.]))\d")
_TOWER: Final = re.compile(r"\d\s*(\*\*|\^)")
# Journals write "mA cm-2", files "mA/cm2", for mA/cm^2.
_BARE_POWER: Final = re.compile(r"(?<=[A-Za-zÅΩ])([-−]?\d)")


@dataclass(frozen=True)
class Conversion:
    """How numbers in one unit become numbers in another: ``value * factor / divisor + offset``."""

    factor: float = 1.0
    divisor: float = 1.0
    offset: float = 0.0

    def __call__(self, value: float) -> float:
        """Convert one number."""
        return value * self.factor / self.divisor + self.offset


_SAME: Final = Conversion()


def find_unit_problem(unit: str) -> str:
    """Return why a unit cannot be understood, or nothing."""
    try:
        _parse(unit)
    except ValueError as error:
        return str(error)
    return ""


@cache
def conversion(given: str, stored: str) -> Conversion:
    """Return how numbers in ``given`` become numbers in ``stored``.

    A mole of what is asked for is as many of it, so that kJ/mol becomes eV; it is no mole of atoms, so that it does not
    become eV/atom.

    Raises
    ------
    ValueError
        One is no unit, or they measure different things.
    """
    if given == stored:
        return _SAME
    source, target = _parse(given), _parse(stored)
    registry, moles = _registry(), 1.0
    if source.dimensionality != target.dimensionality:
        per_entity = source * registry.mole
        if per_entity.dimensionality != target.dimensionality or not target.is_compatible_with("eV"):
            raise ValueError(_inconvertible(given, stored, per_entity))
        source, moles = per_entity, _AVOGADRO
    try:
        zero = registry.Quantity(0.0, source).to(target).magnitude
        one = registry.Quantity(1.0, source).to(target).magnitude
    except Exception as error:  # pint's own, of units with an offset in a product
        raise ValueError(f"'{given}' cannot be converted to '{stored}' ({error})") from None
    factor = (one - zero) / moles
    # Decimal prefixes are exact: 1.1 meV is 0.0011 eV, not 0.0011000000000000001.
    for power, name in ((factor, "factor"), (1 / factor, "divisor")):
        if power >= 1 and abs(power - round(power)) < 1e-9 * power:
            return Conversion(**{name: float(round(power)), "offset": round(float(zero), 9)})
    return Conversion(factor=factor, offset=round(float(zero), 9))


def _inconvertible(given: str, stored: str, per_entity: "Unit") -> str:
    message = f"'{given}' cannot be converted to '{stored}': they measure different things"
    if (per_entity / _registry().atom).dimensionality == _parse(stored).dimensionality:
        message += " (a mole of atoms is written mol_atom)"
    return message


@cache
def _parse(unit: str) -> "Unit":
    text = _BARE_POWER.sub(r"^\1", unit.strip()).replace("−", "-")
    if not _CHARACTERS.fullmatch(text) or _NUMBER.search(text) or _TOWER.search(text):
        raise ValueError(
            f"'{unit}' is no unit: write one such as eV, mA/cm^2, A/g, percent, or dimensionless"
        )
    try:
        return _registry().parse_units(text)
    except Exception as error:  # whatever pint's parser and Python's tokenizer stumble upon
        reason = " ".join(str(error).split()).removesuffix(" in the unit registry")
        raise ValueError(
            f"'{unit}' is no unit that pint knows ({reason}): write one such as eV, mA/cm^2, A/g, percent, 1/s"
        ) from None


@cache
def _registry() -> "UnitRegistry[float]":
    from pint import UnitRegistry

    registry: UnitRegistry[float] = UnitRegistry()
    for definition in _DEFINITIONS:
        registry.define(definition)
    return registry
