"""How candidates are scored. Monte Carlo acquisition functions of BoTorch, evaluated on stored joint draws.

``exploration_weight`` w means the same in each: the score is (1 − w) of the strategy's own and w of the
candidate's uncertainty, both as logarithms where the strategy's own is a probability or an expected gain. So 0
is the strategy alone, 1 is uncertainty alone, and of two candidates a larger w never favours the surer one more.
``greedy`` and ``random`` are what they are at any w.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.acquisition.utility import Utility
from catalyst_assets.campaigns.model import Strategy

if TYPE_CHECKING:
    import torch

_CHUNK = 65_536
_BANDWIDTH: Final = 0.25
_LEAST: Final = 1e-12


def smoothing(utility: Utility) -> NDArray[np.float64]:
    """Return over how much margin a draw's feasibility is blurred, shape (m,).

    A few dozen draws resolve a chance to some per cent only; blurring each by a part of their spread ranks
    the candidates below that by how near their draws come.
    """
    return np.asarray(_BANDWIDTH * utility.draws.std(axis=1) + 1e-3)


def log_feasibility(utility: Utility) -> NDArray[np.float64]:
    """Return the logarithm of the chance that all criteria hold together, shape (m,).

    Joint over the properties, from draws: Gardner et al., ICML 2014, who multiply independent chances; the
    draws carry the correlation instead.
    """
    from botorch.acquisition.logei import qLogProbabilityOfFeasibility

    scaled = utility.draws / smoothing(utility)[:, None]
    return _evaluate(
        scaled,
        lambda model, sampler: qLogProbabilityOfFeasibility(
            model, constraints=[lambda samples: -samples[..., 0]], sampler=sampler, eta=1.0, fat=False
        ),
    )


def _log_expected_improvement(utility: Utility) -> NDArray[np.float64]:
    """Return the logarithm of the expected gain over the incumbent: Ament et al., NeurIPS 2023."""
    from botorch.acquisition.logei import qLogExpectedImprovement

    return _evaluate(
        utility.draws,
        lambda model, sampler: qLogExpectedImprovement(model, best_f=utility.incumbent, sampler=sampler),
    )


def _feasibility(utility: Utility, ids: Sequence[str], weight: float, seed: int) -> NDArray[np.float64]:
    """Gelbart et al., UAI 2014: what is likely to satisfy everything."""
    return _blend(log_feasibility(utility), np.log(utility.uncertainty + _LEAST), weight)


def _improvement(utility: Utility, ids: Sequence[str], weight: float, seed: int) -> NDArray[np.float64]:
    """Jones et al., J. Global Optim. 13, 455 (1998), in logarithms, which do not vanish far from the best."""
    return _blend(_log_expected_improvement(utility), np.log(utility.uncertainty + _LEAST), weight)


def _upper_bound(utility: Utility, ids: Sequence[str], weight: float, seed: int) -> NDArray[np.float64]:
    """Srinivas et al., ICML 2010: (1 − w) mean + w deviation ranks as mean + w/(1 − w) deviation does."""
    return _blend(utility.draws.mean(axis=1), utility.uncertainty, weight)


def _thompson(utility: Utility, ids: Sequence[str], weight: float, seed: int) -> NDArray[np.float64]:
    """Thompson, Biometrika 25, 285 (1933): each candidate by one of its draws, chosen by its name and the seed."""
    chosen = hash_ids(ids, seed) % np.uint64(utility.draws.shape[1])
    drawn = utility.draws[np.arange(len(ids)), chosen.astype(np.int64)]
    return _blend(drawn, utility.uncertainty, weight)


def _greedy(utility: Utility, ids: Sequence[str], weight: float, seed: int) -> NDArray[np.float64]:
    """Return the worth of the predicted means."""
    return utility.at_mean


def _random(utility: Utility, ids: Sequence[str], weight: float, seed: int) -> NDArray[np.float64]:
    """Return the same random number for the same candidate and seed."""
    return hash_ids(ids, seed).astype(np.float64) / 2.0**64


_STRATEGIES: Final[dict[Strategy, Callable[[Utility, Sequence[str], float, int], NDArray[np.float64]]]] = {
    Strategy.PROBABILITY_OF_FEASIBILITY: _feasibility,
    Strategy.EXPECTED_IMPROVEMENT: _improvement,
    Strategy.LOG_EXPECTED_IMPROVEMENT: _improvement,
    Strategy.UPPER_CONFIDENCE_BOUND: _upper_bound,
    Strategy.THOMPSON: _thompson,
    Strategy.GREEDY: _greedy,
    Strategy.RANDOM: _random,
}


def score(
    strategy: Strategy, utility: Utility, ids: Sequence[str], weight: float, seed: int
) -> NDArray[np.float64]:
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
    return _STRATEGIES[strategy](utility, ids, weight, seed)


def hash_ids(ids: Sequence[str], seed: int) -> NDArray[np.uint64]:
    """Return a number for each name that looks random and depends on nothing but the name and the seed."""
    import hashlib

    digests = b"".join(hashlib.blake2b(f"{seed}:{name}".encode(), digest_size=8).digest() for name in ids)
    return np.frombuffer(digests, dtype="<u8")


def _blend(own: NDArray[np.float64], uncertainty: NDArray[np.float64], weight: float) -> NDArray[np.float64]:
    return (1 - weight) * own + weight * uncertainty


def _evaluate(worth: NDArray[np.float64], build: "Callable[[Any, Any], Any]") -> NDArray[np.float64]:
    """Evaluate a BoTorch acquisition function on draws of shape (m, k); returns shape (m,)."""
    import torch

    result = np.empty(len(worth))
    for start in range(0, len(worth), _CHUNK):
        chunk = torch.from_numpy(np.ascontiguousarray(worth[start : start + _CHUNK]))
        model, sampler = _stored_draws(chunk)
        rows = torch.arange(len(chunk), dtype=torch.float64)[:, None, None]
        with torch.no_grad():
            result[start : start + len(chunk)] = build(model, sampler)(rows).numpy()
    return result


def _stored_draws(worth: "torch.Tensor") -> tuple[Any, Any]:
    """Return a BoTorch model whose ensemble members are the draws, and a sampler that takes each of them once."""
    import torch
    from botorch.models.ensemble import EnsembleModel
    from botorch.sampling.index_sampler import IndexSampler

    class StoredDraws(EnsembleModel):
        _num_outputs = 1

        def forward(self, X: torch.Tensor) -> torch.Tensor:
            return worth[X[:, 0, 0].long()][:, :, None, None]

    class EachOnce(IndexSampler):
        def _construct_base_samples(self, posterior: Any) -> None:
            members = torch.arange(worth.shape[1])
            shape = (len(members), *(1 for _ in posterior.batch_shape))
            self.register_buffer("base_samples", members.view(shape).expand(-1, *posterior.batch_shape))

    return StoredDraws(), EachOnce(sample_shape=torch.Size([worth.shape[1]]))
