"""Calibration: what held-out errors say of predicted distributions, and what is done about it.

Spreads are scaled and widened by the continuous ranked probability score (CRPS), so that a few far-off rows do not decide;
then quantiles are mapped to where observations fell (``quantiles``). All of it is judged by folds that had no say in it.

What a fit must be worth. Few errors say little, so moving away from spreads as they are has a price, `p / n` of the mean
absolute error a unit of the scale's logarithm (or of the weight of a mixture, or of the widening in units of the error).
Near the best scale of normal errors n CRPS bend by ``n MAE / (2 sqrt 2)`` a squared unit and a log likelihood by ``2 n``;
so in a posterior by losses (Bissiri et al., J. R. Stat. Soc. B 78, 1103 (2016)) a mean error counts ``4 sqrt 2``, and the
price is a Laplace prior of width ``1 / (4 sqrt 2 p)`` on the logarithm: of 0.88, a factor of 2.4 either way, for heads,
which learn their spreads; of 1.8, a factor of 6, for networks, whose spreads are of labels that they were taught.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtr, ndtri

from catalyst_assets.learning.uncertainty.label_noise import take_noise
from catalyst_assets.learning.uncertainty.marginals import Marginal, Moments
from catalyst_assets.learning.uncertainty.quantiles import QuantileMap

_PRICE_OF_HEADS: Final = 0.2
_PRICE_OF_NETWORKS: Final = 0.1
# Grids, chosen: steps of 0.08 in the logarithm, its standard error from 80 errors; of 0.23, from ten, for networks.
_SMALLEST_SCALE, _N_SCALES = 0.4, 25
_SCALES: Final = (0.0, *(float(scale) for scale in np.geomspace(0.25, 4.0, 13)))
_OFFSETS: Final = tuple(float(offset) for offset in np.linspace(0.0, 2.0, 21))
# Narrower spreads are no distributions.
_LEAST_SPREAD: Final = 1e-12
# Chosen: fewer errors tell no scale, and the map's four parameters want a dozen observations each.
FEWEST_FOR_SPREAD: Final = 5
FEWEST_FOR_QUANTILES: Final = 50
# A normal prior of each parameter of the map: of variance 1 / (2 strength), a standard deviation of 0.22.
_STRENGTH: Final = 10.0
# Of shift, log scale, skew and log tail; chosen: a fit that ends there wants another distribution, not a correction.
_BOUNDS: Final = ((-0.5, 0.5), (-1.0, 1.0), (-0.3, 0.3), (-0.5, 0.5))
_LEVELS: Final = (np.arange(40) + 0.5) / 40


@dataclass(frozen=True)
class Calibration:
    """A spread s becomes the root of ``(scale s)² + offset²``, then quantiles are mapped; the default changes nothing.

    Attributes
    ----------
    scale
        Not negative.
    offset
        In the property's unit, not negative.
    quantiles
        Of the normal with that spread.
    """

    scale: float = 1.0
    offset: float = 0.0
    quantiles: QuantileMap = field(default_factory=QuantileMap)

    def apply(self, marginal: Marginal) -> Marginal:
        """Return the marginal calibrated; by the default it stays as it is, to the last bit."""
        return replace(
            marginal,
            spread=np.hypot(self.scale * marginal.spread, self.offset),
            quantiles=None if self.quantiles.is_identity else self.quantiles,
        )


def crps(error: NDArray[np.float64], spread: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the continuous ranked probability score of normal predictions.

    Gneiting and Raftery, J. Am. Stat. Assoc. 102, 359 (2007), eq. 21, with the sign that makes lower better.
    """
    z = error / spread
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    return np.asarray(spread * (z * (2 * ndtr(z) - 1) + 2 * density - 1 / np.sqrt(np.pi)))


def fit_mixture(
    by_weight: Mapping[float, Moments],
    target: NDArray[np.float64],
    above: NDArray[np.bool_],
    largest_scale: float = 2.5,
    noise: NDArray[np.float64] | None = None,
) -> tuple[float, float, float]:
    """Choose a mixture and the scale of its spread by the score of held-out rows above the floor.

    Parameters
    ----------
    by_weight
        Held-out moments of the n rows for each weight that may be chosen.
    target, above
        Shape (n,): labels, and which of them are above the floor.
    largest_scale
        What spreads are multiplied by at most.
    noise
        Shape (n,): standard deviations of the labels, which no scale changes; None where none is known.

    Returns
    -------
    weight, scale, score
    """
    errors = {
        weight: (target[above] - center[above], np.sqrt(variance[above]))
        for weight, (center, variance) in by_weight.items()
    }
    scales = [float(scale) for scale in np.geomspace(_SMALLEST_SCALE, largest_scale, _N_SCALES)]
    weight, scale, _, score = _search(errors, _PRICE_OF_HEADS, scales, (0.0,), take_noise(noise, above))
    return weight, scale, score


def fit_spread(
    marginal: Marginal,
    observed: NDArray[np.float64],
    spread_of_labels: float,
    noise: NDArray[np.float64] | None = None,
) -> Calibration:
    """Fit scale and offset to held-out predictions of what is above the floor.

    A network's spread is the likelihood of what its mean left of the labels it was taught, and of few labels that is
    next to nothing. What it leaves of others says how much is missing: part in proportion, part the same for all.

    Parameters
    ----------
    marginal
        Held-out predictions of n rows.
    observed
        Shape (n,), no NaN.
    spread_of_labels
        Standard deviation of the labels: the offset when there are fewer than five observations.
    noise
        Shape (n,): standard deviation of each label; None where none is known.
    """
    above = observed > marginal.floor
    error, spread = observed[above] - marginal.center[above], marginal.spread[above]
    if len(error) < FEWEST_FOR_SPREAD:
        return Calibration(1.0, spread_of_labels)
    if not error.any():
        return Calibration()
    blur = take_noise(noise, above)
    _, scale, offset, _ = _search({0.5: (error, spread)}, _PRICE_OF_NETWORKS, _SCALES, _OFFSETS, blur)
    return Calibration(scale, offset)


def _search(
    errors: Mapping[float, tuple[NDArray[np.float64], NDArray[np.float64]]],
    price: float,
    scales: "tuple[float, ...] | list[float]",
    offsets: tuple[float, ...],
    noise: NDArray[np.float64] | None = None,
) -> tuple[float, float, float, float]:
    """Return weight, scale, offset and score of the best that its price is worth; of equals the least.

    Parameters
    ----------
    errors
        Errors and spreads for each weight; an even one costs nothing.
    price, scales
        See the head of this module.
    offsets
        In units of the root mean square error.
    noise
        Of the labels, of the shape of the errors.
    """
    best = (np.inf, 0.5, 1.0, 0.0, np.inf)
    for weight, (error, spread) in errors.items():
        size = float(np.sqrt(np.mean(error**2)))
        cost = price / len(error) * float(np.abs(error).mean())
        for scale in scales:
            # To leave out the spread costs as much as the largest scale.
            stretched = abs(np.log(scale)) if scale > 0 else np.log(scales[-1])
            for offset in offsets:
                if scale == offset == 0:
                    continue
                widened = np.maximum(np.hypot(scale * spread, offset * size), _LEAST_SPREAD)
                widened = widened if noise is None else np.hypot(widened, noise)
                score = float(crps(error, widened).mean())
                paid = cost * (abs(weight - 0.5) + stretched + offset)
                best = min(best, (score + paid, weight, scale, offset * size, score))
    return best[1:]


def cross_fit_spread(
    marginal: Marginal,
    observed: NDArray[np.float64],
    folds: NDArray[np.int64],
    spread_of_labels: float,
    noise: NDArray[np.float64] | None = None,
) -> Marginal:
    """Correct the spreads of each fold by what the other folds say: so may the effect be judged."""
    spread = marginal.spread.copy()
    for fold in np.unique(folds):
        out = folds == fold
        blur = take_noise(noise, ~out)
        correction = fit_spread(marginal.take(~out), observed[~out], spread_of_labels, blur)
        spread[out] = correction.apply(marginal.take(out)).spread
    return replace(marginal, spread=spread)


def fit_quantiles(
    marginal: Marginal,
    observed: NDArray[np.float64],
    folds: NDArray[np.int64],
    noise: NDArray[np.float64] | None = None,
) -> QuantileMap:
    """Fit a map of quantiles to held-out predictions.

    Penalized maximum likelihood of the observations above the floor. One that does not raise the likelihood of
    folds left out of its fit, or worsens their quantile loss, is not trusted, and the identity is returned: far-off
    rows gain a heavy tail much likelihood, whatever it does to the middle.

    Parameters
    ----------
    marginal
        Held-out predictions of n rows; a map it has already is set aside.
    observed
        Shape (n,), no NaN.
    folds
        Shape (n,): rows of one fold may share their errors.
    noise
        Shape (n,): standard deviation of each observation, or None. Residuals are then in units of both spreads, and
        weigh by the share of the prediction's: what is mostly noise says nothing of the form of a prediction.
    """
    kept = observed > marginal.floor
    wide, center = marginal.blurred(noise), marginal.center[kept]
    spread = wide.spread[kept]
    shares = None if noise is None else (marginal.spread[kept] / spread) ** 2
    residuals, cuts, names = (
        (observed[kept] - center) / spread,
        (marginal.floor - center) / spread,
        folds[kept],
    )
    if len(residuals) < FEWEST_FOR_QUANTILES:
        return QuantileMap()
    if len(np.unique(names)) > 1:
        gain = loss = 0.0
        for name in np.unique(names):
            out = names == name
            known, left = (None, None) if shares is None else (shares[~out], shares[out])
            fitted = _fit_map(residuals[~out], cuts[~out], known)
            loss += _quantile_loss(fitted, residuals[out], left)
            loss -= _quantile_loss(QuantileMap(), residuals[out], left)
            gain += _weighed(_log_likelihood(fitted, residuals[out], cuts[out]), left)
            gain -= _weighed(_log_likelihood(QuantileMap(), residuals[out], cuts[out]), left)
        if gain <= 0 or loss > 0:
            return QuantileMap()
    return _fit_map(residuals, cuts, shares)


def cross_fit_quantiles(
    marginal: Marginal,
    observed: NDArray[np.float64],
    folds: NDArray[np.int64],
    noise: NDArray[np.float64] | None = None,
) -> dict[int, Calibration]:
    """Fit for each fold the map that the other folds give: by these its effect may be judged."""
    known = {int(name): folds != name for name in np.unique(folds)}
    return {
        name: Calibration(
            quantiles=fit_quantiles(marginal.take(rows), observed[rows], folds[rows], take_noise(noise, rows))
        )
        for name, rows in known.items()
    }


def _quantile_loss(
    quantiles: QuantileMap, residuals: NDArray[np.float64], shares: NDArray[np.float64] | None
) -> float:
    """Return the summed pinball loss, half of the continuous ranked probability score without a cut."""
    excess = residuals[:, None] - quantiles.apply(ndtri(_LEVELS))
    return _weighed(np.maximum(_LEVELS * excess, (_LEVELS - 1) * excess).mean(axis=1), shares)


def _weighed(values: NDArray[np.float64], shares: NDArray[np.float64] | None) -> float:
    return float((values if shares is None else values * shares).sum())


def _log_likelihood(
    quantiles: QuantileMap, residuals: NDArray[np.float64], cuts: NDArray[np.float64]
) -> NDArray[np.float64]:
    above = np.zeros(len(cuts))
    cut = np.isfinite(cuts)
    above[cut] = log_ndtr(-quantiles.invert(cuts[cut]))
    return quantiles.log_density(residuals) - above


def _fit_map(
    residuals: NDArray[np.float64], cuts: NDArray[np.float64], shares: NDArray[np.float64] | None = None
) -> QuantileMap:
    from scipy.optimize import minimize

    if not len(residuals):
        return QuantileMap()

    def loss(parameters: NDArray[np.float64]) -> float:
        penalty = _STRENGTH * float(parameters @ parameters)
        likelihood = _weighed(_log_likelihood(_map_of(parameters), residuals, cuts), shares)
        return (penalty - likelihood) / len(residuals)

    return _map_of(minimize(loss, np.zeros(4), method="L-BFGS-B", bounds=_BOUNDS).x)


def _map_of(parameters: NDArray[np.float64]) -> QuantileMap:
    shift, log_scale, skew, log_tail = (float(value) for value in parameters)
    return QuantileMap(shift, float(np.exp(log_scale)), skew, float(np.exp(log_tail)))
