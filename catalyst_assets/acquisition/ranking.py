"""The order in which candidates are worth validating; the same function serves the asset and the benchmark."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.acquisition.cold_start import coverage_order
from catalyst_assets.acquisition.strategies import SCORES, Utilities, log_probability_of_feasibility, utility
from catalyst_assets.campaigns.model import Campaign, Strategy

if TYPE_CHECKING:
    import pandas as pd

    from catalyst_assets.learning.heads import Prediction

# With fewer labels than this of some property there is no model to ask (learning.heads).
FEWEST_LABELS: Final = 5


@dataclass(frozen=True)
class Ranking:
    """Candidates, best first.

    Attributes
    ----------
    frame
        Columns ``material_id``, ``rank`` (from 1), ``acquisition`` (larger is better), ``feasibility`` (chance
        that all criteria hold; NaN for an objective) and ``mean_…``, ``std_…`` of each property in its unit.
    sha256
        Hash of the order and the scores.
    """

    frame: "pd.DataFrame"
    sha256: str


def rank(
    prediction: "Prediction",
    features: NDArray[np.floating],
    material_ids: Sequence[str],
    campaign: Campaign,
    seed: int,
    evaluated: frozenset[str] = frozenset(),
    labels: NDArray[np.float64] | None = None,
) -> Ranking:
    """Rank a pool by a campaign's strategy; without a model by how well it covers the pool.

    Parameters
    ----------
    prediction
        Of the m materials; its properties are the campaign's ``predicted_properties``.
    features
        Shape (m, f).
    material_ids
        The m names. Their order does not matter.
    seed
        Of what is random.
    evaluated
        Materials that are not proposed again.
    labels
        Shape (n, p_learned): what is known so far, NaN where nothing is, in the order of the campaign's
        ``learned_properties``.
    """
    import pandas as pd

    names = np.asarray(material_ids, dtype=object)
    order = np.argsort(names.astype(str), kind="stable")
    order = order[[name not in evaluated for name in names[order]]]
    names = names[order]
    mean, std = prediction.mean[order], prediction.std[order]
    if len(names) == 0:
        scores = feasibility = np.zeros(0)
    else:
        scores, feasibility = _score(prediction, order, np.asarray(features)[order], campaign, seed, labels)
    places = np.argsort(-scores, kind="stable")
    frame = pd.DataFrame(
        {
            "material_id": names[places],
            "rank": np.arange(1, len(names) + 1),
            "acquisition": scores[places],
            "feasibility": feasibility[places],
            **{f"mean_{name}": mean[places, i] for i, name in enumerate(prediction.properties)},
            **{f"std_{name}": std[places, i] for i, name in enumerate(prediction.properties)},
        }
    )
    digest = hashlib.sha256()
    for name, score in zip(frame["material_id"], frame["acquisition"], strict=True):
        digest.update(f"{name}\t{float(score)!r}\n".encode())
    return Ranking(frame, digest.hexdigest())


def _score(
    prediction: "Prediction",
    order: NDArray[np.intp],
    features: NDArray[np.floating],
    campaign: Campaign,
    seed: int,
    labels: NDArray[np.float64] | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    import torch

    mean, std, draws = prediction.mean[order], prediction.std[order], prediction.draws[order]
    deviations = np.sqrt(mean.var(axis=0) + (std**2).mean(axis=0))
    spreads = {
        name: float(max(deviation, 1e-12))
        for name, deviation in zip(prediction.properties, deviations, strict=True)
    }
    believed = utility(campaign, draws, prediction.properties, spreads)
    rng = np.random.default_rng(seed)
    feasibility = np.full(len(mean), np.nan)
    if campaign.criteria:
        chance = log_probability_of_feasibility(Utilities(torch.from_numpy(believed), -np.inf, rng)).exp()
        feasibility = np.asarray(chance.numpy(), dtype=np.float64).clip(0, 1)
    if not _has_learned(labels) and campaign.acquisition.strategy is not Strategy.RANDOM:
        scores = np.empty(len(mean))
        scores[coverage_order(features, campaign.initial_batch, seed)] = -np.arange(len(mean), dtype=float)
        return scores, feasibility
    centre = draws.mean(axis=1, keepdims=True)
    widened = centre + 2 * campaign.acquisition.exploration_weight * (draws - centre)
    utilities = Utilities(
        torch.from_numpy(utility(campaign, widened, prediction.properties, spreads)),
        _best_known(campaign, labels, spreads),
        rng,
    )
    scores = SCORES[campaign.acquisition.strategy](utilities)
    return np.asarray(scores.numpy(), dtype=np.float64), feasibility


def _has_learned(labels: NDArray[np.float64] | None) -> bool:
    return labels is not None and labels.size > 0 and np.isfinite(labels).sum(axis=0).min() >= FEWEST_LABELS


def _best_known(campaign: Campaign, labels: NDArray[np.float64] | None, spreads: dict[str, float]) -> float:
    """Return the largest utility among fully labelled materials; -inf where derived properties decide it."""
    if labels is None or not set(campaign.properties) <= set(campaign.learned_properties):
        return -np.inf
    known = labels[np.isfinite(labels).all(axis=1)]
    if len(known) == 0:
        return -np.inf
    return float(utility(campaign, known[:, None, :], campaign.learned_properties, spreads).max())
