"""A deep ensemble: networks that predict mean and variance of all properties at once, and agree where they know.

Lakshminarayanan et al., NeurIPS 2017 (arXiv:1612.01474). Each member leaves one fold of groups out, which gives
the held-out predictions that calibrate the ensemble. The chance of a floor is the gate's, as for every head.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.learning.heads.batched_networks import (
    Layer,
    TrainingData,
    forward,
    initial_layers,
    train_networks,
)
from catalyst_assets.learning.heads.floors import Floor, Rows
from catalyst_assets.learning.heads.property_model import FEWEST_FOR_A_HEAD, Fit, Task
from catalyst_assets.learning.heads.scaling import Scaling
from catalyst_assets.learning.heads.settings import HeadSettings
from catalyst_assets.learning.heads.stacked import expect_unknown, fit_constant
from catalyst_assets.learning.uncertainty.calibration import fit_mixture
from catalyst_assets.learning.uncertainty.label_noise import known_noise, take_noise
from catalyst_assets.learning.uncertainty.marginals import Marginal, Moments

if TYPE_CHECKING:
    from collections.abc import Mapping

_BATCH: Final = 128
_EPOCHS: Final = 60
_FEWEST_STEPS, _MOST_STEPS = 500, 6000
_WIDTH: Final = 128
_DEEPER_FROM: Final = 1000
_LARGEST_WEIGHT: Final = 10.0
# Networks that fit few labels exactly believe their noise to be that small.
_LARGEST_SCALE: Final = 10.0


@dataclass(frozen=True)
class DeepEnsemble:
    """Trained networks.

    Attributes
    ----------
    layers
        Of every member.
    left_out
        Shape (n_members,): the fold each member was trained without.
    scaling
        Of f features and p targets.
    """

    layers: tuple[Layer, ...]
    left_out: NDArray[np.int64]
    scaling: Scaling
    _cache: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def predict(self, features: NDArray[np.float32], fold: int | None = None) -> Moments:
        """Return mean and variance of every property, shape (m, p) each.

        Parameters
        ----------
        features
            Shape (m, f).
        fold
            Ask only the members that were trained without it.
        """
        import torch

        if "parameters" not in self._cache:
            # In double precision a prediction does not depend on which rows share its chunk.
            self._cache["parameters"] = [
                (torch.tensor(layer.weight).double(), torch.tensor(layer.bias).double())
                for layer in self.layers
            ]
        members = np.arange(len(self.left_out)) if fold is None else np.flatnonzero(self.left_out == fold)
        chosen = torch.from_numpy(members)
        parameters = [(weight[chosen], bias[chosen]) for weight, bias in self._cache["parameters"]]
        # Unbiased, so that the few members asked of a held-out fold disagree as much as all of them.
        correction = min(1, len(members) - 1)

        def pooled(rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            centers, log_variances = forward(rows.expand(len(members), -1, -1), parameters)
            return centers.mean(0), torch.exp(log_variances).mean(0) + centers.var(0, correction=correction)

        return self.scaling.predict(features, pooled)


@dataclass(frozen=True)
class EnsembleModel:
    """What an ensemble says of one property.

    Attributes
    ----------
    floor
        Of the property.
    ensemble
        Shared by the properties.
    column
        The property's place among those of the ensemble.
    """

    floor: Floor
    ensemble: DeepEnsemble
    column: int

    def predict(self, rows: Rows) -> Marginal:
        """Predict each row."""
        mean, variance = (part[:, self.column] for part in rows.ask(self.ensemble))
        return self.floor.marginal(rows, (mean, variance))


def fit_deep_ensembles(
    features: NDArray[np.float32],
    folds: NDArray[np.int64],
    tasks: "Mapping[int, tuple[NDArray[np.int64], Task]]",
    settings: HeadSettings,
) -> dict[int, Fit]:
    """Fit one ensemble to all properties.

    Parameters
    ----------
    features
        Shape (n, f).
    folds
        Shape (n,): fold of each row.
    tasks
        By the number of each property: the rows its labels are of, and the task.
    settings
        Size and seed.
    """
    fits = {
        number: fit_constant(task)
        for number, (_, task) in tasks.items()
        if task.above.sum() < FEWEST_FOR_A_HEAD
    }
    learned = [number for number in tasks if number not in fits]
    if not learned:
        return fits
    targets = np.full((len(features), len(learned)), np.nan)
    noise = np.zeros(targets.shape)
    for column, number in enumerate(learned):
        rows, task = tasks[number]
        targets[rows[task.above], column] = task.target[task.above]
        if task.noise is not None:
            noise[rows[task.above], column] = task.noise[task.above]
    ensemble, curve = train_deep_ensemble(features, targets, folds, settings, known_noise(noise))
    mean, variance = np.empty(targets.shape), np.empty(targets.shape)
    for fold in np.unique(folds):
        out = folds == fold
        # Where networks leave nothing of a fold out, those of all folds know it as little.
        asked = int(fold) if (ensemble.left_out == fold).any() else None
        mean[out], variance[out] = ensemble.predict(features[out], asked)
    for column, number in enumerate(learned):
        rows, task = tasks[number]
        held = expect_unknown(task, (mean[rows, column], variance[rows, column]))
        _, scale, score = fit_mixture({1.0: held}, task.target, task.above, _LARGEST_SCALE, task.noise)
        fits[number] = Fit(
            EnsembleModel(task.floor, ensemble, column),
            task.marginal(held, scale),
            score,
            scale,
            {"negative_log_likelihood": curve},
        )
    return fits


def train_deep_ensemble(
    features: NDArray[np.float32],
    targets: NDArray[np.float64],
    folds: NDArray[np.int64],
    settings: HeadSettings,
    noise: NDArray[np.float64] | None = None,
) -> tuple[DeepEnsemble, tuple[float, ...]]:
    """Train the networks.

    Parameters
    ----------
    features
        Shape (n, f).
    targets
        Shape (n, p), NaN where not known; each property at least two values.
    folds
        Shape (n,): fold of each row.
    settings
        ``n_networks`` members leave out each fold; all follow from ``seed``.
    noise
        Shape (n, p): standard deviations of the targets, 0 where not known; None where none is. The networks' own
        variance comes beside it, and is the truth's.

    Returns
    -------
    The ensemble, and its loss over the course of the training.
    """
    taught = np.isfinite(targets).any(1)
    features, targets, folds = features[taught], targets[taught].astype(np.float64), folds[taught]
    noise = take_noise(noise, taught)
    known = np.isfinite(targets)
    scaling = Scaling.of(features, targets, noise)
    variance = scaling.noise_variance(noise)
    left_out = np.repeat(np.unique(folds), settings.n_networks)
    own = [np.flatnonzero(folds != fold) for fold in left_out]
    own = [rows if len(rows) >= 2 else np.arange(len(folds)) for rows in own]
    n_batch = min(_BATCH, *(len(rows) for rows in own))
    n_steps = int(np.clip(_EPOCHS * len(folds) / n_batch, _FEWEST_STEPS, _MOST_STEPS))
    seeds = [(settings.seed, number) for number in range(len(own))]
    data = TrainingData(
        scaling.rows(features).astype(np.float32),
        np.where(known, scaling.target(targets), 0.0).astype(np.float32),
        known,
        np.minimum(len(folds) / known.sum(0), _LARGEST_WEIGHT).astype(np.float32),
        np.stack(
            [_deal(rows, n_steps, n_batch, seed) for rows, seed in zip(own, seeds, strict=True)], axis=1
        ),
        None if variance is None else variance.astype(np.float32),
    )
    hidden = [_WIDTH] * (1 if len(folds) < _DEEPER_FROM else 2)
    start = initial_layers([features.shape[1], *hidden, 2 * targets.shape[1]], seeds)
    layers, curve = train_networks(start, data)
    return DeepEnsemble(layers, left_out, scaling), curve


def _deal(rows: NDArray[np.int64], n_steps: int, n_batch: int, seed: tuple[int, int]) -> NDArray[np.int64]:
    """Return batches, shape (n_steps, n_batch): every row once before one comes again."""
    rng = np.random.default_rng((*seed, 1))
    needed = n_steps * n_batch
    rounds = [rng.permutation(rows) for _ in range(-(-needed // len(rows)))]
    return np.concatenate(rounds)[:needed].reshape(n_steps, n_batch)
