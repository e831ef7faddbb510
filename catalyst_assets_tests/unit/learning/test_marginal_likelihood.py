"""Hyperparameters are fitted, within limits, and a search that goes astray does not stop an iteration."""

import numpy as np
import pytest
import torch
from gpytorch.kernels import Kernel

from catalyst_assets.learning.heads.gaussian_process import fit_gaussian_process
from catalyst_assets.learning.heads.marginal_likelihood import fit_by_marginal_likelihood


class _Smooth(Kernel):
    """A kernel of one length, which is no covariance once its variance leaves ``limit``."""

    def __init__(self, limit: float = np.inf) -> None:
        super().__init__()
        self.limit = limit
        for name in ("log_length", "log_variance"):
            self.register_parameter(name, torch.nn.Parameter(torch.zeros(1, dtype=torch.float64)))

    def forward(self, x1: torch.Tensor, x2: torch.Tensor, diag: bool = False, **_: object) -> torch.Tensor:
        squares = (x1 - x2).square().sum(-1) if diag else torch.cdist(x1, x2).square()
        values = torch.exp(self.log_variance - 0.5 * squares * torch.exp(-2 * self.log_length))
        return values if abs(float(self.log_variance.detach())) <= self.limit else -values


def _data() -> tuple[torch.Tensor, np.ndarray]:
    x = torch.linspace(-2, 2, 40, dtype=torch.float64)[:, None]
    return x, np.sin(4 * x[:, 0].numpy())


def test_length_and_noise_are_found() -> None:
    kernel = _Smooth()
    noise, curve = fit_by_marginal_likelihood(kernel, *_data(), 60)
    assert 0.2 < float(torch.exp(kernel.log_length.detach())) < 0.8
    assert noise < 0.005
    assert curve[-1] < curve[0]


def test_a_search_that_ends_in_no_covariance_leaves_the_typical_kernel() -> None:
    kernel = _Smooth(limit=1e-6)
    noise, _ = fit_by_marginal_likelihood(kernel, *_data(), 60)
    assert float(kernel.log_length.detach()) == float(kernel.log_variance.detach()) == 0.0
    assert noise == pytest.approx(0.03)


def test_a_target_that_is_one_of_the_features_is_learned() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(120, 20)).astype(np.float32)
    blocks = [np.arange(10), np.arange(10, 20)]
    process = fit_gaussian_process(features[:100], features[:100, 3].astype(np.float64), blocks, 0)
    mean, variance = process.predict(features[100:])
    np.testing.assert_allclose(mean, features[100:, 3], atol=0.1)
    assert np.isfinite(variance).all()
