"""Formulas as people write them (`TiO₂`, `CuSO4·5H2O`, `La0.5Sr0.5MnO3`), into the reduced formula that materials go by."""

import re
from functools import lru_cache
from typing import Final

from catalyst_assets.campaigns.formulas import parse_formula
from catalyst_assets.errors import CatalystError
from catalyst_assets.validation.submissions.reading.quantities import UnreadableCellError

_SUBSCRIPTS: Final = str.maketrans("₀₁₂₃₄₅₆₇₈₉⁰¹²³⁴⁵⁶⁷⁸⁹", "01234567890123456789")
_HYDRATE: Final = re.compile(r"[·∙•⋅*](?=[\dA-Z(])")
_LEADING_ZERO: Final = re.compile(r"[A-Za-z)]0\d|[A-Za-z)]0(?![.\d])")
_PHASE: Final = re.compile(r"\s*\((s|l|g|aq|cr)\)$")


@lru_cache(maxsize=100_000)
def read_formula(text: str) -> str:
    """Return the reduced formula of a text.

    Raises
    ------
    UnreadableCellError
        It is no formula.
    """
    plain = _PHASE.sub("", text.translate(_SUBSCRIPTS)).replace("[", "(").replace("]", ")").replace(" ", "")
    if _LEADING_ZERO.search(plain):
        raise UnreadableCellError(
            "is no chemical formula", "A zero stands there: is it the letter O of oxygen?"
        )
    amounts: dict[str, float] = {}
    try:
        for part in _HYDRATE.split(plain):
            times = re.match(r"\d*\.?\d*", part)
            count = float(times[0]) if times and times[0] not in ("", ".") else 1.0
            for symbol, amount in parse_formula(part[len(times[0]) if times else 0 :]).items():
                amounts[symbol] = amounts.get(symbol, 0.0) + count * amount
    except (CatalystError, ValueError):
        raise UnreadableCellError(
            "is no chemical formula", "Write it as SrTiO3 or Ca(NO3)2, symbols with a capital letter."
        ) from None
    unknown = sorted(set(amounts) - _elements())
    if unknown or not any(amounts.values()):
        named = ", ".join(unknown)
        raise UnreadableCellError(
            f"is no chemical formula: {named} is no element" if named else "is no chemical formula",
            "Write it as SrTiO3 or Ca(NO3)2, symbols with a capital letter.",
        )
    return _reduced(amounts)


def _reduced(amounts: dict[str, float]) -> str:
    from pymatgen.core.composition import Composition

    composition = Composition({symbol: amount for symbol, amount in amounts.items() if amount})
    if any(abs(amount - round(amount)) > 1e-6 for amount in composition.values()):
        composition = Composition(composition.get_integer_formula_and_factor(max_denominator=1000)[0])
    return str(composition.reduced_formula)


@lru_cache(maxsize=1)
def _elements() -> frozenset[str]:
    from pymatgen.core.periodic_table import Element

    return frozenset(element.symbol for element in Element)
