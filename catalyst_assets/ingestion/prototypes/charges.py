"""Charges of ions: which common oxidation states make a crystal neutral, or come nearest to it."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import product

from catalyst_assets.errors import UsageError
from catalyst_assets.ingestion.prototypes.perovskites import shannon_radii


def are_separated(species: Sequence[str], anions: Sequence[bool]) -> bool:
    """Tell whether every cation is less electronegative than every anion."""
    cations = [_electronegativity(s) for s, anion in zip(species, anions, strict=True) if not anion]
    others = [_electronegativity(s) for s, anion in zip(species, anions, strict=True) if anion]
    return max(cations) < min(others)


@lru_cache(maxsize=200)
def _electronegativity(symbol: str) -> float:
    from pymatgen.core.periodic_table import Element

    return float(Element(symbol).X)


@lru_cache(maxsize=400)
def _oxidation_states(symbol: str, anion: bool) -> tuple[int, ...]:
    from pymatgen.core.periodic_table import Element

    states = Element(symbol).common_oxidation_states
    return tuple(state for state in states if (state < 0) == anion and state != 0)


def nearest_to_neutral(
    species: Sequence[str], anions: Sequence[bool], counts: Sequence[int]
) -> tuple[int, tuple[int, ...]]:
    """Return the smallest total charge, and the charges that give it; no charges where an ion has none.

    Of several, charges with a tabulated radius are preferred.
    """
    states = [_oxidation_states(symbol, anion) for symbol, anion in zip(species, anions, strict=True)]
    options = (
        (
            abs(sum(charge * count for charge, count in zip(charges, counts, strict=True))),
            sum(not _is_tabulated(*ion) for ion in zip(species, charges, strict=True)),
            charges,
        )
        for charges in product(*states)
    )
    total, _, charges = min(options, default=(0, 0, ()))
    return total, charges


@lru_cache(maxsize=1000)
def _is_tabulated(symbol: str, charge: int) -> bool:
    try:
        return charge in shannon_radii(symbol, anion=charge < 0)
    except UsageError:
        return False
