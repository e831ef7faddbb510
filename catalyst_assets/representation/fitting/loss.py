"""What a network is taught: each known label counts, each property as much as any other.

The mean by a robust loss, the spread by the likelihood of what the mean left (the mean held fixed: see `head`), the
gate by its cross-entropy; mean and spread only above the floor, as in a hurdle model (J. G. Cragg, Econometrica 39,
829 (1971)). Where a label's noise is known it counts for the mean by the share that the truth has in its variance, and for
the spread, which is the truth's, by the likelihood of both.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit, log_ndtr
from torch.nn import functional

from catalyst_assets.representation.fitting.data import FitBatch, TargetScaling
from catalyst_assets.representation.fitting.head import HeadOutput, HurdlePrediction
from catalyst_assets.representation.fitting.settings import FitSettings


@dataclass(frozen=True)
class LossWeights:
    """How much a label of each property counts, shape (p,).

    Attributes
    ----------
    value
        Rows over labels above the floor.
    gate
        Rows over labels; 0 where there is no floor.
    """

    value: torch.Tensor
    gate: torch.Tensor

    @classmethod
    def of(cls, labels: NDArray[np.float64], scaling: TargetScaling) -> "LossWeights":
        """Weigh the labels of the training rows, shape (n, p)."""
        known = np.isfinite(labels)
        above = (known & (labels > scaling.floor)).sum(axis=0)
        has_floor = np.isfinite(scaling.floor)
        return cls(
            torch.from_numpy(len(labels) / np.maximum(above, 1)).float(),
            torch.from_numpy(np.where(has_floor, len(labels) / known.sum(axis=0), 0.0)).float(),
        )


def fit_loss(
    output: HeadOutput, batch: FitBatch, weights: LossWeights, settings: FitSettings
) -> torch.Tensor:
    """Return the loss of a batch; summed over the batches of a pass, each property weighs the same."""
    errors = output.mean - batch.targets
    delta = settings.huber_delta
    robust = functional.huber_loss(errors, torch.zeros_like(errors), reduction="none", delta=delta) / delta
    spread = output.spread
    if batch.variance is not None:
        spread = (output.spread**2 + batch.variance).sqrt()
        robust = robust * (output.spread.detach() / spread.detach()) ** 2
    likelihood = spread.log() + 0.5 * (errors.detach() / spread) ** 2
    value = robust + settings.spread_weight * likelihood
    gate = functional.binary_cross_entropy_with_logits(output.gate, batch.above.float(), reduction="none")
    total = (value * weights.value).where(batch.above, 0.0).sum()
    total = total + settings.gate_weight * (gate * weights.gate).where(batch.known, 0.0).sum()
    return total / batch.targets.numel() * batch.share


def in_units(output: HeadOutput, scaling: TargetScaling) -> tuple[HurdlePrediction, ...]:
    """Return the predictions of each property in its unit."""
    mean, spread, gate = (part.double().cpu().numpy() for part in (output.mean, output.spread, output.gate))
    return tuple(
        HurdlePrediction(
            float(floor),
            expit(-gate[:, column]) if np.isfinite(floor) else np.zeros(len(gate)),
            mean[:, column] * scaling.scale[column] + scaling.center[column],
            spread[:, column] * scaling.scale[column],
        )
        for column, floor in enumerate(scaling.floor)
    )


def validation_metrics(
    predicted: tuple[HurdlePrediction, ...],
    labels: NDArray[np.float64],
    scaling: TargetScaling,
    variance: NDArray[np.float64] | None = None,
) -> dict[str, float]:
    """Judge predictions by labels they were not taught.

    Parameters
    ----------
    predicted
        Of each property.
    labels
        Shape (n, p).
    scaling
        Of the labels.
    variance
        Of the noise that is known of the standardised labels, shape (n, p): by it they weigh; None where none is.

    Returns
    -------
    dict
        ``mean_absolute_error/<property>`` in its unit, ``negative_log_likelihood/<property>`` of what is above the
        floor in standard deviations, and ``validation_error``: the mean of the errors in standard deviations.
    """
    metrics: dict[str, float] = {}
    errors = []
    for column, (name, prediction) in enumerate(zip(scaling.properties, predicted, strict=True)):
        known = np.isfinite(labels[:, column])
        if not known.any():
            continue
        target = labels[known, column]
        noise = np.zeros(len(target)) if variance is None else variance[known, column]
        error = float(np.average(np.abs(_expected(prediction)[known] - target), weights=1 / (1 + noise)))
        metrics[f"mean_absolute_error/{name}"] = error
        errors.append(error / scaling.scale[column])
        above = target > prediction.floor
        if above.any():
            spread = prediction.spread[known][above]
            if variance is not None:
                spread = np.hypot(spread, np.sqrt(noise[above]) * scaling.scale[column])
            z = (target[above] - prediction.center[known][above]) / spread
            likelihood = np.log(spread / scaling.scale[column]) + 0.5 * z**2 + 0.5 * np.log(2 * np.pi)
            metrics[f"negative_log_likelihood/{name}"] = float(likelihood.mean())
    metrics["validation_error"] = float(np.mean(errors)) if errors else float("nan")
    return metrics


def _expected(prediction: HurdlePrediction) -> NDArray[np.float64]:
    """Return the mean of a normal cut at the floor, beside the chance of the floor itself."""
    if not np.isfinite(prediction.floor):
        return prediction.center
    cut = (prediction.floor - prediction.center) / prediction.spread
    hazard = np.exp(-0.5 * cut**2 - 0.5 * np.log(2 * np.pi) - log_ndtr(-cut))
    above = prediction.center + prediction.spread * hazard
    return np.asarray(
        prediction.floor_probability * prediction.floor + (1 - prediction.floor_probability) * above
    )
