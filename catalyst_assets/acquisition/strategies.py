"""How candidates are scored: Monte Carlo acquisition functions on stored joint draws.

``exploration_weight`` w means the same in each: the score is (1 − w) of the strategy's own and w of the
candidate's uncertainty, both as logarithms where the strategy's own is a probability or an expected gain. So 0
is the strategy alone, 1 is uncertainty alone, and of two candidates a larger w never favours the surer one more.
``greedy``, ``random`` and ``uncertainty`` are what they are at any w.

Probabilities and gains are those of draws blurred by logistic noise; with that they equal BoTorch's
qLogProbabilityOfFeasibility of all bounds, and its qLogExpectedImprovement of the worth as the one outcome
(``utility.blur``), which are too slow for a million candidates.
"""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.acquisition.utility import (
    Utility,
    blur,
    log_mean_exp,
    log_mean_sigmoid,
    log_mean_softplus,
    softplus,
)
from catalyst_assets.campaigns.model import Strategy

_LEAST: Final = 1e-12
Names = Sequence[str] | NDArray[np.object_]
_Hashes = Callable[[], NDArray[np.uint64]]


def _feasibility(utility: Utility, hashes: _Hashes) -> NDArray[np.float64]:
    """Gelbart et al., UAI 2014: what is likely to satisfy everything."""
    return utility.log_feasibility


def _improvement(utility: Utility, hashes: _Hashes) -> NDArray[np.float64]:
    """Jones et al., J. Global Optim. 13, 455 (1998), in logarithms: Ament et al., NeurIPS 2023.

    Of an objective under criteria a draw gains only where they hold, jointly: Gardner et al., ICML 2014. Until
    some label meets them there is nothing to improve on, and meeting them is all that counts.
    """
    if not utility.function.campaign.criteria or utility.values is None:
        width = blur(utility.worth)
        return np.log(width) + log_mean_softplus((utility.worth - utility.incumbent) / width[:, None])
    if utility.incumbent == -np.inf:
        return utility.log_feasibility
    width = blur(utility.values)
    gain = (utility.values - utility.incumbent) / width[:, None]
    return np.log(width) + log_mean_exp(_log_softplus(gain) + utility.log_feasible)


def _probability_of_improvement(utility: Utility, hashes: _Hashes) -> NDArray[np.float64]:
    """Kushner, J. Basic Eng. 86, 97 (1964); of an objective under criteria jointly with meeting them.

    Of criteria alone it is the probability of feasibility once a hit is known, and before that of coming nearer.
    """
    campaign = utility.function.campaign
    if campaign.criteria and utility.incumbent == (0.0 if utility.values is None else -np.inf):
        return utility.log_feasibility
    if not campaign.criteria or utility.values is None:
        return log_mean_sigmoid((utility.worth - utility.incumbent) / blur(utility.worth)[:, None])
    gain = (utility.values - utility.incumbent) / blur(utility.values)[:, None]
    return log_mean_exp(utility.log_feasible - softplus(-gain))


def _upper_bound(utility: Utility, hashes: _Hashes) -> NDArray[np.float64]:
    """Srinivas et al., ICML 2010: (1 − w) mean + w deviation ranks as mean + w/(1 − w) deviation does."""
    return np.asarray(utility.worth.mean(axis=1))


def _thompson(utility: Utility, hashes: _Hashes) -> NDArray[np.float64]:
    """Thompson, Biometrika 25, 285 (1933): each candidate by one of its draws, chosen by its name and the seed."""
    chosen = (hashes() % np.uint64(utility.worth.shape[1])).astype(np.int64)
    return np.asarray(utility.worth[np.arange(len(chosen)), chosen])


def _greedy(utility: Utility, hashes: _Hashes) -> NDArray[np.float64]:
    """Return the worth of the predicted means."""
    return utility.at_mean


def _uncertainty(utility: Utility, hashes: _Hashes) -> NDArray[np.float64]:
    """Lewis and Gale, SIGIR 1994: what the model knows least about, whatever it is worth."""
    return utility.uncertainty


def _random(utility: Utility, hashes: _Hashes) -> NDArray[np.float64]:
    """Return the same random number for the same candidate and seed."""
    return hashes().astype(np.float64) / 2.0**64


_OWN: Final[dict[Strategy, Callable[[Utility, _Hashes], NDArray[np.float64]]]] = {
    Strategy.PROBABILITY_OF_FEASIBILITY: _feasibility,
    Strategy.PROBABILITY_OF_IMPROVEMENT: _probability_of_improvement,
    Strategy.EXPECTED_IMPROVEMENT: _improvement,
    Strategy.LOG_EXPECTED_IMPROVEMENT: _improvement,
    Strategy.CONSTRAINED_EXPECTED_IMPROVEMENT: _improvement,
    Strategy.UPPER_CONFIDENCE_BOUND: _upper_bound,
    Strategy.THOMPSON: _thompson,
    Strategy.GREEDY: _greedy,
    Strategy.UNCERTAINTY: _uncertainty,
    Strategy.RANDOM: _random,
}


def score(strategy: Strategy, utility: Utility, ids: Names, weight: float, seed: int) -> NDArray[np.float64]:
    """Score m candidates, larger is better.

    Parameters
    ----------
    strategy
        Which.
    utility
        The worth of the candidates' draws.
    ids
        Their m names: what is random about a candidate follows from its name and the seed.
    weight
        The exploration weight, 0 to 1.
    seed
        Of what is random.
    """
    own = _OWN[strategy](utility, lambda: hash_ids(ids, seed))
    if not strategy.explores:
        return own
    uncertainty = utility.uncertainty
    if strategy.is_logarithmic:
        uncertainty = np.log(uncertainty + _LEAST)
    return (1 - weight) * own + weight * uncertainty


def hash_ids(ids: Names, seed: int) -> NDArray[np.uint64]:
    """Return a number for each name that looks random and depends on nothing but the name and the seed."""
    import hashlib

    digests = b"".join(hashlib.blake2b(f"{seed}:{name}".encode(), digest_size=8).digest() for name in ids)
    return np.frombuffer(digests, dtype="<u8")


def _log_softplus(scaled: NDArray[np.float64]) -> NDArray[np.float64]:
    # Far below zero softplus is the exponential, which would vanish.
    return np.where(scaled < -30.0, scaled, np.log(softplus(np.maximum(scaled, -30.0))))
