"""Fitting a kernel's hyperparameters by marginal likelihood, with BoTorch."""

import math
import warnings
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

# A line search that goes further makes covariances no number format can invert.
_FARTHEST: Final = 6.0


def fit_by_marginal_likelihood(
    kernel: Any,
    inputs: "torch.Tensor",
    target: NDArray[np.float64],
    max_steps: int,
    variance: NDArray[np.float64] | None = None,
) -> tuple[float, tuple[float, ...]]:
    """Fit a kernel in place; it keeps its typical values where the search ends in covariances that are none.

    Parameters
    ----------
    kernel
        A gpytorch kernel with parameters ``log_length`` and ``log_variance`` at their typical values.
    inputs
        Shape (n, d).
    target
        Shape (n,), standardised.
    max_steps
        Most steps of L-BFGS.
    variance
        Shape (n,): of the noise that is known of each row, beside that which is learned; None where none is.

    Returns
    -------
    The variance of the noise that is learned, the same for all rows, and the negative log marginal likelihood per datum at each step.
    """
    import torch
    from botorch.exceptions.warnings import BotorchWarning
    from botorch.models import SingleTaskGP
    from botorch.optim.fit import fit_gpytorch_mll_scipy
    from gpytorch.constraints import GreaterThan
    from gpytorch.likelihoods import FixedNoiseGaussianLikelihood, GaussianLikelihood
    from gpytorch.mlls import ExactMarginalLogLikelihood
    from gpytorch.priors import LogNormalPrior
    from linear_operator.utils.errors import NotPSDError

    about = {"noise_prior": LogNormalPrior(math.log(0.03), 1.0), "noise_constraint": GreaterThan(1e-4)}
    if variance is None:
        likelihood: Any = GaussianLikelihood(**about)
        likelihood.noise = 0.03
    else:
        # GPyTorch wants no zeros.
        known = torch.from_numpy(np.maximum(variance, 1e-6))
        likelihood = FixedNoiseGaussianLikelihood(known, learn_additional_noise=True, **about)
        likelihood.second_noise = 0.03
    bounds: dict[str, tuple[float | None, float | None]] = {
        f"model.covar_module.{name}": (
            float(parameter.detach().min()) - _FARTHEST,
            float(parameter.detach().max()) + _FARTHEST,
        )
        for name, parameter in (("log_length", kernel.log_length), ("log_variance", kernel.log_variance))
    }
    curve: list[float] = []
    with warnings.catch_warnings():
        # Inputs are standardised over more rows, or are row numbers; stopping at the step limit is meant.
        warnings.simplefilter("ignore", BotorchWarning)
        model = SingleTaskGP(
            inputs,
            torch.from_numpy(target)[:, None],
            likelihood=likelihood,
            covar_module=kernel,
            outcome_transform=None,
        )
        model.mean_module.constant.requires_grad_(False)
        typical = {name: value.clone() for name, value in model.state_dict().items()}
        try:
            # Not fit_gpytorch_mll: after a warning it starts again at random places.
            fit_gpytorch_mll_scipy(
                ExactMarginalLogLikelihood(likelihood, model),
                bounds=bounds,
                options={"maxiter": max_steps},
                callback=lambda _, result: curve.append(float(result.fval)),
            )
        except NotPSDError:
            model.load_state_dict(typical)
    learned = likelihood.noise if variance is None else likelihood.second_noise
    return float(learned.item()), tuple(curve)
