"""The kernel of every process: Matérn 3/2 kernels of blocks of features, multiplied, plus a linear one.

Where a block has one length scale, a block that says nothing is switched off as a whole; with thousands of rows, a
scale for each feature (automatic relevance determination) predicts better. Length scales and variances are fitted by
BoTorch. GPyTorch's own Matérn kernel would compute again at each step distances of which only the scales change.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.learning.heads.marginal_likelihood import fit_by_marginal_likelihood

if TYPE_CHECKING:
    import torch

    # Of rows and rows, or of rows alone, and the inverse length scales: distances by block, and scalar products.
    Parts = Callable[
        [torch.Tensor, torch.Tensor, bool, torch.Tensor], tuple[Sequence[torch.Tensor], torch.Tensor]
    ]

_ROOT: float = math.sqrt(3)


@dataclass(frozen=True)
class MaternKernel:
    """A kernel, and the noise of observations.

    Attributes
    ----------
    blocks
        Columns of each block of features.
    length_scales
        Of each block: one of all its columns, shape (1,), or one of each.
    matern, linear, noise
        Variances; of the noise, that which is not known of an observation itself.
    """

    blocks: tuple[NDArray[np.int64], ...]
    length_scales: tuple[NDArray[np.float64], ...]
    matern: float
    linear: float
    noise: float

    def values(self, left: "torch.Tensor", right: "torch.Tensor") -> "torch.Tensor":
        """Return the covariance of rows, shape (n_left, n_right)."""
        smooth: torch.Tensor = matern(self.matern, self._distances(left, right))
        return smooth.addmm_(left, right.T, alpha=self.linear)

    def diagonal(self, rows: "torch.Tensor") -> "torch.Tensor":
        """Return the prior variance of rows, shape (n,)."""
        return self.matern + self.linear * (rows**2).sum(1)

    def _distances(self, left: "torch.Tensor", right: "torch.Tensor") -> "Iterator[torch.Tensor]":
        import torch

        for columns, length in zip(self.blocks, self.length_scales, strict=True):
            index, scale = torch.from_numpy(columns), torch.from_numpy(length)
            if len(length) == 1:
                yield torch.cdist(left[:, index], right[:, index]).mul_(_ROOT / float(length[0]))
            else:
                yield torch.cdist(left[:, index] / scale, right[:, index] / scale).mul_(_ROOT)


def matern(variance: Any, distances: Any) -> Any:
    """Return a product of Matérn 3/2 kernels (Rasmussen and Williams, 2006, eq. 4.17).

    Parameters
    ----------
    variance
        Of the product.
    distances
        NumPy or torch arrays of one shape, at least one: distances times the root of three, in length scales.
    """
    smooth: Any = variance
    total: Any = 0.0
    for distance in distances:
        total = total + distance
        smooth = smooth * (1 + distance)
    return smooth * (np.exp(-total) if isinstance(total, np.ndarray) else total.neg().exp())


def typical_length(n_columns: int) -> float:
    """Return the length scale to expect of so many standardised features.

    Distances grow with the root of the dimension: Hvarfner et al., ICML 2024, arXiv:2402.02229.
    """
    return 2 * math.sqrt(n_columns)


def typical_linear(n_columns: int) -> float:
    """Return the variance to expect of the linear kernel of so many standardised features."""
    return 0.3 / n_columns


def fit_block_kernel(
    rows: NDArray[np.float64],
    target: NDArray[np.float64],
    blocks: Sequence[NDArray[np.int64]],
    max_steps: int,
    variance: NDArray[np.float64] | None = None,
) -> tuple[MaternKernel, tuple[float, ...]]:
    """Fit a kernel with a length scale for each block, by marginal likelihood with priors.

    Parameters
    ----------
    rows
        Shape (n, f), standardised.
    target
        Shape (n,), standardised.
    blocks
        Columns of each block.
    max_steps
        Most steps of L-BFGS.
    variance
        Shape (n,): of the noise of each row that is known; None where none is.

    Returns
    -------
    The kernel, whose noise is what comes beside that, and the negative log marginal likelihood per datum at each step.
    """
    import torch

    values = torch.from_numpy(rows)
    # Inputs are row numbers: distances and products are tabulated once.
    parts = _tabulated(values, [torch.from_numpy(columns) for columns in blocks])
    typical = torch.tensor([math.log(typical_length(len(columns) * len(blocks))) for columns in blocks])
    kernel = _trainable(parts, typical, sum(len(columns) for columns in blocks), 1.5)
    numbers = torch.arange(len(rows), dtype=torch.float64)[:, None]
    noise, curve = fit_by_marginal_likelihood(kernel, numbers, target, max_steps, variance)
    return _fitted(kernel, blocks, list(torch.exp(kernel.log_length.detach())[:, None]), noise), curve


def fit_feature_kernel(
    rows: NDArray[np.float64],
    target: NDArray[np.float64],
    columns: NDArray[np.int64],
    max_steps: int,
    variance: NDArray[np.float64] | None = None,
) -> tuple[MaternKernel, tuple[float, ...]]:
    """Fit a kernel with a length scale for each of ``columns``; the rest as for :func:`fit_block_kernel`."""
    import torch

    typical = torch.full((len(columns),), math.log(typical_length(len(columns))), dtype=torch.float64)
    kernel = _trainable(_by_feature, typical, len(columns), 1.0)
    inputs = torch.from_numpy(np.ascontiguousarray(rows[:, columns]))
    noise, curve = fit_by_marginal_likelihood(kernel, inputs, target, max_steps, variance)
    return _fitted(kernel, [columns], [torch.exp(kernel.log_length.detach())], noise), curve


def _fitted(
    kernel: Any, blocks: Sequence[NDArray[np.int64]], lengths: "Sequence[torch.Tensor]", noise: float
) -> MaternKernel:
    smooth, linear = (math.exp(value) for value in kernel.log_variance.tolist())
    return MaternKernel(tuple(blocks), tuple(part.numpy() for part in lengths), smooth, linear, noise)


def _tabulated(rows: "torch.Tensor", blocks: "Sequence[torch.Tensor]") -> "Parts":
    """Return distances and products as functions of row numbers."""
    import torch

    tables = [_ROOT * torch.cdist(rows[:, columns], rows[:, columns]) for columns in blocks]
    products, every = rows @ rows.T, torch.arange(len(rows))

    def parts(
        x1: torch.Tensor, x2: torch.Tensor, diag: bool, shrink: torch.Tensor
    ) -> tuple[Sequence[torch.Tensor], torch.Tensor]:
        left, right = x1[..., 0].long(), x2[..., 0].long()
        if not diag and torch.equal(left, every) and torch.equal(right, every):
            return [table * factor for table, factor in zip(tables, shrink, strict=True)], products
        pick = (left, right) if diag else (left[..., :, None], right[..., None, :])
        return [table[pick] * factor for table, factor in zip(tables, shrink, strict=True)], products[pick]

    return parts


def _by_feature(
    x1: "torch.Tensor", x2: "torch.Tensor", diag: bool, shrink: "torch.Tensor"
) -> "tuple[Sequence[torch.Tensor], torch.Tensor]":
    """Return distances and products of rows of which each feature has a length scale."""
    import torch

    if diag:
        products = (x1 * x2).sum(-1)
        return [torch.zeros_like(products)], products
    left, right = x1 * shrink, x2 * shrink
    squares = (left**2).sum(-1)[..., :, None] + (right**2).sum(-1)[..., None, :]
    # Products instead of torch.cdist, whose gradient visits every feature of every pair.
    squares = (squares - 2 * left @ right.mT).clamp_min(1e-12)
    return [torch.sqrt(3 * squares)], x1 @ x2.mT


def _trainable(parts: "Parts", typical: "torch.Tensor", n_columns: int, linear_spread: float) -> Any:
    """Return a GPyTorch kernel of logarithmic parameters with normal priors, at their typical values.

    Parameters
    ----------
    parts
        Gives distances and products.
    typical
        Logarithm of each length scale.
    n_columns
        Features in all.
    linear_spread
        Standard deviation of the prior of the linear variance's logarithm; all others' is one.
    """
    import torch
    from gpytorch.kernels import Kernel
    from gpytorch.priors import NormalPrior

    lengths = typical.double()
    start = torch.tensor([0.0, math.log(typical_linear(n_columns))], dtype=torch.float64)
    spread = torch.tensor([1.0, linear_spread], dtype=torch.float64)

    class TrainableKernel(Kernel):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.register_parameter("log_length", torch.nn.Parameter(lengths.clone()))
            self.register_parameter("log_variance", torch.nn.Parameter(start.clone()))
            self.register_prior("length_prior", NormalPrior(lengths, torch.ones_like(lengths)), "log_length")
            self.register_prior("variance_prior", NormalPrior(start, spread), "log_variance")

        def forward(self, x1: torch.Tensor, x2: torch.Tensor, diag: bool = False, **_: Any) -> Any:
            smooth, linear = torch.exp(self.log_variance)
            distances, products = parts(x1, x2, diag, torch.exp(-self.log_length))
            return matern(smooth, distances) + linear * products

    return TrainableKernel()
