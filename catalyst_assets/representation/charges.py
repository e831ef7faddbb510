"""Formal charges that make a compound as neutral as its elements' oxidation states allow."""

from dataclasses import dataclass
from functools import lru_cache
from math import gcd

from catalyst_assets.representation.elements import ion_charges

_MOST_PARTIAL_SUMS = 2_000


@dataclass(frozen=True)
class ChargeAssignment:
    """One formal charge for each kind of ion.

    Attributes
    ----------
    charges
        In the order of the ions asked for.
    uncommonness
        Penalty of the oxidation states chosen, 0 when all are common.
    """

    charges: tuple[int, ...]
    uncommonness: float


def assign_charges(ions: tuple[tuple[int, bool, int], ...]) -> ChargeAssignment:
    """Choose a charge for each ion: closest to neutral first, then the most common states.

    Parameters
    ----------
    ions
        Atomic number, whether it is the anion, and how many there are; without an anion (a metal)
        every charge is 0.
    """
    if not any(anion for _, anion, _ in ions):
        return ChargeAssignment((0,) * len(ions), 0.0)
    unit = gcd(*(count for _, _, count in ions))
    return _assign(tuple((z, anion, count // unit) for z, anion, count in ions))


@lru_cache(maxsize=100_000)
def _assign(ions: tuple[tuple[int, bool, int], ...]) -> ChargeAssignment:
    best: dict[int, tuple[float, tuple[int, ...]]] = {0: (0.0, ())}
    for z, anion, count in ions:
        reached: dict[int, tuple[float, tuple[int, ...]]] = {}
        for total, (penalty, chosen) in best.items():
            for charge, uncommon in ion_charges(z, anion=anion).items():
                option = (penalty + uncommon, (*chosen, charge))
                key = total + count * charge
                if key not in reached or option < reached[key]:
                    reached[key] = option
        if len(reached) > _MOST_PARTIAL_SUMS:
            kept = sorted(reached, key=lambda total: (abs(total), total))[:_MOST_PARTIAL_SUMS]
            reached = {total: reached[total] for total in kept}
        best = reached
    total = min(best, key=lambda total: (abs(total) + best[total][0], best[total], total))
    return ChargeAssignment(best[total][1], best[total][0])
