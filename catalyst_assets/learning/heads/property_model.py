"""What every kind of head must offer of one property, what it is fitted to, and what the kinds share.

The kinds themselves are in ``stacked`` and ``deep_ensemble``; which of them is kept, in ``selection``.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.learning.heads.floors import Floor, Rows
from catalyst_assets.learning.heads.settings import HeadSettings
from catalyst_assets.learning.uncertainty.marginals import Marginal, Moments

FEWEST_FOR_A_HEAD: Final = 5


class PropertyModel(Protocol):
    """What predicts one property."""

    def predict(self, rows: Rows) -> Marginal:
        """Predict each row."""


@dataclass(frozen=True)
class Task:
    """The labels of one property, and what does not depend on the kind of head fitted to them.

    Attributes
    ----------
    features
        Shape (n, f).
    target
        Shape (n,), no NaN.
    folds
        Shape (n,): fold of each row.
    blocks
        Columns of each block of features.
    prior
        Mean and standard deviation to expect before anything was measured.
    settings
        Size and seed.
    floor
        What labels share at the lowest.
    chance
        Shape (n,): held-out chance to be above the floor.
    like
        An earlier model of the property whose shape is kept; None where it is learned anew.
    noise
        Shape (n,): standard deviation of each label, 0 where it is not known; None where none is.
    """

    features: NDArray[np.float32]
    target: NDArray[np.float64]
    folds: NDArray[np.int64]
    blocks: list[NDArray[np.int64]]
    prior: tuple[float, float]
    settings: HeadSettings
    floor: Floor
    chance: NDArray[np.float64]
    like: PropertyModel | None = None
    noise: NDArray[np.float64] | None = None
    _cache: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def above(self) -> NDArray[np.bool_]:
        """Which rows are above the floor, shape (n,)."""
        return self.target > self.floor.value

    def marginal(self, held: Moments, scale: float = 1.0) -> Marginal:
        """Return held-out predictions of the n truths from their moments above the floor."""
        mean, variance = held
        return Marginal(self.floor.value, 1 - self.chance, mean, np.sqrt(variance) * scale)

    def once(self, name: str, compute: Callable[[], Any]) -> Any:
        """Return what several kinds of head need of these labels, computed once."""
        if name not in self._cache:
            self._cache[name] = compute()
        return self._cache[name]


@dataclass(frozen=True)
class Fit:
    """A fitted model.

    Attributes
    ----------
    held_out
        Its predictions of the task's n rows, each without the row's fold, spreads scaled.
    score
        Mean continuous ranked probability score of the rows above the floor, held out; lower is better.
    spread_scale
        What the standard deviations of the model are multiplied by to be calibrated.
    curves
        What fitting recorded, by name.
    """

    model: PropertyModel
    held_out: Marginal
    score: float
    spread_scale: float = 1.0
    curves: dict[str, tuple[float, ...]] = field(default_factory=dict)


def mix(first: Moments, second: Moments, weight: float) -> Moments:
    """Return the moments of a mixture in which the first distribution has ``weight``."""
    mean = weight * first[0] + (1 - weight) * second[0]
    gap = first[0] - second[0]
    return mean, weight * first[1] + (1 - weight) * second[1] + weight * (1 - weight) * gap**2


def pool(moments: list[Moments]) -> Moments:
    """Return the moments of an even mixture."""
    means = [mean for mean, _ in moments]
    return np.mean(means, axis=0), np.mean([variance for _, variance in moments], axis=0) + np.var(
        means, axis=0
    )
