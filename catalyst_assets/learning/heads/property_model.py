"""What every kind of head must offer of one property, and what they share: settings, rows, floor and score.

The kinds themselves are in ``stacked`` and ``deep_ensemble``; which of them is kept, in ``head_selection``.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from catalyst_assets.learning.uncertainty.marginals import Marginal

if TYPE_CHECKING:
    from catalyst_assets.learning.heads.gates import Gate

FEWEST_LABELS: Final = 5
Moments = tuple[NDArray[np.float64], NDArray[np.float64]]
_SMALLEST_SCALE, _N_SCALES = 0.4, 25


@dataclass(frozen=True)
class HeadSettings:
    """How large the head is.

    Attributes
    ----------
    n_folds
        Folds of chemical systems; each ensemble member leaves one out.
    n_trees
        Trees of each forest, over all folds.
    n_boosted
        Boosted trees of each fold.
    gp_steps
        Most optimisation steps of a Gaussian process.
    seed
        Everything random follows from it.
    n_networks
        Networks of a deep ensemble that leave out the same fold.
    n_inducing
        Most inducing points of a sparse Gaussian process.
    couple
        Whether a property may be learned as a multiple of another and a remainder.
    recalibrate
        Whether the predicted quantiles are mapped to where held-out observations fell.
    """

    n_folds: int = 5
    n_trees: int = 100
    n_boosted: int = 80
    gp_steps: int = 60
    seed: int = 0
    n_networks: int = 2
    n_inducing: int = 2000
    couple: bool = True
    recalibrate: bool = False


class RowPredictor(Protocol):
    """A part that several models may share."""

    def predict(self, features: NDArray[np.float32]) -> Any:
        """Predict each row."""


@dataclass(frozen=True)
class Rows:
    """Features of the rows to predict, shape (m, f), and what parts shared by several models said of them."""

    features: NDArray[np.float32]
    _said: dict[int, tuple[RowPredictor, Any]] = field(default_factory=dict, compare=False, repr=False)

    def ask(self, part: RowPredictor) -> Any:
        """Return what ``part`` predicts of the rows, computed once."""
        # The part is kept with its answer, so that no other object can take its id.
        if id(part) not in self._said:
            self._said[id(part)] = (part, part.predict(self.features))
        return self._said[id(part)][1]


class PropertyModel(Protocol):
    """What predicts one property."""

    @property
    def floor(self) -> float:
        """Shared lowest value, or minus infinity."""

    @property
    def gate(self) -> "Gate | None":
        """Chance to be above the floor; None where there is no floor."""

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
    floor, gate
        Shared lowest value and the chance to be above it; minus infinity and None where there is none.
    chance
        Shape (n,): held-out chance to be above the floor.
    """

    features: NDArray[np.float32]
    target: NDArray[np.float64]
    folds: NDArray[np.int64]
    blocks: list[NDArray[np.int64]]
    prior: tuple[float, float]
    settings: HeadSettings
    floor: float
    gate: "Gate | None"
    chance: NDArray[np.float64]
    _cache: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def above(self) -> NDArray[np.bool_]:
        """Which rows are above the floor, shape (n,)."""
        return self.target > self.floor

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
        Its predictions of the task's n rows, each without the row's fold.
    score
        Mean continuous ranked probability score of the rows above the floor, held out; lower is better.
    curves
        What fitting recorded, by name.
    """

    model: PropertyModel
    held_out: Marginal
    score: float
    curves: dict[str, tuple[float, ...]] = field(default_factory=dict)


def find_floor(target: NDArray[np.float64]) -> float:
    """Return the lowest value if enough labels share it, else minus infinity."""
    lowest = float(target.min())
    shared = int((target == lowest).sum())
    return lowest if shared >= max(3, 0.05 * len(target)) else -np.inf


def crps(error: NDArray[np.float64], spread: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the continuous ranked probability score of normal predictions.

    Gneiting and Raftery, J. Am. Stat. Assoc. 102, 359 (2007), eq. 21, with the sign that makes lower better.
    """
    z = error / spread
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    return np.asarray(spread * (z * (2 * ndtr(z) - 1) + 2 * density - 1 / np.sqrt(np.pi)))


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


def calibrate(
    by_weight: dict[float, Moments],
    target: NDArray[np.float64],
    above: NDArray[np.bool_],
    largest_scale: float = 2.5,
) -> tuple[float, float, float]:
    """Choose a mixture and the scale of its spread by the score of held-out rows above the floor.

    An even mixture left as it is counts as ten labels, so that few labels do not decide.

    Parameters
    ----------
    by_weight
        Held-out moments of the n rows for each weight that may be chosen.
    target, above
        Shape (n,): labels, and which of them are above the floor.
    largest_scale
        What spreads are multiplied by at most.

    Returns
    -------
    weight, scale, score
    """
    best = (np.inf, 0.5, 1.0, np.inf)
    n = int(above.sum())
    scales = [float(scale) for scale in np.geomspace(_SMALLEST_SCALE, largest_scale, _N_SCALES)]
    for weight, (center, variance) in by_weight.items():
        spread = np.sqrt(variance[above])
        error = target[above] - center[above]
        for scale in scales:
            score = float(np.mean(crps(error, spread * scale)))
            penalty = 10 / n * 0.02 * (abs(weight - 0.5) + abs(np.log(scale))) * float(np.abs(error).mean())
            best = min(best, (score + penalty, weight, scale, score))
    return best[1], best[2], best[3]
