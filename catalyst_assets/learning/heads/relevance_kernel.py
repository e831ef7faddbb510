"""A kernel with a length scale for each feature (automatic relevance determination), fitted by BoTorch.

With thousands of rows, a scale for each feature predicts better than one for each block of them.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.learning.heads.marginal_likelihood import fit_by_marginal_likelihood

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class RelevanceKernel:
    """A Matérn 3/2 kernel plus a linear one, and the noise of observations.

    Attributes
    ----------
    length_scale
        Shape (d,).
    matern, linear, noise
        Variances.
    """

    length_scale: NDArray[np.float64]
    matern: float
    linear: float
    noise: float

    def values(self, left: "torch.Tensor", right: "torch.Tensor") -> "torch.Tensor":
        """Return the covariance of rows, shape (n_left, n_right)."""
        import torch

        scale = torch.from_numpy(self.length_scale)
        distance = torch.cdist(left / scale, right / scale) * math.sqrt(3)
        return self.matern * (1 + distance) * torch.exp(-distance) + self.linear * (left @ right.T)

    def diagonal(self, rows: "torch.Tensor") -> "torch.Tensor":
        """Return the prior variance of rows, shape (n,)."""
        return self.matern + self.linear * (rows**2).sum(1)


def fit_relevance_kernel(
    rows: NDArray[np.float64], target: NDArray[np.float64], max_steps: int
) -> tuple[RelevanceKernel, tuple[float, ...]]:
    """Fit the kernel by marginal likelihood with priors.

    Parameters
    ----------
    rows
        Shape (n, d), standardised.
    target
        Shape (n,), standardised.
    max_steps
        Most steps of L-BFGS.

    Returns
    -------
    The kernel, and the negative log marginal likelihood per datum at each step.
    """
    import torch

    kernel = _build(rows.shape[1])
    noise, curve = fit_by_marginal_likelihood(kernel, torch.from_numpy(rows), target, max_steps)
    return RelevanceKernel(
        torch.exp(kernel.log_length.detach()).numpy(),
        math.exp(kernel.log_variance[0].item()),
        math.exp(kernel.log_variance[1].item()),
        noise,
    ), curve


def _build(n_features: int) -> Any:
    import torch
    from gpytorch.kernels import Kernel
    from gpytorch.priors import NormalPrior

    # Distances grow with the root of the dimension: Hvarfner et al., ICML 2024, arXiv:2402.02229.
    typical = torch.full((n_features,), math.log(2 * math.sqrt(n_features)), dtype=torch.float64)
    start = torch.tensor([0.0, math.log(0.3 / n_features)], dtype=torch.float64)

    class LogScaledKernel(Kernel):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.register_parameter("log_length", torch.nn.Parameter(typical.clone()))
            self.register_parameter("log_variance", torch.nn.Parameter(start.clone()))
            ones = torch.ones_like
            self.register_prior("length_prior", NormalPrior(typical, ones(typical)), "log_length")
            self.register_prior("variance_prior", NormalPrior(start, ones(start)), "log_variance")

        def forward(self, x1: torch.Tensor, x2: torch.Tensor, diag: bool = False, **_: Any) -> torch.Tensor:
            matern, linear = torch.exp(self.log_variance)
            if diag:
                own: torch.Tensor = matern + linear * (x1 * x2).sum(-1)
                return own
            left, right = x1 * torch.exp(-self.log_length), x2 * torch.exp(-self.log_length)
            squares = (left**2).sum(-1)[..., :, None] + (right**2).sum(-1)[..., None, :]
            # Products instead of torch.cdist, whose gradient visits every feature of every pair.
            squares = (squares - 2 * left @ right.mT).clamp_min(1e-12)
            distance = torch.sqrt(3 * squares)
            values: torch.Tensor = matern * (1 + distance) * torch.exp(-distance) + linear * (x1 @ x2.mT)
            return values

    return LogScaledKernel()
