"""Widening of predicted spreads that a network learned on errors it does not make any more.

A network's spread is the likelihood of what its mean left of the labels it was taught, and of few labels that is next
to nothing. What it leaves of labels it was not taught says how much is missing: part of it in proportion, part of it
the same for all. Two numbers, by the continuous ranked probability score, so that a few far-off rows do not decide.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.learning.heads.property_model import crps

if TYPE_CHECKING:
    from catalyst_assets.learning.uncertainty.marginals import Marginal

FEWEST_OBSERVATIONS: Final = 5
_SCALES: Final = (0.0, *(float(scale) for scale in np.geomspace(0.25, 4.0, 13)))
_OFFSETS: Final = tuple(float(offset) for offset in np.linspace(0.0, 2.0, 21))
# What a correction must gain, as a share of the score, with ten observations; the more there are the less.
_PRICE: Final = 0.01


@dataclass(frozen=True)
class SpreadCorrection:
    """A spread s becomes the root of ``(scale s)² + offset²``; the default leaves it.

    Attributes
    ----------
    scale
        Not negative.
    offset
        In the property's unit, not negative.
    """

    scale: float = 1.0
    offset: float = 0.0

    def apply(self, marginal: "Marginal") -> "Marginal":
        """Return the marginal with its spreads corrected."""
        return replace(marginal, spread=np.hypot(self.scale * marginal.spread, self.offset))


def fit_spread(
    marginal: "Marginal", observed: NDArray[np.float64], spread_of_labels: float
) -> SpreadCorrection:
    """Fit a correction to held-out predictions of what is above the floor.

    Parameters
    ----------
    marginal
        Held-out predictions of n rows.
    observed
        Shape (n,), no NaN.
    spread_of_labels
        Standard deviation of the labels: the correction when there are fewer than five observations.
    """
    above = observed > marginal.floor
    error, spread = observed[above] - marginal.center[above], marginal.spread[above]
    if len(error) < FEWEST_OBSERVATIONS:
        return SpreadCorrection(1.0, spread_of_labels)
    size = float(np.sqrt(np.mean(error**2)))
    if size == 0:
        return SpreadCorrection()
    price = _PRICE * 10 / len(error) * float(np.abs(error).mean())
    best = (np.inf, SpreadCorrection())
    for scale in _SCALES:
        for offset in _OFFSETS:
            if scale == offset == 0:
                continue
            corrected = np.hypot(scale * spread, offset * size)
            moved = abs(np.log(scale)) if scale > 0 else np.log(_SCALES[-1])
            score = float(crps(error, np.maximum(corrected, 1e-12)).mean()) + price * (moved + offset)
            if score < best[0]:
                best = (score, SpreadCorrection(scale, offset * size))
    return best[1]


def cross_fit_spread(
    marginal: "Marginal", observed: NDArray[np.float64], folds: NDArray[np.int64], spread_of_labels: float
) -> "Marginal":
    """Correct the rows of each fold by what the other folds say: so may the effect be judged."""
    spread = marginal.spread.copy()
    for fold in np.unique(folds):
        out = folds == fold
        known = replace(
            marginal,
            floor_probability=marginal.floor_probability[~out],
            center=marginal.center[~out],
            spread=marginal.spread[~out],
        )
        correction = fit_spread(known, observed[~out], spread_of_labels)
        spread[out] = np.hypot(correction.scale * spread[out], correction.offset)
    return replace(marginal, spread=spread)
