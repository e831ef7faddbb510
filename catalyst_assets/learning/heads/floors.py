"""Floors: the lowest value that many materials share (the gap of a metal), and the chance to be above it.

A hurdle model (Cragg, Econometrica 39, 829 (1971)): boosted and randomized trees tell the chance, and what predicts the
values above is fitted to those alone.
"""

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from catalyst_assets.learning.heads.forests import Forest, fit_boosted_classifier, fit_classification_forest
from catalyst_assets.learning.heads.settings import HeadSettings
from catalyst_assets.learning.uncertainty.marginals import Marginal, Moments


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


@dataclass(frozen=True)
class Floor:
    """The lowest value of a property.

    Attributes
    ----------
    value
        What materials share; minus infinity where there is no floor.
    gate
        Chance to be above it; None where there is no floor.
    """

    value: float = -np.inf
    gate: Gate | None = None

    def marginal(self, rows: Rows, moments: Moments) -> Marginal:
        """Return what is predicted of m rows.

        Parameters
        ----------
        rows
            Are asked of the gate.
        moments
            Mean and variance above the floor, shape (m,) each.
        """
        mean, variance = moments
        below = np.zeros(len(mean)) if self.gate is None else 1 - rows.ask(self.gate)
        return Marginal(self.value, below, mean, np.sqrt(variance))


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
