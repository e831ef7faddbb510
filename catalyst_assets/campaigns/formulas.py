"""Chemical formulas: the amount of each element."""

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from catalyst_assets.errors import CatalystError

_AMOUNT: Final = r"(\d+\.?\d*|\.\d+)?"


@lru_cache(maxsize=100_000)
def parse_formula(formula: str) -> Mapping[str, float]:
    """Return the amount of each element in a formula such as ``AgNbO2N`` or ``Ca(NO3)2``.

    Raises
    ------
    CatalystError
        The text is not such a formula.
    """
    flat = formula
    while group := re.search(rf"\(([^()]*)\){_AMOUNT}", flat):
        amounts = _flat_amounts(group[1], formula)
        times = float(group[2] or 1)
        inner = "".join(f"{symbol}{amount * times:.10g}" for symbol, amount in amounts.items())
        flat = flat[: group.start()] + inner + flat[group.end() :]
    return MappingProxyType(_flat_amounts(flat, formula))


def _flat_amounts(text: str, formula: str) -> dict[str, float]:
    if re.fullmatch(rf"(?:[A-Z][a-z]?{_AMOUNT})+", text) is None:
        raise CatalystError(f"'{formula}' is not a chemical formula.", "Write it as in SrTiO3 or Ca(NO3)2.")
    amounts: dict[str, float] = {}
    for symbol, amount in re.findall(rf"([A-Z][a-z]?){_AMOUNT}", text):
        amounts[symbol] = amounts.get(symbol, 0.0) + float(amount or 1)
    return amounts
