"""What several networks predict, put together: of the same rows as a mixture, of different rows one after the other."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.learning.uncertainty.marginals import Marginal

if TYPE_CHECKING:
    from catalyst_assets.representation.fitting.head import HurdlePrediction


def join_rows(parts: Sequence[Marginal]) -> Marginal:
    """Put the rows of several predictions one after the other; one without the common floor is above it."""
    floor = _common_floor(parts)
    return Marginal(
        floor,
        np.concatenate([_chance_of(part, floor) for part in parts]),
        np.concatenate([part.center for part in parts]),
        np.concatenate([part.spread for part in parts]),
    )


def pool_members(predictions: "Sequence[HurdlePrediction]") -> Marginal:
    """Mix what several networks predict of the same rows."""
    floor = _common_floor(predictions)
    centers = np.stack([prediction.center for prediction in predictions])
    variances = np.stack([prediction.spread**2 for prediction in predictions])
    return Marginal(
        floor,
        np.mean([_chance_of(prediction, floor) for prediction in predictions], axis=0),
        centers.mean(0),
        np.sqrt(variances.mean(0) + centers.var(0)),
    )


def _common_floor(parts: "Sequence[HurdlePrediction | Marginal]") -> float:
    return min((part.floor for part in parts if np.isfinite(part.floor)), default=-np.inf)


def _chance_of(part: "HurdlePrediction | Marginal", floor: float) -> NDArray[np.float64]:
    same = part.floor == floor and np.isfinite(floor)
    return part.floor_probability if same else np.zeros(len(part.center))
