"""The model of one property: a gate for its floor, a Gaussian process and trees for its value.

Smooth trends are the process's strength and abrupt ones the trees', so both predict and a weight, chosen on
held-out groups, mixes them. Every member is fitted without one fold of groups, and judged on that fold: the
held-out predictions that calibrate the model cost nothing beyond it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtr

from catalyst_assets.learning.forests import (
    Forest,
    fit_boosted_classifier,
    fit_classification_forest,
    fit_regression_forest,
)
from catalyst_assets.learning.gaussian_process import GaussianProcess, fit_gaussian_process
from catalyst_assets.learning.marginals import Marginal

FEWEST_LABELS: Final = 5
_WEIGHTS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
_SCALES: Final = tuple(float(scale) for scale in np.geomspace(0.4, 2.5, 25))


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
    """

    n_folds: int = 5
    n_trees: int = 100
    n_boosted: int = 80
    gp_steps: int = 60
    seed: int = 0


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
class PropertyModel:
    """Everything that predicts one property.

    Attributes
    ----------
    floor
        Shared lowest value, or minus infinity.
    gate
        Chance to be above the floor; None where there is no floor.
    process, forests
        Mean and variance above the floor; None and empty with very few labels there.
    process_weight
        Share of the process in the mixture.
    spread_scale
        What the standard deviation is multiplied by to be calibrated.
    prior_center, prior_spread
        What is predicted above the floor with very few labels there.
    """

    floor: float
    gate: Gate | None
    process: GaussianProcess | None
    forests: tuple[Forest, ...]
    process_weight: float
    spread_scale: float
    prior_center: float
    prior_spread: float

    def predict(self, features: NDArray[np.float32], above: NDArray[np.float64] | None = None) -> Marginal:
        """Predict each row; ``above`` is what the gate says of them, where that is known already."""
        if self.gate is None:
            above = np.ones(len(features))
        elif above is None:
            above = self.gate.predict(features)
        if self.process is None:
            center = np.full(len(features), self.prior_center)
            variance = np.full(len(features), self.prior_spread**2)
        else:
            by_tree = [forest.moments(features) for forest in self.forests]
            trees = _pool([mean for mean, _ in by_tree], [variance for _, variance in by_tree])
            center, variance = _mix(self.process.predict(features), trees, self.process_weight)
        return Marginal(self.floor, 1 - above, center, np.sqrt(variance) * self.spread_scale)


def find_floor(target: NDArray[np.float64]) -> float:
    """Return the lowest value if enough labels share it, else minus infinity."""
    lowest = float(target.min())
    shared = int((target == lowest).sum())
    return lowest if shared >= max(3, 0.05 * len(target)) else -np.inf


def fit_property(
    features: NDArray[np.float32],
    target: NDArray[np.float64],
    folds: NDArray[np.int64],
    blocks: list[NDArray[np.int64]],
    prior: tuple[float, float],
    settings: HeadSettings,
    gates: dict[bytes, tuple[Gate, NDArray[np.float64]]],
) -> tuple[PropertyModel, Marginal]:
    """Fit one property.

    Parameters
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
    gates
        Gates fitted already; properties that share their floor pattern share the gate.

    Returns
    -------
    The model, and its held-out predictions of the n rows.
    """
    floor = find_floor(target)
    above = target > floor
    gate, chance = None, np.ones(len(target))
    if np.isfinite(floor):
        key = above.tobytes() + folds.tobytes()
        if key not in gates:
            gates[key] = _fit_gate(features, above, folds, settings)
        gate, chance = gates[key]
    if above.sum() < FEWEST_LABELS:
        guess, spread = _shrunken(target[above], prior)
        model = PropertyModel(floor, gate, None, (), 0.0, 1.0, guess, spread)
        held_out = Marginal(floor, 1 - chance, np.full(len(target), guess), np.full(len(target), spread))
        return model, held_out
    process = fit_gaussian_process(features[above], target[above], blocks, settings.seed, settings.gp_steps)
    by_process = [np.array(part) for part in process.predict(features)]
    for part, held in zip(by_process, process.leave_groups_out(folds[above]), strict=True):
        part[above] = held
    forests, by_trees = _fit_forests(features, target, above, folds, settings)
    weight, scale = _stack((by_process[0], by_process[1]), by_trees, target, above)
    center, variance = _mix((by_process[0], by_process[1]), by_trees, weight)
    model = PropertyModel(floor, gate, process, forests, weight, scale, *prior)
    return model, Marginal(floor, 1 - chance, center, np.sqrt(variance) * scale)


def _fit_gate(
    features: NDArray[np.float32], above: NDArray[np.bool_], folds: NDArray[np.int64], settings: HeadSettings
) -> tuple[Gate, NDArray[np.float64]]:
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


def _fit_forests(
    features: NDArray[np.float32],
    target: NDArray[np.float64],
    above: NDArray[np.bool_],
    folds: NDArray[np.int64],
    settings: HeadSettings,
) -> tuple[tuple[Forest, ...], tuple[NDArray[np.float64], NDArray[np.float64]]]:
    names = np.unique(folds)
    trees = max(2, settings.n_trees // len(names))
    forests = []
    mean, variance = np.empty(len(target)), np.empty(len(target))
    for number, fold in enumerate(names):
        kept = above & (folds != fold)
        if kept.sum() < 2:
            kept = above
        forest = fit_regression_forest(features[kept], target[kept], trees, settings.seed * 1000 + number)
        forests.append(forest)
        out = folds == fold
        mean[out], variance[out] = forest.moments(features[out])
    return tuple(forests), (mean, np.maximum(variance, _least_variance(target[above])))


def _least_variance(target: NDArray[np.float64]) -> float:
    return max(1e-4 * float(target.var()), 1e-10)


def _pool(
    means: list[NDArray[np.float64]], variances: list[NDArray[np.float64]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.mean(means, axis=0), np.mean(variances, axis=0) + np.var(means, axis=0)


def _mix(
    first: tuple[NDArray[np.float64], NDArray[np.float64]],
    second: tuple[NDArray[np.float64], NDArray[np.float64]],
    weight: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    mean = weight * first[0] + (1 - weight) * second[0]
    gap = first[0] - second[0]
    return mean, weight * first[1] + (1 - weight) * second[1] + weight * (1 - weight) * gap**2


def _stack(
    by_process: tuple[NDArray[np.float64], NDArray[np.float64]],
    by_trees: tuple[NDArray[np.float64], NDArray[np.float64]],
    target: NDArray[np.float64],
    above: NDArray[np.bool_],
) -> tuple[float, float]:
    """Choose the mixture and the scale of its spread with the least continuous ranked probability score.

    Gneiting and Raftery, J. Am. Stat. Assoc. 102, 359 (2007), eq. 21 (normal). An even mixture left as it is
    counts as ten labels, so that few labels do not decide.
    """
    best = (np.inf, 0.5, 1.0)
    n = int(above.sum())
    for weight in _WEIGHTS:
        center, variance = _mix(by_process, by_trees, weight)
        spread = np.sqrt(variance[above])
        error = target[above] - center[above]
        for scale in _SCALES:
            score = float(np.mean(_crps(error, spread * scale)))
            penalty = 10 / n * 0.02 * (abs(weight - 0.5) + abs(np.log(scale))) * float(np.abs(error).mean())
            best = min(best, (score + penalty, weight, scale))
    return best[1], best[2]


def _crps(error: NDArray[np.float64], spread: NDArray[np.float64]) -> NDArray[np.float64]:
    z = error / spread
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    return np.asarray(spread * (z * (2 * ndtr(z) - 1) + 2 * density - 1 / np.sqrt(np.pi)))


def _shrunken(values: NDArray[np.float64], prior: tuple[float, float]) -> tuple[float, float]:
    """Combine very few values with the prior, which counts as two."""
    n, (mean, std) = len(values), prior
    center = (2 * mean + float(values.sum())) / (2 + n)
    squares = 2 * std**2 + float(((values - center) ** 2).sum())
    return center, float(np.sqrt(squares / (2 + n)) * np.sqrt(1 + 1 / (2 + n)))
