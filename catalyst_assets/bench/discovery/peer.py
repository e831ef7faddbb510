"""What somebody without the platform would do: scikit-learn's Gaussian process, by expected improvement.

Matérn 5/2 of one length, white noise; within a batch a chosen candidate is taken to have the best value known (the constant
liar of Ginsbourger et al., in Computational Intelligence in Expensive Optimization Problems (2010)).
"""

import warnings
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import norm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def choose_batch(
    features: "NDArray[np.floating]", values: "NDArray[np.float64]", evaluated: "Sequence[int]", size: int
) -> list[int]:
    """Choose what to evaluate next, to make a value small.

    Parameters
    ----------
    features
        Shape (m, f): of the pool.
    values
        Shape (m,): only those of ``evaluated`` are read.
    evaluated
        Rows that are known, at least two.
    size
        How many are wanted.

    Returns
    -------
    Rows, in the order of choice; fewer where the pool ends.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel
    from sklearn.preprocessing import StandardScaler

    varying = np.ptp(features, axis=0) > 0
    rows = StandardScaler().fit_transform(features[:, varying].astype(np.float64))
    known, targets = list(evaluated), [float(values[row]) for row in evaluated]
    kernel = ConstantKernel() * Matern(length_scale=np.sqrt(rows.shape[1]), nu=2.5) + WhiteKernel(0.1)
    process = GaussianProcessRegressor(kernel, normalize_y=True, random_state=0)
    with warnings.catch_warnings():
        # A length or noise at its bound is no news to anybody.
        warnings.simplefilter("ignore", ConvergenceWarning)
        process.fit(rows[known], targets)
    chosen: list[int] = []
    left = np.setdiff1d(np.arange(len(rows)), known)
    best = min(targets)
    for _ in range(min(size, len(left))):
        mean, std = process.predict(rows[left], return_std=True)
        # The improvement is of the truth, not of a noisy measurement.
        noise = process.kernel_.k2.noise_level * float(np.var(targets[: len(evaluated)]))
        std = np.sqrt(np.maximum(std**2 - noise, 1e-12))
        z = (best - mean) / std
        gain = (best - mean) * norm.cdf(z) + std * norm.pdf(z)
        place = int(np.argmax(gain))
        chosen.append(int(left[place]))
        known.append(chosen[-1])
        targets.append(best)
        left = np.delete(left, place)
        process = GaussianProcessRegressor(process.kernel_, optimizer=None, normalize_y=True).fit(
            rows[known], targets
        )
    return chosen
