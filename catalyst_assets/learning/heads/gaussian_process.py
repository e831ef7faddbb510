"""Gaussian-process regression on cached features (Rasmussen and Williams, 2006).

BoTorch fits the hyperparameters on a random part of many rows (``kernel``); all rows then condition the posterior,
which is evaluated in chunks. Above ``RELEVANCE_FROM`` rows each feature has a length scale of its own, fitted on more
rows. Leave-group-out predictions come in closed form from the inverse of the kernel matrix (eq. 5.12 there, for
blocks); no library has them.
"""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.learning.heads.kernel import MaternKernel, fit_block_kernel, fit_feature_kernel
from catalyst_assets.learning.heads.scaling import CHUNK, Scaling
from catalyst_assets.learning.serialization import OPTIONAL
from catalyst_assets.learning.uncertainty.label_noise import take_noise
from catalyst_assets.learning.uncertainty.marginals import Moments

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

FIT_ROWS: Final = 300
RELEVANCE_FROM = 3000
RELEVANCE_ROWS: Final = 1000
RELEVANCE_STEPS: Final = 30
_JITTER: Final = 1e-8
_LEAST_VARIANCE: Final = 1e-10


@dataclass(frozen=True)
class GaussianProcess:
    """A posterior, ready to predict.

    Attributes
    ----------
    rows
        Shape (n, f): standardised features of the training rows.
    target
        Shape (n,): standardised target.
    kernel
        Of all features.
    scaling
        What standardises.
    curve
        Negative log marginal likelihood per datum during the fit.
    variance
        Shape (n,): of the noise that is known of each standardised target, beside the kernel's; None where none is.
    """

    rows: NDArray[np.float64]
    target: NDArray[np.float64]
    kernel: MaternKernel
    scaling: Scaling
    curve: tuple[float, ...] = ()
    variance: NDArray[np.float64] | None = field(default=None, metadata=OPTIONAL)
    _cache: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def condition(
        self,
        features: NDArray[np.float32],
        target: NDArray[np.float64],
        noise: NDArray[np.float64] | None = None,
    ) -> Self:
        """Return the posterior by the same prior given other observations, of shapes (n, f), (n,) and (n,)."""
        scaling = self.scaling
        return replace(
            self,
            rows=scaling.rows(features),
            target=scaling.target(target),
            curve=(),
            variance=scaling.noise_variance(noise),
            _cache={},
        )

    def predict(self, features: NDArray[np.float32]) -> Moments:
        """Return mean and variance, each of shape (n_rows,), in the target's unit.

        The variance is the truth's: what the kernel calls noise is part of it, noise known of measurements is not.
        """
        import torch

        factor, weights = self._factor()
        rows = torch.from_numpy(self.rows)

        def posterior(chunk: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            cross = self.kernel.values(rows, chunk)
            solved = torch.linalg.solve_triangular(factor, cross, upper=False)
            spread = self.kernel.diagonal(chunk) + self.kernel.noise - (solved**2).sum(0)
            return weights @ cross, spread.clamp_min(_LEAST_VARIANCE)

        return self.scaling.predict(features, posterior)

    def leave_groups_out(self, folds: NDArray[np.int64]) -> Moments:
        """Return mean and variance of the truth at each training row as if its whole fold were unknown."""
        import torch

        factor, _ = self._factor()
        inverse = torch.cholesky_inverse(factor)
        weighted = inverse @ torch.from_numpy(self.target)
        mean = np.empty(len(self.target))
        variance = np.empty(len(self.target))
        for fold in np.unique(folds):
            index = np.flatnonzero(folds == fold)
            members = torch.from_numpy(index)
            covariance = torch.linalg.inv(inverse[members][:, members])
            mean[index] = self.target[index] - (covariance @ weighted[members]).numpy()
            spread = covariance.diagonal()
            if self.variance is not None:
                spread = spread - torch.from_numpy(self.variance)[members]
            variance[index] = spread.clamp_min(_LEAST_VARIANCE).numpy()
        return self.scaling.in_units((mean, variance))

    def _factor(self) -> "tuple[torch.Tensor, torch.Tensor]":
        if "factor" not in self._cache:
            import torch

            rows = torch.from_numpy(self.rows)
            # By chunks, without more memory than the covariance takes itself.
            covariance = torch.empty(len(rows), len(rows), dtype=rows.dtype)
            for start in range(0, len(rows), CHUNK):
                covariance[start : start + CHUNK] = self.kernel.values(rows[start : start + CHUNK], rows)
            covariance.diagonal().add_(self.kernel.noise + _JITTER)
            if self.variance is not None:
                covariance.diagonal().add_(torch.from_numpy(self.variance))
            factor = torch.linalg.cholesky(covariance)
            target = torch.from_numpy(self.target)[:, None]
            self._cache["factor"] = factor
            self._cache["weights"] = torch.cholesky_solve(target, factor)[:, 0]
        return self._cache["factor"], self._cache["weights"]


def fit_gaussian_process(
    features: NDArray[np.float32],
    target: NDArray[np.float64],
    blocks: "Sequence[NDArray[np.int64]]",
    seed: int,
    max_steps: int = 60,
    noise: NDArray[np.float64] | None = None,
) -> GaussianProcess:
    """Fit hyperparameters by marginal likelihood with priors, on a random part of many rows.

    Parameters
    ----------
    features
        Shape (n, f).
    target
        Shape (n,), at least two values.
    blocks
        Columns of each block of features; together they need not be all.
    seed
        Chooses the rows that the hyperparameters are fitted on.
    max_steps
        Most steps of L-BFGS.
    noise
        Shape (n,): standard deviation of each observation; None where none is known.
    """
    scaling = Scaling.of(features, target, noise)
    variance = scaling.noise_variance(noise)
    rows, scaled = scaling.rows(features), scaling.target(target)
    used = varying_blocks(blocks, scaling)
    order = np.random.default_rng(seed).permutation(len(target))
    if len(target) > RELEVANCE_FROM:
        subset = np.sort(order[:RELEVANCE_ROWS])
        columns = np.sort(np.concatenate(used))
        kernel, curve = fit_feature_kernel(
            rows[subset],
            scaled[subset],
            columns,
            min(max_steps, RELEVANCE_STEPS),
            take_noise(variance, subset),
        )
    else:
        subset = np.sort(order[:FIT_ROWS])
        kernel, curve = fit_block_kernel(
            rows[subset], scaled[subset], used, max_steps, take_noise(variance, subset)
        )
    return GaussianProcess(rows, scaled, kernel, scaling, curve, variance)


def varying_blocks(blocks: "Sequence[NDArray[np.int64]]", scaling: Scaling) -> list[NDArray[np.int64]]:
    """Return the features of each block that vary, without empty blocks; the first feature where none does."""
    used = [kept for columns in blocks if len(kept := columns[scaling.varying[columns]])]
    return used or [np.array([0], dtype=np.int64)]
