"""A Gaussian process and trees for one property, mixed by a weight; or the process alone.

Smooth trends are the process's strength and abrupt ones the trees', so both predict and a weight, chosen on
held-out groups, mixes them. Every member is fitted without one fold of groups, and judged on that fold: the
held-out predictions that calibrate the model cost nothing beyond it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.learning.heads.floors import Floor, Rows
from catalyst_assets.learning.heads.forests import Forest, fit_regression_forest
from catalyst_assets.learning.heads.property_model import FEWEST_FOR_A_HEAD, Fit, Task, mix, pool
from catalyst_assets.learning.heads.sparse_process import Process, fit_process
from catalyst_assets.learning.uncertainty.calibration import fit_mixture
from catalyst_assets.learning.uncertainty.label_noise import take_noise, truth_share
from catalyst_assets.learning.uncertainty.marginals import Marginal, Moments

_WEIGHTS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
# Labels above the floor that a part of a model is fitted to.
FEWEST_FOR_A_PART: Final = 2


@dataclass(frozen=True)
class StackedModel:
    """Everything that predicts one property.

    Attributes
    ----------
    floor
        Of the property.
    process
        Mean and variance above the floor; None with very few labels there.
    forests
        The same by trees; empty where the process stands alone.
    process_weight
        Share of the process in the mixture.
    prior_center, prior_spread
        What is predicted above the floor with very few labels there.
    """

    floor: Floor
    process: Process | None
    forests: tuple[Forest, ...]
    process_weight: float
    prior_center: float
    prior_spread: float

    def predict(self, rows: Rows) -> Marginal:
        """Predict each row."""
        features = rows.features
        if self.process is None:
            ones = np.ones(len(features))
            moments = (self.prior_center * ones, self.prior_spread**2 * ones)
        else:
            moments = self.process.predict(features)
            if self.forests:
                trees = pool([forest.moments(features) for forest in self.forests])
                moments = mix(moments, trees, self.process_weight)
        return self.floor.marginal(rows, moments)


def prior_model(center: float, spread: float, floor: Floor | None = None) -> StackedModel:
    """Return a model that predicts the same above the floor for every row."""
    return StackedModel(floor or Floor(), None, (), 0.0, center, spread)


def fit_constant(task: Task) -> Fit:
    """Predict what is expected before anything was measured, and the few labels above the floor."""
    guess, spread = _shrunken(task.target[task.above], task.prior, take_noise(task.noise, task.above))
    ones = np.ones(len(task.target))
    held_out = task.marginal((guess * ones, spread**2 * ones))
    return Fit(prior_model(guess, spread, task.floor), held_out, np.inf)


def fit_stacked(task: Task, with_trees: bool = True) -> Fit:
    """Fit a process and, if asked to, trees; the trees' share is chosen on held-out folds."""
    above, target = task.above, task.target
    if above.sum() < FEWEST_FOR_A_HEAD:
        return fit_constant(task)
    process, by_process = task.once("process", lambda: _fit_process(task))
    earlier = task.like if isinstance(task.like, StackedModel) and task.like.process is not None else None
    forests: tuple[Forest, ...] = ()
    by_weight: dict[float, Moments] = {1.0: by_process}
    if with_trees:
        forests, by_trees = _fit_forests(task, by_process)
        weights = _WEIGHTS if earlier is None else (earlier.process_weight,)
        by_weight = {weight: mix(by_process, by_trees, weight) for weight in weights}
    weight, scale, score = fit_mixture(by_weight, target, above, noise=task.noise)
    model = StackedModel(task.floor, process, forests, weight, *task.prior)
    held_out = task.marginal(by_weight[weight], scale)
    return Fit(model, held_out, score, scale, {"negative_log_marginal_likelihood": process.curve})


def _fit_process(task: Task) -> tuple[Process, Moments]:
    """Return a process of the rows above the floor, and its held-out moments of all rows."""
    above = task.above
    earlier = task.like.process if isinstance(task.like, StackedModel) else None
    process, held = fit_process(
        task.features[above],
        task.target[above],
        task.folds[above],
        task.blocks,
        task.settings,
        earlier,
        take_noise(task.noise, above),
    )
    center, variance = np.empty(len(above)), np.empty(len(above))
    if not above.all():
        center, variance = (np.array(part) for part in process.predict(task.features))
    center[above], variance[above] = held
    return process, (center, variance)


def _fit_forests(task: Task, by_process: Moments) -> tuple[tuple[Forest, ...], Moments]:
    """Fit trees; a label weighs by what it adds to what the process knew of it without its fold."""
    features, target, folds = task.features, task.target, task.folds
    above, settings = task.above, task.settings
    names = np.unique(folds)
    trees = max(2, settings.n_trees // len(names))
    weights = None if task.noise is None else truth_share(by_process[1], task.noise)
    forests = []
    mean, variance = np.empty(len(target)), np.empty(len(target))
    for number, fold in enumerate(names):
        kept = above & (folds != fold)
        if kept.sum() < FEWEST_FOR_A_PART:
            kept = above
        forest = fit_regression_forest(
            features[kept],
            target[kept],
            trees,
            settings.seed * 1000 + number,
            None if weights is None else weights[kept],
        )
        forests.append(forest)
        out = folds == fold
        mean[out], variance[out] = forest.moments(features[out])
    held = mean, np.maximum(variance, _least_variance(target[above]))
    return tuple(forests), expect_unknown(task, held)


def expect_unknown(task: Task, held: Moments) -> Moments:
    """Return held-out moments with the prior where the other folds hold too little to learn from.

    What predicts such a fold was fitted to it, and would be judged by what it was shown.
    """
    mean, variance = held
    for fold in np.unique(task.folds):
        out = task.folds == fold
        if (task.above & ~out).sum() < FEWEST_FOR_A_PART:
            mean[out], variance[out] = task.prior[0], task.prior[1] ** 2
    return mean, variance


def _least_variance(target: NDArray[np.float64]) -> float:
    return max(1e-4 * float(target.var()), 1e-10)


def _shrunken(
    values: NDArray[np.float64], prior: tuple[float, float], noise: NDArray[np.float64] | None
) -> tuple[float, float]:
    """Combine very few values with the prior, which counts as two; noisy ones count less than one each."""
    n, (mean, std) = len(values), prior
    if noise is not None:
        shares = truth_share(np.full(n, std**2), noise)
        count = float(shares.sum())
        center = (2 * mean + float((shares * values).sum())) / (2 + count)
        squares = 2 * std**2 + float((shares**2 * (values - center) ** 2).sum())
        return center, float(np.sqrt(squares / (2 + count)) * np.sqrt(1 + 1 / (2 + count)))
    center = (2 * mean + float(values.sum())) / (2 + n)
    squares = 2 * std**2 + float(((values - center) ** 2).sum())
    return center, float(np.sqrt(squares / (2 + n)) * np.sqrt(1 + 1 / (2 + n)))
