"""Gaussian-process regression through inducing points, for more labels than an exact one can hold.

The collapsed variational bound's posterior (Titsias, AISTATS 2009) in closed form, with the kernel fitted on a
random part of the rows. Rows enter through sums over them: what a fold adds is taken away again to predict it as
if it were unknown, and memory does not grow with the rows.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.learning.heads.gaussian_process import (
    RELEVANCE_ROWS,
    RELEVANCE_STEPS,
    GaussianProcess,
    fit_gaussian_process,
    varying_blocks,
)
from catalyst_assets.learning.heads.kernel import MaternKernel, fit_feature_kernel
from catalyst_assets.learning.heads.scaling import CHUNK, Scaling
from catalyst_assets.learning.heads.settings import HeadSettings
from catalyst_assets.learning.uncertainty.label_noise import take_noise
from catalyst_assets.learning.uncertainty.marginals import Moments

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

MOST_EXACT_ROWS: Final = 8000
_JITTER: Final = 1e-6


@dataclass(frozen=True)
class SparseProcess:
    """A posterior, ready to predict.

    Attributes
    ----------
    inducing
        Shape (u, d): standardised features of the inducing points.
    precision_factor
        Shape (u, u): lower Cholesky factor of the whitened posterior precision.
    weights
        Shape (u,): whitened posterior mean.
    columns
        The d features used.
    kernel, scaling
        Of the d features.
    curve
        Negative log marginal likelihood per datum during the fit.
    """

    inducing: NDArray[np.float64]
    precision_factor: NDArray[np.float64]
    weights: NDArray[np.float64]
    columns: NDArray[np.int64]
    kernel: MaternKernel
    scaling: Scaling
    curve: tuple[float, ...] = ()
    _cache: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def predict(self, features: NDArray[np.float32]) -> Moments:
        """Return mean and variance of the truth, each of shape (n_rows,), in the target's unit.

        What the kernel calls noise is part of the variance, noise known of measurements is not.
        """
        import torch

        if "whitened" not in self._cache:
            self._cache["whitened"] = _Whitened(self.kernel, self.inducing)
        whitened = self._cache["whitened"]
        factor, weights = torch.from_numpy(self.precision_factor), torch.from_numpy(self.weights)
        return self.scaling.predict(
            features[:, self.columns], lambda rows: whitened.posterior(rows, factor, weights)
        )


Process = GaussianProcess | SparseProcess


class _Whitened:
    """Covariances with the inducing points, in the basis in which those are independent."""

    def __init__(self, kernel: MaternKernel, inducing: NDArray[np.float64]) -> None:
        import torch

        self.kernel, self.inducing = kernel, torch.from_numpy(inducing)
        among = kernel.values(self.inducing, self.inducing)
        among.diagonal().add_(_JITTER * kernel.diagonal(self.inducing))
        self.factor = torch.linalg.cholesky(among)

    def __call__(self, rows: "torch.Tensor") -> "torch.Tensor":
        """Return the covariance of inducing points and rows, shape (u, n)."""
        import torch

        among = self.kernel.values(self.inducing, rows)
        white: torch.Tensor = torch.linalg.solve_triangular(self.factor, among, upper=False)
        return white

    def sum_up(
        self, rows: "torch.Tensor", target: "torch.Tensor", variance: "torch.Tensor | None" = None
    ) -> "tuple[torch.Tensor, torch.Tensor]":
        """Return what rows add to the posterior precision, shape (u, u), and to its product with the mean, (u,).

        ``variance`` is that of the noise known of each row, beside the kernel's.
        """
        white = self(rows)
        if variance is not None:
            weighed = white / (self.kernel.noise + variance)
            return weighed @ white.T, weighed @ target
        return white @ white.T / self.kernel.noise, white @ target / self.kernel.noise

    def posterior(
        self, rows: "torch.Tensor", factor: "torch.Tensor", weights: "torch.Tensor"
    ) -> "tuple[torch.Tensor, torch.Tensor]":
        """Return mean and variance of rows, each of shape (n,), in units of the standardised target."""
        import torch

        white = self(rows)
        solved = torch.linalg.solve_triangular(factor, white, upper=False)
        unexplained = (self.kernel.diagonal(rows) - (white**2).sum(0)).clamp_min(0.0)
        return weights @ white, unexplained + (solved**2).sum(0) + self.kernel.noise


def fit_process(
    features: NDArray[np.float32],
    target: NDArray[np.float64],
    folds: NDArray[np.int64],
    blocks: "Sequence[NDArray[np.int64]]",
    settings: HeadSettings,
    like: Process | None = None,
    noise: NDArray[np.float64] | None = None,
) -> tuple[Process, Moments]:
    """Fit an exact process, or above ``MOST_EXACT_ROWS`` rows a sparse one.

    Parameters
    ----------
    like
        A process whose kernel and scaling are kept: it is conditioned on the rows; one of the other kind is not.
    noise
        Shape (n,): standard deviation of each observation; None where none is known.

    Returns
    -------
    The process, and its mean and variance of the truth at each row as if the row's whole fold were unknown.
    """
    if len(target) > MOST_EXACT_ROWS:
        kept = like if isinstance(like, SparseProcess) else None
        return fit_sparse_process(features, target, folds, blocks, settings, kept, noise)
    if isinstance(like, GaussianProcess):
        exact = like.condition(features, target, noise)
    else:
        exact = fit_gaussian_process(features, target, blocks, settings.seed, settings.gp_steps, noise)
    return exact, exact.leave_groups_out(folds)


def fit_sparse_process(
    features: NDArray[np.float32],
    target: NDArray[np.float64],
    folds: NDArray[np.int64],
    blocks: "Sequence[NDArray[np.int64]]",
    settings: HeadSettings,
    like: SparseProcess | None = None,
    noise: NDArray[np.float64] | None = None,
) -> tuple[SparseProcess, Moments]:
    """Fit a sparse process.

    Parameters
    ----------
    features
        Shape (n, f).
    target
        Shape (n,), at least two values.
    folds
        Shape (n,): fold of each row.
    blocks
        Columns of each block of features; features of none are not used.
    settings
        Its ``seed`` chooses the rows that hyperparameters are fitted on and the inducing points.
    like
        A process whose kernel, scaling and inducing points are kept.
    noise
        Shape (n,): standard deviation of each observation; None where none is known.

    Returns
    -------
    The process, and its mean and variance of the truth at each row as if the row's whole fold were unknown.
    """
    import torch

    if like is None:
        whole = Scaling.of(features, target, noise)
        columns = np.sort(np.concatenate(varying_blocks(blocks, whole)))
        scaling = whole.take(columns)
    else:
        columns, scaling = like.columns, like.scaling
    scaled = torch.from_numpy(scaling.target(target))
    variance = scaling.noise_variance(noise)

    def rows(index: NDArray[np.int64]) -> "torch.Tensor":
        return torch.from_numpy(scaling.rows(features[np.ix_(index, columns)]))

    if like is None:
        order = np.random.default_rng(settings.seed).permutation(len(target))
        subset, every = np.sort(order[:RELEVANCE_ROWS]), np.arange(len(columns))
        kernel, curve = fit_feature_kernel(
            rows(subset).numpy(),
            scaled[subset].numpy(),
            every,
            min(settings.gp_steps, RELEVANCE_STEPS),
            take_noise(variance, subset),
        )
        # Rows at random: measured, they represent hundreds of features as well as the greedy choice by variance
        # (Burt et al., JMLR 21, 131 (2020)), which prefers outliers.
        inducing = rows(np.sort(order[: settings.n_inducing])).numpy()
    else:
        kernel, inducing, curve = like.kernel, like.inducing, ()
    whitened = _Whitened(kernel, inducing)
    parts = [_chunks(np.flatnonzero(folds == fold)) for fold in np.unique(folds)]
    blur = None if variance is None else torch.from_numpy(variance)
    sums = [
        _add(
            [
                whitened.sum_up(rows(chunk), scaled[chunk], None if blur is None else blur[chunk])
                for chunk in part
            ]
        )
        for part in parts
    ]
    precision, shift = _add(sums)
    mean, variance = np.empty(len(target)), np.empty(len(target))
    for part, (own_precision, own_shift) in zip(parts, sums, strict=True):
        factor, weights = _solve(precision - own_precision, shift - own_shift)
        for chunk in part:
            moments = whitened.posterior(rows(chunk), factor, weights)
            mean[chunk], variance[chunk] = (moment.numpy() for moment in moments)
    factor, weights = _solve(precision, shift)
    # By rows, as a file holds it: by columns the same numbers would be added up in another order.
    by_rows = np.ascontiguousarray(factor.numpy())
    process = SparseProcess(inducing, by_rows, weights.numpy(), columns, kernel, scaling, curve)
    return process, scaling.in_units((mean, variance))


def _chunks(index: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return [index[start : start + CHUNK] for start in range(0, len(index), CHUNK)]


def _add(sums: "Sequence[tuple[torch.Tensor, torch.Tensor]]") -> "tuple[torch.Tensor, torch.Tensor]":
    precision, shift = sums[0]
    for more_precision, more_shift in sums[1:]:
        precision, shift = precision + more_precision, shift + more_shift
    return precision, shift


def _solve(precision: "torch.Tensor", shift: "torch.Tensor") -> "tuple[torch.Tensor, torch.Tensor]":
    """Add the prior's precision; return the whitened posterior's precision factor and mean."""
    import torch

    factor = torch.linalg.cholesky(precision + torch.eye(len(shift), dtype=shift.dtype))
    return factor, torch.cholesky_solve(shift[:, None], factor)[:, 0]
