"""Compositions without a crystal: which elements in which ratio, whatever the spelling.

Only the ratio counts: Ni0.1Fe0.9, Ni10Fe90 and Fe9Ni are the same.
"""

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import orjson

from catalyst_assets.errors import UnreadableStructureError
from catalyst_assets.ingestion.reading.species import element_problem

if TYPE_CHECKING:
    from pymatgen.core.composition import Composition

_PART: Final = re.compile(r"(\(|[A-Z][a-z]?|\))([+-]?\d{0,9}(?:\.\d{0,12})?)", re.ASCII)
_SMALL: Final = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
# A repeating decimal is written to some digit; nobody makes a mixture to better than a millionth.
_FINEST: Final = Decimal("0.000001")
_LONGEST_SHOWN: Final = 80
# What a formula is written with must be read again.
_LARGEST_COUNT: Final = 999_999_999


@dataclass(frozen=True)
class Stoichiometry:
    """Elements in the smallest whole numbers that have their ratio.

    Attributes
    ----------
    counts
        Symbol and number of each element, by symbol.
    """

    counts: tuple[tuple[str, int], ...]

    @classmethod
    def of(cls, amounts: Mapping[str, Fraction | int]) -> "Stoichiometry":
        """Reduce positive amounts of elements to whole numbers."""
        exact = {symbol: Fraction(amount) for symbol, amount in amounts.items()}
        common = math.lcm(*(amount.denominator for amount in exact.values()))
        whole = {symbol: int(amount * common) for symbol, amount in exact.items()}
        divisor = math.gcd(*whole.values())
        return cls(tuple(sorted((symbol, count // divisor) for symbol, count in whole.items())))

    @property
    def elements(self) -> tuple[str, ...]:
        """The symbols, in alphabetical order."""
        return tuple(symbol for symbol, _ in self.counts)

    @property
    def formula(self) -> str:
        """The reduced formula as pymatgen writes it."""
        return str(self.to_pymatgen().reduced_formula)

    @property
    def hash(self) -> str:
        """The sha256 of the ratio; of no structure is it the hash."""
        return hashlib.sha256(b"composition " + orjson.dumps(self.counts)).hexdigest()

    def to_pymatgen(self) -> "Composition":
        """Return pymatgen's composition of one formula unit."""
        from pymatgen.core.composition import Composition

        return Composition(dict(self.counts))


def read_composition(text: str) -> Stoichiometry:
    """Read a formula of elements, and groups of them in brackets, with amounts that need not sum to one.

    Raises
    ------
    UnreadableStructureError
        The text is empty, is no formula, names an element that is none, or an amount that is not positive, or
        its ratio takes too many digits.
    """
    written = "".join(text.split()).translate(_SMALL)
    shown = repr(text[:_LONGEST_SHOWN])
    if not written:
        raise UnreadableStructureError("is empty", "Write a composition such as Ni0.1Fe0.9.")
    parts = _PART.findall(written)
    if not parts or "".join(symbol + amount for symbol, amount in parts) != written:
        raise _no_composition(shown)
    groups: list[dict[str, Fraction]] = [{}]
    for symbol, written_amount in parts:
        if symbol == "(":
            if written_amount:
                raise _no_composition(shown)
            groups.append({})
            continue
        if symbol == ")":
            if len(groups) == 1 or not groups[-1]:
                raise _no_composition(shown)
            within = groups.pop()
        else:
            if problem := element_problem(symbol):
                raise UnreadableStructureError(f"{shown} has an {problem}", "Correct the symbol.")
            within = {symbol: Fraction(1)}
        times = _read_amount(shown, symbol, written_amount)
        for element, amount in within.items():
            groups[-1][element] = groups[-1].get(element, Fraction(0)) + times * amount
    if len(groups) > 1:
        raise _no_composition(shown)
    found = Stoichiometry.of(groups[0])
    if max(count for _, count in found.counts) > _LARGEST_COUNT:
        raise UnreadableStructureError(
            f"{shown} has amounts whose ratio takes more than nine digits", "Write fewer decimals."
        )
    return found


def _no_composition(shown: str) -> UnreadableStructureError:
    return UnreadableStructureError(
        f"{shown} is no composition of elements and their amounts", "Write it as in Ni0.1Fe0.9."
    )


def _read_amount(shown: str, symbol: str, text: str) -> Fraction:
    if not text:
        return Fraction(1)
    if not any(map(str.isdecimal, text)):
        raise _no_composition(shown)
    amount = Decimal(text).quantize(_FINEST, ROUND_HALF_EVEN)
    if amount <= 0:
        named = "a group" if symbol == ")" else symbol
        raise UnreadableStructureError(
            f"{shown} has {text} of {named}, and an amount is positive", f"Leave {named} out, or correct it."
        )
    return Fraction(amount)
