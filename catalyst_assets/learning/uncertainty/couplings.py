"""Properties that follow one another: a property is a multiple of its parent plus a remainder, y = slope * parent + rest.

Taking values apart and putting means, draws and spreads together again; which property follows which is found in
``heads.relations.coupling``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

_Number = TypeVar("_Number", bound=np.floating)


@dataclass(frozen=True)
class Coupling:
    """The property in column ``child`` is ``slope`` times the one in column ``parent``, plus a remainder."""

    child: int
    parent: int
    slope: float


def take_apart(labels: NDArray[np.float64], couplings: Sequence[Coupling]) -> NDArray[np.float64]:
    """Return remainders in the place of the children's values; arrays of shape (…, p)."""
    apart = labels.copy()
    for coupling in couplings:
        apart[..., coupling.child] -= coupling.slope * labels[..., coupling.parent]
    return apart


def put_together(apart: NDArray[_Number], couplings: Sequence[Coupling]) -> NDArray[_Number]:
    """Return values in the place of the children's remainders, the inverse of :func:`take_apart`."""
    if not couplings:
        return apart
    together = apart.copy()
    for coupling in couplings:
        together[..., coupling.child] += coupling.slope * together[..., coupling.parent]
    return together


def spread_together(
    std: NDArray[np.float64], correlation: NDArray[np.float64], couplings: Sequence[Coupling]
) -> NDArray[np.float64]:
    """Return the standard deviations of the values.

    Parameters
    ----------
    std
        Shape (m, p): of roots and remainders.
    correlation
        Shape (p, p): between them.
    couplings
        Parents before children.
    """
    if not couplings:
        return std
    # Rows of the mixing say what each value is the sum of.
    mixing = put_together(np.eye(std.shape[1]), couplings).T
    together = std.copy()
    for coupling in couplings:
        parts = std * mixing[coupling.child]
        together[:, coupling.child] = np.sqrt(np.maximum(((parts @ correlation) * parts).sum(axis=1), 0.0))
    return together


def prior_apart(
    priors: Sequence[tuple[float, float]], couplings: Sequence[Coupling]
) -> list[tuple[float, float]]:
    """Return what to expect of roots and remainders, given what to expect of the values (mean, deviation)."""
    means = take_apart(np.array([mean for mean, _ in priors]), couplings)
    return [(float(mean), std) for mean, (_, std) in zip(means, priors, strict=True)]


def ancestry(column: int, couplings: Sequence[Coupling]) -> list[int]:
    """Return a property, its parent, the parent's parent and so on."""
    parents = {coupling.child: coupling.parent for coupling in couplings}
    line = [column]
    while line[-1] in parents:
        line.append(parents[line[-1]])
    return line
