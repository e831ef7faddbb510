"""Formal charges: which make a compound neutral, and whether they leave every ion with closed shells."""

from dataclasses import dataclass
from functools import lru_cache
from math import gcd

from catalyst_assets.representation.descriptors.elements import Shells, closed_shell_charges, ion_charges

Ions = tuple[tuple[int, bool, int], ...]

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


def assign_charges(ions: Ions) -> ChargeAssignment:
    """Choose an oxidation state for each ion: closest to neutral first, then the most common ones.

    Parameters
    ----------
    ions
        Atomic number, whether it is the anion, and how many there are; without an anion (a metal)
        every charge is 0.
    """
    if not any(anion for _, anion, _ in ions):
        return ChargeAssignment((0,) * len(ions), 0.0)
    return _assign(_reduced(ions))


def closed_shell_mismatch(ions: Ions, shells: Shells) -> float:
    """Return the least charge per atom left over when every ion has closed shells.

    0 for a compound whose electrons fill its levels up to a gap, as band theory wants of an insulator.
    """
    return _mismatch(_reduced(ions), shells)


def _reduced(ions: Ions) -> Ions:
    unit = gcd(*(count for _, _, count in ions))
    return tuple((z, anion, count // unit) for z, anion, count in ions)


@lru_cache(maxsize=100_000)
def _assign(ions: Ions) -> ChargeAssignment:
    sums = _reachable_sums([(ion_charges(z, anion=anion), count) for z, anion, count in ions])
    total = min(sums, key=lambda total: (abs(total) + sums[total][0], sums[total]))
    return ChargeAssignment(sums[total][1], sums[total][0])


@lru_cache(maxsize=100_000)
def _mismatch(ions: Ions, shells: Shells) -> float:
    sums = _reachable_sums(
        [
            (dict.fromkeys(closed_shell_charges(z, shells, anion=anion), 0.0), count)
            for z, anion, count in ions
        ]
    )
    return min(abs(total) for total in sums) / sum(count for _, _, count in ions)


def _reachable_sums(choices: list[tuple[dict[int, float], int]]) -> dict[int, tuple[float, tuple[int, ...]]]:
    """Return every total charge that can be reached, with its smallest penalty and the charges chosen."""
    best: dict[int, tuple[float, tuple[int, ...]]] = {0: (0.0, ())}
    for charges, count in choices:
        reached: dict[int, tuple[float, tuple[int, ...]]] = {}
        for total, (penalty, chosen) in best.items():
            for charge, uncommon in charges.items():
                option = (penalty + uncommon, (*chosen, charge))
                key = total + count * charge
                if key not in reached or option < reached[key]:
                    reached[key] = option
        nearest = sorted(reached, key=lambda total: (abs(total), total))[:_MOST_PARTIAL_SUMS]
        best = {total: reached[total] for total in nearest}
    return best
