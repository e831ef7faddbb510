"""Noise of labels that is known: the standard deviation of each, from the scatter of replicates or as a laboratory states it.

A label is the truth and noise of a known variance, beside what a model learns itself of how far truths scatter about what
features tell. Models are of the truth: a predicted standard deviation holds no noise of a measurement that was known, and
labels are compared with predictions by the sum of both variances. Where nothing is known the functions return None, and
everything is computed as it is without noise, to the last bit.
"""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalyst_assets.learning.uncertainty.couplings import Coupling

_N_HALVINGS: Final = 60


def known_noise(noise: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
    """Return standard deviations with 0 where none is known (NaN), or None where that is everywhere."""
    if noise is None:
        return None
    filled = np.nan_to_num(noise, nan=0.0)
    return filled if filled.any() else None


def take_noise(noise: NDArray[np.float64] | None, rows: Any) -> NDArray[np.float64] | None:
    """Return the noise of some rows, or of what else an index of NumPy names; None where none is known of them."""
    return None if noise is None else known_noise(noise[rows])


def truth_share(variance: NDArray[np.float64], noise: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much of what a label tells is the truth: its variance over that and the noise's, between 0 and 1.

    Parameters
    ----------
    variance
        Shape (n,): of what is not known of the truth.
    noise
        Shape (n,): standard deviation of the label.
    """
    return np.asarray(variance / np.maximum(variance + noise**2, np.finfo(float).tiny))


def truth_moments(labels: NDArray[np.float64], noise: NDArray[np.float64] | None) -> tuple[float, float]:
    """Return mean and standard deviation of the truths that noisy labels are of.

    Labels weigh by their precision, with the variance between truths by which the weighted squares are what they
    should be (Paule and Mandel, J. Res. Natl. Bur. Stand. 87, 377 (1982)).

    Parameters
    ----------
    labels
        Shape (n,), at least one, no NaN.
    noise
        Shape (n,), or None.
    """
    mean, std = float(labels.mean()), float(labels.std())
    if noise is None:
        return mean, std

    def weigh(between: float) -> tuple[float, float]:
        weights = 1 / np.maximum(between + noise**2, smallest)
        center = float((weights * labels).sum() / weights.sum())
        return center, float((weights * (labels - center) ** 2).sum())

    smallest = max(1e-12 * std**2, np.finfo(float).tiny)
    low, high = 0.0, len(labels) * std**2
    for _ in range(_N_HALVINGS):
        middle = (low + high) / 2
        # Too large a sum of squares: the truths scatter more.
        low, high = (middle, high) if weigh(middle)[1] > len(labels) else (low, middle)
    return weigh(high)[0], float(np.sqrt(high))


def noise_apart(
    noise: NDArray[np.float64] | None, couplings: "Sequence[Coupling]"
) -> NDArray[np.float64] | None:
    """Return the noise of remainders in the place of that of the children's values, shape (n, p): variances add."""
    if noise is None:
        return None
    apart = noise.copy()
    for coupling in couplings:
        apart[:, coupling.child] = np.hypot(
            noise[:, coupling.child], coupling.slope * noise[:, coupling.parent]
        )
    return apart
