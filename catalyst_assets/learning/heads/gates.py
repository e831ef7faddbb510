"""The chance that a property is above its floor (a hurdle), by boosted and randomized trees."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from catalyst_assets.learning.heads.forests import Forest, fit_boosted_classifier, fit_classification_forest
from catalyst_assets.learning.heads.property_model import HeadSettings


@dataclass(frozen=True)
class Gate:
    """Chance that a material is above the floor: boosted and randomized trees, a pair a fold.

    ``constant`` stands in where the labels are all on one side.
    """

    boosted: tuple[Forest, ...]
    intercepts: tuple[float, ...]
    randomized: tuple[Forest, ...]
    constant: float

    def predict(self, features: NDArray[np.float32], member: int | None = None) -> NDArray[np.float64]:
        """Return the chance of each row, shape (m,), by all members or by one."""
        members = range(len(self.boosted)) if member is None else [member]
        if not self.boosted:
            return np.full(len(features), self.constant)
        chances = [
            expit(self.intercepts[i] + self.boosted[i].total(features))
            + self.randomized[i].moments(features)[0]
            for i in members
        ]
        return np.asarray(np.mean(chances, axis=0) / 2)


def fit_gate(
    features: NDArray[np.float32], above: NDArray[np.bool_], folds: NDArray[np.int64], settings: HeadSettings
) -> tuple[Gate, NDArray[np.float64]]:
    """Fit a gate.

    Parameters
    ----------
    features
        Shape (n, f).
    above
        Shape (n,): which rows are above the floor.
    folds
        Shape (n,): fold of each row.

    Returns
    -------
    The gate, and its chance for each row without the row's fold, shape (n,).
    """
    count = int(above.sum())
    constant = (count + 0.5) / (len(above) + 1)
    members = [folds != fold for fold in np.unique(folds)]
    if any(above[kept].all() or not above[kept].any() for kept in members):
        return Gate((), (), (), constant), np.full(len(above), constant)
    trees = max(1, settings.n_trees // len(members))
    boosted, intercepts, randomized = [], [], []
    for number, kept in enumerate(members):
        seed = settings.seed * 1000 + number
        forest, intercept = fit_boosted_classifier(features[kept], above[kept], settings.n_boosted, seed)
        boosted.append(forest)
        intercepts.append(intercept)
        randomized.append(fit_classification_forest(features[kept], above[kept], trees, seed))
    gate = Gate(tuple(boosted), tuple(intercepts), tuple(randomized), constant)
    chance = np.empty(len(above))
    for number, kept in enumerate(members):
        chance[~kept] = gate.predict(features[~kept], number)
    return gate, chance
