"""Scores by which candidates are ranked, from joint draws of their predicted properties.

Every strategy sees one scalar utility a draw: of a campaign of criteria its margin (``campaigns.criteria``), of
an objective its value, both in units of the property's spread. ``exploration_weight`` w means the same in each:
draws are spread about their mean by the factor 2w, so that 0 believes the means alone, 0.5 believes the
predicted uncertainty as it is, and 1 takes it to be twice as large.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.campaigns.criteria import margins
from catalyst_assets.campaigns.model import Campaign, Strategy

if TYPE_CHECKING:
    import torch

# Below this a density of draws is numerically a point.
_SMALLEST_BANDWIDTH: Final = 1e-3


@dataclass(frozen=True)
class Utilities:
    """What strategies score.

    Attributes
    ----------
    draws
        Shape (m, k): utility of each joint draw, spread by the exploration weight.
    best
        Largest utility that was measured so far; -inf without any.
    rng
        For what is random.
    """

    draws: "torch.Tensor"
    best: float
    rng: np.random.Generator


def utility(
    campaign: Campaign,
    draws: NDArray[np.floating],
    properties: tuple[str, ...],
    spreads: Mapping[str, float],
) -> NDArray[np.float64]:
    """Return the scalar that a campaign wants large, one for each draw.

    Parameters
    ----------
    draws
        Shape (m, k, p), in each property's unit.
    spreads
        What counts as one unit of each property.

    Returns
    -------
    Shape (m, k), dimensionless; for criteria positive exactly where all hold.
    """
    if campaign.objective is None:
        return margins(campaign, draws, properties, spreads)
    name = campaign.objective.property
    sign = 1.0 if campaign.objective.direction == "maximize" else -1.0
    values = draws[..., properties.index(name)].astype(np.float64)
    return np.asarray(sign * values / spreads[name], dtype=np.float64)


def log_probability_of_feasibility(utilities: Utilities) -> "torch.Tensor":
    """Score by the logarithm of the chance that all criteria hold together.

    The chance is that of a kernel density through the joint draws (Silverman's bandwidth), so that a few
    dozen draws also order candidates of small chance. Gardner et al., "Bayesian optimization with inequality
    constraints", ICML 2014.
    """
    import torch
    from botorch.utils.safe_math import logmeanexp

    draws = utilities.draws
    bandwidth = 1.06 * draws.std(dim=1, keepdim=True) * draws.shape[1] ** -0.2
    return logmeanexp(torch.special.log_ndtr(draws / bandwidth.clamp_min(_SMALLEST_BANDWIDTH)), dim=1)


def expected_improvement(utilities: Utilities) -> "torch.Tensor":
    """Score by the expected gain over the best so far: Jones et al., J. Global Optim. 13, 455 (1998)."""
    return (utilities.draws - _incumbent(utilities)).clamp_min(0).mean(dim=1)


def log_expected_improvement(utilities: Utilities) -> "torch.Tensor":
    """Score by its logarithm, which orders hopeless candidates too: Ament et al., NeurIPS 2023."""
    from botorch.utils.safe_math import log_fatplus, logmeanexp

    return logmeanexp(log_fatplus(utilities.draws - _incumbent(utilities), tau=1e-2), dim=1)


def upper_confidence_bound(utilities: Utilities) -> "torch.Tensor":
    """Score by mean plus twice the deviation: Srinivas et al., ICML 2010."""
    return utilities.draws.mean(dim=1) + 2 * utilities.draws.std(dim=1)


def thompson(utilities: Utilities) -> "torch.Tensor":
    """Score by turns: each place of the batch goes to the best of one draw: Thompson, Biometrika 25, 285 (1933)."""
    import torch

    n, k = utilities.draws.shape
    order = torch.argsort(utilities.draws, dim=0, descending=True)
    turns = utilities.rng.permutation(k)
    chosen: dict[int, None] = {}
    depth = np.zeros(k, dtype=int)
    while len(chosen) < min(n, 4 * k):
        for turn in turns:
            while depth[turn] < n and int(order[depth[turn], turn]) in chosen:
                depth[turn] += 1
            if depth[turn] < n:
                chosen[int(order[depth[turn], turn])] = None
    scores = utilities.draws.mean(dim=1)
    ceiling = float(scores.max()) + 1.0
    for place, index in enumerate(chosen):
        scores[index] = ceiling + (len(chosen) - place)
    return scores


def greedy(utilities: Utilities) -> "torch.Tensor":
    """Score by the mean utility alone."""
    return utilities.draws.mean(dim=1)


def random(utilities: Utilities) -> "torch.Tensor":
    """Score by lot: the baseline."""
    import torch

    return torch.from_numpy(utilities.rng.random(utilities.draws.shape[0]))


SCORES: Final[Mapping[Strategy, Callable[[Utilities], "torch.Tensor"]]] = {
    Strategy.PROBABILITY_OF_FEASIBILITY: log_probability_of_feasibility,
    Strategy.EXPECTED_IMPROVEMENT: expected_improvement,
    Strategy.LOG_EXPECTED_IMPROVEMENT: log_expected_improvement,
    Strategy.UPPER_CONFIDENCE_BOUND: upper_confidence_bound,
    Strategy.THOMPSON: thompson,
    Strategy.GREEDY: greedy,
    Strategy.RANDOM: random,
}


def _incumbent(utilities: Utilities) -> float:
    if np.isfinite(utilities.best):
        return utilities.best
    return float(utilities.draws.mean(dim=1).max())
