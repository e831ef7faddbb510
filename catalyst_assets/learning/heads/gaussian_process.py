"""Gaussian-process regression on cached features (Rasmussen and Williams, 2006).

BoTorch fits the hyperparameters on a random part of many rows; all rows then condition the posterior, which is
evaluated in chunks. The kernel is a linear one plus a Matérn one, with a length scale for each block of
features, so that a block that says nothing is switched off as a whole; above ``RELEVANCE_FROM`` rows there is one
for each feature, fitted on more rows (``relevance_kernel``). Leave-group-out predictions come in
closed form from the inverse of the kernel matrix (eq. 5.12 there, for blocks).
"""

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.learning.heads.marginal_likelihood import fit_by_marginal_likelihood
from catalyst_assets.learning.heads.relevance_kernel import RelevanceKernel, fit_relevance_kernel

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

FIT_ROWS = 300
RELEVANCE_FROM = 3000
RELEVANCE_ROWS = 1000
RELEVANCE_STEPS = 30
CHUNK = 2048
_JITTER = 1e-8
_CLIP = 5.0


@dataclass(frozen=True)
class GaussianProcess:
    """A posterior, ready to predict.

    Attributes
    ----------
    rows
        Shape (n, f): standardised features of the training rows.
    target
        Shape (n,): standardised target.
    blocks
        Columns of each block of features.
    center, scale
        Shape (f,): what standardises features.
    hyperparameters
        ``length_scale`` for each block, ``matern``, ``linear`` and ``noise`` variances.
    target_center, target_scale
        What standardises the target.
    curve
        Negative log marginal likelihood per datum during the fit.
    relevance
        The kernel where it has a length scale for each feature of ``blocks``; it then replaces all of
        ``hyperparameters`` but ``noise``.
    """

    rows: NDArray[np.float64]
    target: NDArray[np.float64]
    blocks: tuple[NDArray[np.int64], ...]
    center: NDArray[np.float64]
    scale: NDArray[np.float64]
    hyperparameters: dict[str, Any]
    target_center: float
    target_scale: float
    curve: tuple[float, ...] = ()
    relevance: RelevanceKernel | None = None
    _cache: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def predict(self, features: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return mean and variance (measurement noise included), each of shape (n_rows,), in the target's unit."""
        import torch

        factor, weights = self._factor()
        mean = np.empty(len(features))
        variance = np.empty(len(features))
        rows = torch.from_numpy(self.rows)
        for start in range(0, len(features), CHUNK):
            chunk = torch.from_numpy(standardize(features[start : start + CHUNK], self.center, self.scale))
            cross = self._kernel(rows, chunk)
            solved = torch.linalg.solve_triangular(factor, cross, upper=False)
            spread = self._diagonal(chunk) + self.hyperparameters["noise"] - (solved**2).sum(0)
            mean[start : start + len(chunk)] = (weights @ cross).numpy()
            variance[start : start + len(chunk)] = spread.clamp_min(1e-10).numpy()
        return mean * self.target_scale + self.target_center, variance * self.target_scale**2

    def leave_groups_out(self, folds: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return mean and variance at each training row as if its whole fold were unknown."""
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
            variance[index] = covariance.diagonal().clamp_min(1e-10).numpy()
        return mean * self.target_scale + self.target_center, variance * self.target_scale**2

    def _factor(self) -> "tuple[torch.Tensor, torch.Tensor]":
        if "factor" not in self._cache:
            import torch

            rows = torch.from_numpy(self.rows)
            covariance = self._kernel(rows, rows) if self.relevance is None else self._by_chunks(rows)
            covariance.diagonal().add_(self.hyperparameters["noise"] + _JITTER)
            factor = torch.linalg.cholesky(covariance)
            target = torch.from_numpy(self.target)[:, None]
            self._cache["factor"] = factor
            self._cache["weights"] = torch.cholesky_solve(target, factor)[:, 0]
        return self._cache["factor"], self._cache["weights"]

    def _by_chunks(self, rows: "torch.Tensor") -> "torch.Tensor":
        """Return the covariance of rows, without more memory than it takes itself."""
        import torch

        covariance: torch.Tensor = torch.empty(len(rows), len(rows), dtype=rows.dtype)
        for start in range(0, len(rows), CHUNK):
            covariance[start : start + CHUNK] = self._kernel(rows[start : start + CHUNK], rows)
        return covariance

    def _kernel(self, left: "torch.Tensor", right: "torch.Tensor") -> "torch.Tensor":
        import torch

        if self.relevance is not None:
            used = torch.from_numpy(self.blocks[0])
            return self.relevance.values(left[:, used], right[:, used])
        matern = float(self.hyperparameters["matern"])
        result = torch.full((len(left), len(right)), matern, dtype=left.dtype)
        total = torch.zeros_like(result)
        for columns, length in zip(self.blocks, self.hyperparameters["length_scale"], strict=True):
            index = torch.from_numpy(columns)
            distance = torch.cdist(left[:, index], right[:, index]).mul_(math.sqrt(3) / length)
            total += distance
            result *= distance.add_(1)
        result *= total.neg_().exp_()
        return result.addmm_(left, right.T, alpha=float(self.hyperparameters["linear"]))

    def _diagonal(self, rows: "torch.Tensor") -> "torch.Tensor":
        import torch

        if self.relevance is not None:
            return self.relevance.diagonal(rows[:, torch.from_numpy(self.blocks[0])])
        matern, linear = float(self.hyperparameters["matern"]), float(self.hyperparameters["linear"])
        return matern + linear * (rows**2).sum(1)


def standardize(
    features: NDArray[np.floating], center: NDArray[np.float64], scale: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return features in units of the training rows' spread, far ones clipped."""
    return np.asarray(np.clip((features.astype(np.float64) - center) / scale, -_CLIP, _CLIP))


def scale_of(features: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each feature's mean and standard deviation, the latter infinite where a feature does not vary."""
    center = features.mean(0, dtype=np.float64)
    spread = features.std(0, dtype=np.float64)
    return center, np.where(spread > 1e-6 * (1 + np.abs(center)), spread, np.inf)


def fit_gaussian_process(
    features: NDArray[np.float32],
    target: NDArray[np.float64],
    blocks: "Sequence[NDArray[np.int64]]",
    seed: int,
    max_steps: int = 60,
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
    """
    rng = np.random.default_rng(seed)
    center, scale = scale_of(features)
    rows = standardize(features, center, scale)
    used = tuple(kept for columns in blocks if len(kept := columns[np.isfinite(scale[columns])]))
    if not used:
        used = (np.array([0], dtype=np.int64),)
    target_center, target_scale = float(target.mean()), max(float(target.std()), 1e-9)
    scaled = (target - target_center) / target_scale
    if len(target) > RELEVANCE_FROM:
        columns = np.sort(np.concatenate(used))
        subset = np.sort(rng.permutation(len(target))[:RELEVANCE_ROWS])
        kernel, curve = fit_relevance_kernel(
            rows[np.ix_(subset, columns)], scaled[subset], min(max_steps, RELEVANCE_STEPS)
        )
        only_noise = {"noise": kernel.noise}
        return GaussianProcess(
            rows, scaled, (columns,), center, scale, only_noise, target_center, target_scale, curve, kernel
        )
    subset = np.sort(rng.permutation(len(target))[:FIT_ROWS])
    hyperparameters, curve = _fit_hyperparameters(rows[subset], scaled[subset], used, max_steps)
    return GaussianProcess(
        rows, scaled, used, center, scale, hyperparameters, target_center, target_scale, curve
    )


def _fit_hyperparameters(
    rows: NDArray[np.float64],
    target: NDArray[np.float64],
    blocks: "Sequence[NDArray[np.int64]]",
    max_steps: int,
) -> tuple[dict[str, Any], tuple[float, ...]]:
    import torch

    kernel = _tabulated_kernel(torch.from_numpy(rows), [torch.from_numpy(columns) for columns in blocks])
    numbers = torch.arange(len(rows), dtype=torch.float64)[:, None]
    noise, curve = fit_by_marginal_likelihood(kernel, numbers, target, max_steps)
    return {
        "length_scale": torch.exp(kernel.log_length.detach()).tolist(),
        "matern": math.exp(kernel.log_variance[0].item()),
        "linear": math.exp(kernel.log_variance[1].item()),
        "noise": noise,
    }, curve


def _tabulated_kernel(rows: "torch.Tensor", blocks: "Sequence[torch.Tensor]") -> Any:
    """Return the kernel as a function of row numbers: only length scales change, so distances are kept."""
    import torch
    from gpytorch.kernels import Kernel
    from gpytorch.priors import NormalPrior

    n_columns = sum(len(columns) for columns in blocks)
    # Distances grow with the root of the dimension: Hvarfner et al., ICML 2024, arXiv:2402.02229.
    typical = torch.tensor([math.log(2 * math.sqrt(len(columns) * len(blocks))) for columns in blocks])

    class TabulatedKernel(Kernel):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.distances = [math.sqrt(3) * torch.cdist(rows[:, c], rows[:, c]) for c in blocks]
            self.products = rows @ rows.T
            self.register_parameter("log_length", torch.nn.Parameter(typical.double()))
            start = torch.tensor([0.0, math.log(0.3 / n_columns)], dtype=torch.float64)
            self.register_parameter("log_variance", torch.nn.Parameter(start.clone()))
            spread = torch.tensor([1.0, 1.5], dtype=torch.float64)
            self.register_prior(
                "length_prior", NormalPrior(typical.double(), torch.ones_like(typical).double()), "log_length"
            )
            self.register_prior("variance_prior", NormalPrior(start, spread), "log_variance")

        def forward(self, x1: torch.Tensor, x2: torch.Tensor, diag: bool = False, **_: Any) -> torch.Tensor:
            left, right = x1[..., 0].long(), x2[..., 0].long()
            every = torch.arange(len(rows))
            whole = not diag and torch.equal(left, every) and torch.equal(right, every)
            pick = (left, right) if diag else (left[..., :, None], right[..., None, :])
            smooth, total = torch.exp(self.log_variance[0]), torch.zeros(())
            for table, log_length in zip(self.distances, self.log_length, strict=True):
                distance = (table if whole else table[pick]) * torch.exp(-log_length)
                total = total + distance
                smooth = smooth * (1 + distance)
            products = self.products if whole else self.products[pick]
            return smooth * torch.exp(-total) + torch.exp(self.log_variance[1]) * products

    return TabulatedKernel()
