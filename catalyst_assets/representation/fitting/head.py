"""From node features to what is predicted of a crystal: mean, spread, and the chance of its floor.

Sites go through a small network of their own and are then pooled by mean and standard deviation, so a supercell
says what its cell says. The spread is learned on features that it cannot change (A. Stirn et al., AISTATS 2023), as
a likelihood over both would trade the mean's error for spread (M. Seitzer et al., ICLR 2022).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from catalyst_assets.representation.networks.sums import sum_by

SMALLEST_SPREAD = 1e-3
_SMALLEST_VARIANCE = 1e-6


@dataclass(frozen=True)
class HeadConfig:
    """Architecture of a head.

    Attributes
    ----------
    n_site_features, n_extra, n_properties
        Node features, further features a crystal, and properties.
    hidden
        Width of every layer.
    dropout
        Chance that a hidden unit is left out of a training step.
    """

    n_site_features: int
    n_extra: int
    n_properties: int
    hidden: int = 64
    dropout: float = 0.0


@dataclass(frozen=True)
class HeadOutput:
    """What a head says of b crystals of p properties, standardised; each of shape (b, p).

    Attributes
    ----------
    mean
        Of what is above the floor.
    spread
        Standard deviation, positive.
    gate
        Logit of the chance to be above the floor.
    """

    mean: torch.Tensor
    spread: torch.Tensor
    gate: torch.Tensor

    @classmethod
    def join(cls, outputs: Sequence["HeadOutput"]) -> "HeadOutput":
        """Put the crystals of several batches one after the other, on the CPU."""
        parts = zip(*(vars(output).values() for output in outputs), strict=True)
        return cls(*(torch.cat([part.cpu() for part in each]) for each in parts))


@dataclass(frozen=True)
class HurdlePrediction:
    """What is predicted of one property of m crystals, in its unit: a floor that some have, and a normal above it.

    Attributes
    ----------
    floor
        The value that materials share, or minus infinity.
    floor_probability
        Chance of exactly ``floor``, shape (m,).
    center, spread
        Mean and standard deviation of what is above it, shape (m,).
    """

    floor: float
    floor_probability: NDArray[np.float64]
    center: NDArray[np.float64]
    spread: NDArray[np.float64]


class PropertyHead(nn.Module):
    """Predicts several properties of a crystal from its node features and further features of it."""

    site_mean: torch.Tensor
    site_scale: torch.Tensor
    extra_mean: torch.Tensor
    extra_scale: torch.Tensor

    def __init__(self, config: HeadConfig) -> None:
        super().__init__()
        self.config = config
        hidden, dropout = config.hidden, config.dropout
        self.register_buffer("site_mean", torch.zeros(config.n_site_features))
        self.register_buffer("site_scale", torch.ones(config.n_site_features))
        self.register_buffer("extra_mean", torch.zeros(config.n_extra))
        self.register_buffer("extra_scale", torch.ones(config.n_extra))
        self.sites = nn.Sequential(
            nn.Linear(config.n_site_features, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU()
        )
        self.trunk = nn.Sequential(
            nn.Linear(2 * hidden + config.n_extra, hidden),
            nn.SiLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden),
            nn.SiLU(),
            nn.Dropout(dropout),
        )
        self.mean = nn.Linear(hidden, config.n_properties)
        self.gate = nn.Linear(hidden, config.n_properties)
        self.spread = nn.Sequential(
            nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, config.n_properties)
        )
        for last in (self.mean, self.gate):
            nn.init.normal_(last.weight, std=0.1 / hidden**0.5)
            nn.init.zeros_(last.bias)

    def standardize_by(self, sites: torch.Tensor, extra: torch.Tensor) -> None:
        """Take mean and spread of node features, shape (n_sites, k), and further features, shape (n, f)."""
        for name, values in (("site", sites), ("extra", extra)):
            if not values.numel():
                continue
            moments = values.double()
            scale = moments.std(dim=0, correction=0)
            # A feature that hardly varies would be noise, blown up.
            scale = torch.where(scale > 1e-3 * scale.median(), scale, torch.ones_like(scale))
            getattr(self, f"{name}_mean").copy_(moments.mean(dim=0))
            getattr(self, f"{name}_scale").copy_(scale)

    def forward(
        self, sites: torch.Tensor, graph_of_site: torch.Tensor, sizes: torch.Tensor, extra: torch.Tensor
    ) -> HeadOutput:
        """Predict b crystals.

        Parameters
        ----------
        sites
            Node features, shape (n_sites, k).
        graph_of_site, sizes
            As of a ``GraphBatch``.
        extra
            Shape (b, f).
        """
        per_site = self.sites((sites - self.site_mean) / self.site_scale).float()
        pooled = pool(per_site, graph_of_site, sizes)
        features = self.trunk(torch.cat([pooled, (extra - self.extra_mean) / self.extra_scale], dim=1))
        spread = nn.functional.softplus(self.spread(features.detach()).float()) + SMALLEST_SPREAD
        return HeadOutput(self.mean(features).float(), spread, self.gate(features).float())


def build_head(config: HeadConfig, seed: int) -> PropertyHead:
    """Build a head with weights drawn from ``seed``; the caller's random state is as before afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # `torch.manual_seed` would reseed the GPUs as well
        return PropertyHead(config)


def pool(values: torch.Tensor, graph_of_site: torch.Tensor, sizes: torch.Tensor) -> torch.Tensor:
    """Return mean and standard deviation over the sites of each crystal, shape (b, 2 h)."""
    counts = sizes[:, None]
    mean = sum_by(values, graph_of_site, len(sizes)) / counts
    deviations = (values - mean[graph_of_site]) ** 2
    variance = sum_by(deviations, graph_of_site, len(sizes)) / counts
    return torch.cat([mean, (variance + _SMALLEST_VARIANCE).sqrt()], dim=1)
