"""What a draw is worth to a campaign: its margin inside the criteria, the objective's value, or both.

Every strategy scores these numbers, so each works for criteria, for an objective and for an objective under
criteria. Candidates are measured a chunk at a time against one ``UtilityFunction``, so that a large pool needs little
memory.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, cast

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.campaigns.criteria import BANDWIDTH, log_smooth_feasibility, margins
from catalyst_assets.campaigns.model import Campaign, Objective

if TYPE_CHECKING:
    from catalyst_assets.acquisition.problem import RankingProblem

_LEAST_SPREAD: Final = 1e-9
_LEAST_BLUR: Final = 1e-3
_FAR: Final = 30.0  # beyond it sigmoid and softplus are exponentials to double precision


@dataclass(frozen=True)
class Utility:
    """The worth of m candidates, larger is better.

    Attributes
    ----------
    function
        What measures them.
    mean, std
        Shape (m, p), in each property's unit.
    draws
        Shape (m, k, p): joint samples.
    """

    function: "UtilityFunction"
    mean: NDArray[np.floating]
    std: NDArray[np.floating]
    draws: NDArray[np.floating]

    @property
    def incumbent(self) -> float:
        """The best worth among the labels; minus infinity where an objective has no label that meets the criteria.

        For criteria alone never above 0, because more feasible materials are wanted, not a more feasible one.
        """
        return self.function.incumbent

    @cached_property
    def margins(self) -> NDArray[np.float64] | None:
        """Of each joint draw, the margin inside the criteria, positive when all hold; None without criteria.

        Shape (m, k), in units of the properties' spread.
        """
        return self.function.margins(self.draws)

    @cached_property
    def values(self) -> NDArray[np.float64] | None:
        """The objective in units of its spread, its sign turned to maximise, shape (m, k); None without one."""
        return self.function.values(self.draws)

    @cached_property
    def at_mean(self) -> NDArray[np.float64]:
        """The worth (see ``worth``) of the predicted means, shape (m,)."""
        return self.function.worth(self.mean)

    @cached_property
    def relative_std(self) -> NDArray[np.float64]:
        """The standard deviations in units of the properties' spread, shape (m, p)."""
        spreads = [self.function.spreads[name] for name in self.function.properties]
        return np.asarray(self.std, dtype=np.float64) / spreads

    @cached_property
    def uncertainty(self) -> NDArray[np.float64]:
        """Root mean square over the properties of the relative standard deviation, shape (m,)."""
        return np.asarray(np.sqrt((self.relative_std**2).mean(axis=1)))

    @cached_property
    def worth(self) -> NDArray[np.float64]:
        """One number a draw, shape (m, k).

        The margin, or the objective's value. Under criteria the value counts where they hold, and elsewhere the
        margin, below every value: Deb, Comput. Methods Appl. Mech. Eng. 186, 311 (2000).
        """
        return _combine(self.margins, self.values, self.function.floor)

    @cached_property
    def log_feasible(self) -> NDArray[np.float64]:
        """The logarithm of the chance that all criteria hold, of each draw blurred, shape (m, k).

        Each property is blurred by a part of its predicted deviation, which says more of rare values than a few
        dozen draws do, and each bound counts: where one seems hopeless the others still decide.
        """
        function = self.function
        widths = {
            name: function.spreads[name] * (BANDWIDTH * self.relative_std[:, place] + _LEAST_BLUR)
            for place, name in enumerate(function.properties)
        }
        return log_smooth_feasibility(function.campaign, self.draws, function.properties, widths)

    @cached_property
    def log_feasibility(self) -> NDArray[np.float64]:
        """The logarithm of the chance that all criteria hold together, shape (m,).

        Joint over the properties, from draws: Gardner et al., ICML 2014, who multiply independent chances; the
        draws carry the correlation instead.
        """
        return log_mean_exp(self.log_feasible)


@dataclass(frozen=True)
class UtilityFunction:
    """What a draw is worth in one ranking: its campaign's goal in units of the pool's spread.

    Attributes
    ----------
    properties
        Names of the p predicted properties.
    spreads
        What counts as one unit of each.
    incumbent
        As in :class:`Utility`.
    floor
        Below every value of the objective; see :attr:`Utility.worth`.
    """

    campaign: Campaign
    properties: tuple[str, ...]
    spreads: dict[str, float]
    incumbent: float
    floor: float

    def margins(self, draws: NDArray[np.floating]) -> NDArray[np.float64] | None:
        """Return the margins inside the criteria of draws of shape (m, k, p); None without criteria."""
        return (
            margins(self.campaign, draws, self.properties, self.spreads) if self.campaign.criteria else None
        )

    def values(self, draws: NDArray[np.floating]) -> NDArray[np.float64] | None:
        """Return the objective's values to maximise of draws of shape (m, k, p); None without an objective."""
        objective = self.campaign.objective
        if objective is None:
            return None
        column = draws[..., self.properties.index(objective.property)]
        return np.asarray(column.astype(np.float64) * self._scale(objective))

    def worth(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the worth of values of shape (m, p), shape (m,)."""
        single = values[:, None, :]
        return _combine(self.margins(single), self.values(single), self.floor)[:, 0]

    def _scale(self, objective: Objective) -> float:
        return (1.0 if objective.direction == "maximize" else -1.0) / self.spreads[objective.property]


def fit_utility(problem: "RankingProblem") -> UtilityFunction:
    """Learn from a whole pool's prediction and the labels what one candidate is worth.

    For an objective alone without labels, the best predicted mean is the incumbent.
    """
    campaign, properties = problem.campaign, problem.prediction.properties
    mean, std = problem.prediction.mean[problem.by_name], problem.prediction.std[problem.by_name]
    total = np.sqrt(mean.var(axis=0) + (std**2).mean(axis=0))
    spreads = dict(zip(properties, np.maximum(total, _LEAST_SPREAD).tolist(), strict=True))
    plain = UtilityFunction(campaign, properties, spreads, 0.0, 0.0)
    floor = 0.0
    if campaign.objective is not None and campaign.criteria and len(mean):
        column = properties.index(campaign.objective.property)
        scale = plain._scale(campaign.objective)
        floor = float((scale * mean[:, column] - _FAR * abs(scale) * std[:, column]).min())
    known = np.empty(0)
    if problem.labels is not None and len(problem.labels):
        known = _label_worth(plain, problem.labels.reindex(columns=list(properties)).to_numpy(np.float64))
    if len(known):
        incumbent = float(known.max())
    elif campaign.criteria and campaign.objective is not None:
        incumbent = -np.inf
    else:
        incumbent = float(plain.worth(mean).max(initial=-np.inf))
    if campaign.objective is None:
        incumbent = min(incumbent, 0.0)
    return UtilityFunction(campaign, properties, spreads, incumbent, floor)


def _label_worth(function: UtilityFunction, measured: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the worth of labels that can be judged; under an objective only of those that meet the criteria."""
    single = measured[:, None, :]
    inside, values = function.margins(single), function.values(single)
    if values is None:
        margin = cast("NDArray[np.float64]", inside)
        return margin[np.isfinite(margin)]
    usable = np.isfinite(values) if inside is None else np.isfinite(values) & (inside >= 0)
    return values[usable]


def _combine(
    inside: NDArray[np.float64] | None, values: NDArray[np.float64] | None, floor: float
) -> NDArray[np.float64]:
    if inside is None or values is None:
        return cast("NDArray[np.float64]", values if inside is None else inside)
    return np.where(inside >= 0, values, floor + np.minimum(inside, 0.0))


def blur(draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the width of the logistic noise that each draw is blurred with, shape (m,).

    A few dozen draws resolve a chance to some per cent only; blurring each by a part of their spread ranks
    the candidates below that by how near their draws come.
    """
    return np.asarray(BANDWIDTH * draws.std(axis=1) + _LEAST_BLUR)


def log_mean_exp(terms: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the logarithm of the rows' means of exp(terms), shape (m, k) to (m,)."""
    top = terms.max(axis=1)
    return np.asarray(top + np.log(np.exp(terms - top[:, None]).mean(axis=1)))


def log_mean_sigmoid(scaled: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log(mean over k of P(draw + noise > 0)) of draws in units of their blur, shape (m, k) to (m,)."""
    with np.errstate(over="ignore"):
        return _log_mean(1.0 / (1.0 + np.exp(-scaled)), scaled)


def log_mean_softplus(scaled: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log(mean over k of E[max(0, draw + noise)]) of draws in units of their blur, (m, k) to (m,)."""
    return _log_mean(softplus(scaled), scaled)


def softplus(scaled: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log(1 + exp(x)), the expected positive part of x under logistic noise of width one."""
    return np.asarray(np.maximum(scaled, 0.0) + np.log1p(np.exp(-np.abs(scaled))))


def _log_mean(values: NDArray[np.float64], scaled: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the logarithm of the rows' means; where all values vanish they are exp(scaled)."""
    top = scaled.max(axis=1)
    tail = top < -_FAR
    mean = values.mean(axis=1)
    result = np.log(np.where(tail, 1.0, mean))
    if tail.any():
        rest = scaled[tail] - top[tail, None]
        result[tail] = top[tail] + np.log(np.exp(rest).mean(axis=1))
    return np.asarray(result)
