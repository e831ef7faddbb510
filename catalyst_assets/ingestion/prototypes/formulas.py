"""A formula put on a prototype: which of its elements is on which site."""

import re
from collections.abc import Iterator
from functools import reduce
from itertools import permutations
from math import gcd
from typing import Final

from catalyst_assets.errors import UnreadableStructureError, UsageError
from catalyst_assets.ingestion.prototypes.charges import are_separated, nearest_to_neutral
from catalyst_assets.ingestion.prototypes.crystals import PROTOTYPES, Prototype
from catalyst_assets.ingestion.reading.cells import Cell
from catalyst_assets.ingestion.reading.species import element_problem

_PART: Final = re.compile(r"([A-Z][a-z]?)(\d{0,3})", re.ASCII)
_SMALL: Final = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")


def build_from_formula(formula: str, prototype: str) -> Cell:
    """Build the crystal of a formula on a prototype.

    Elements go to the sites that their numbers fit. Where several arrangements do, cations less electronegative than
    anions decide, then neutrality in common oxidation states, then the order in which the formula is written; of an
    alloy that order alone.

    Raises
    ------
    UnreadableStructureError
        The prototype is not known, the text is no formula, or it does not fit.
    """
    crystal = PROTOTYPES.get(prototype)
    if crystal is None:
        raise UnreadableStructureError(
            f"{prototype!r} is no prototype that is known", f"Known are {', '.join(PROTOTYPES)}."
        )
    counts = _read(formula)
    fitting = list(_arrangements(crystal, counts))
    if not fitting:
        raise UnreadableStructureError(
            f"{formula!r} does not fit {prototype}, whose sites are {_spelled(crystal)}",
            "Name another prototype, or upload the structure.",
        )
    species, charges = _best(crystal, fitting)
    if not charges:
        raise UnreadableStructureError(
            f"{formula!r} has no common oxidation states of the signs that {prototype} needs",
            "Upload the structure instead.",
        )
    try:
        return crystal.build(dict(zip(crystal.sites, zip(species, charges, strict=True), strict=True)))
    except UsageError as error:
        raise UnreadableStructureError(
            f"{formula!r} cannot be sized: {error.message.rstrip('.')}", "Upload the structure instead."
        ) from None


def _best(crystal: Prototype, fitting: list[tuple[str, ...]]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Return the species and charge on each site; no charges where none has the signs that the sites need."""
    if not crystal.anions:
        return fitting[0], (0,) * len(crystal.sites)
    anions = [site in crystal.anions for site in crystal.sites]
    multiplicities = tuple(crystal.sites.values())
    rated = []
    for place, species in enumerate(fitting):
        total, charges = nearest_to_neutral(species, anions, multiplicities)
        if charges:
            rated.append((not are_separated(species, anions), total, place, species, charges))
    if not rated:
        return fitting[0], ()
    *_, species, charges = min(rated)
    return species, charges


def _read(formula: str) -> dict[str, int]:
    """Return how many atoms of each element the smallest formula unit has, in the order in which they are written."""
    text = formula.strip().translate(_SMALL)
    parts = _PART.findall(text)
    if not parts or "".join(symbol + number for symbol, number in parts) != text:
        raise UnreadableStructureError(
            f"{formula[:80]!r} is no formula of elements and whole numbers", "Write it as in SrTiO3."
        )
    counts: dict[str, int] = {}
    for symbol, number in parts:
        if problem := element_problem(symbol):
            raise UnreadableStructureError(f"{formula[:80]!r} has an {problem}", "Correct the symbol.")
        counts[symbol] = counts.get(symbol, 0) + int(number or 1)
    if 0 in counts.values():
        raise UnreadableStructureError(f"{formula[:80]!r} has none of an element", "Leave the element out.")
    divisor = reduce(gcd, counts.values())
    return {symbol: count // divisor for symbol, count in counts.items()}


def _arrangements(crystal: Prototype, counts: dict[str, int]) -> Iterator[tuple[str, ...]]:
    """Yield the species on each site, those in the order of the formula first."""
    if len(counts) != len(crystal.sites):
        return
    for species in permutations(counts):
        if all(
            counts[symbol] == wanted for symbol, wanted in zip(species, crystal.sites.values(), strict=True)
        ):
            yield species


def _spelled(crystal: Prototype) -> str:
    return " ".join(f"{site}{count if count > 1 else ''}" for site, count in crystal.sites.items())
