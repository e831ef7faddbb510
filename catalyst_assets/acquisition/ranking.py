"""Which candidates next: the one function that the asset, the app and the benchmark rank with.

A ranking depends on the materials, their predictions, the campaign and the seed; never on the order of rows.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.acquisition.batches import choose_batch, n_considered
from catalyst_assets.acquisition.cold_start import choose_cover
from catalyst_assets.acquisition.scoring import order_by_score, round_digits, score_pool
from catalyst_assets.acquisition.strategies import Names, hash_ids
from catalyst_assets.acquisition.utility import make_yardstick
from catalyst_assets.campaigns.library import parse_campaign
from catalyst_assets.campaigns.model import Campaign, Strategy
from catalyst_assets.errors import LoopError

if TYPE_CHECKING:
    import pandas as pd

    from catalyst_assets.learning.heads.head import Prediction


@dataclass(frozen=True)
class Ranking:
    """Candidates, best first.

    Attributes
    ----------
    frame
        Columns material_id, rank (from 1), acquisition, feasibility (NaN for an objective alone), and mean_* and
        std_* of every predicted property. By falling acquisition, except that a campaign with diversity has the
        next batch first, in the order of choice.
    sha256
        Hash of all materials in their order.
    """

    frame: "pd.DataFrame"
    sha256: str


def rank(
    prediction: "Prediction",
    features: NDArray[np.floating] | None,
    material_ids: Sequence[str],
    campaign: Campaign,
    seed: int,
    evaluated: frozenset[str] = frozenset(),
    labels: "pd.DataFrame | None" = None,
    *,
    pending: frozenset[str] = frozenset(),
    success: NDArray[np.floating] | None = None,
    costs: NDArray[np.floating] | None = None,
    top: int | None = None,
) -> Ranking:
    """Rank the candidates of a pool.

    Where the prediction does not tell candidates apart (nothing was learned yet), the first ones are chosen to
    cover the pool: as many as the campaign's initial batch.

    Parameters
    ----------
    prediction
        Of all m members of the pool, every property the campaign names included.
    features
        Shape (m, f). Without them there is neither diversity nor a cover: candidates come by their score alone.
    material_ids
        The m names, all different.
    campaign
        Its goal and acquisition.
    seed
        Of everything random in the ranking.
    evaluated
        Members that are not candidates: evaluated, being evaluated, or rejected.
    labels
        What was measured so far, one row a material and a column a property; strategies that improve on the
        best need it.
    pending
        Members that are being evaluated: no candidates either, and a diverse batch keeps away from them.
    success
        Shape (m,): chance that evaluating a member gives an answer. Its logarithm is added to the score, so where
        scores are logarithms (see ``Strategy.is_logarithmic``) a probability or gain is multiplied by it.
    costs
        Shape (m,), positive: what evaluating a member costs. With ``acquisition.cost`` the score is per cost:
        Snoek et al., NeurIPS 2012.
    top
        How many of the best the frame lists; all by default. The hash is of all of them.

    Raises
    ------
    LoopError
        The prediction lacks a property or is not of these materials, or the campaign needs costs and has none.
    """
    _require_fit(prediction, material_ids, campaign, costs)
    taken = evaluated | pending
    by_name = np.array(sorted(range(len(material_ids)), key=material_ids.__getitem__), dtype=np.int64)
    rows = np.array([row for row in by_name.tolist() if material_ids[row] not in taken], dtype=np.int64)
    names = np.empty(len(material_ids), dtype=object)
    names[:] = material_ids
    ids = names[rows]
    yardstick = make_yardstick(
        campaign, prediction.properties, prediction.mean[by_name], prediction.std[by_name], labels
    )
    scores, feasibility = score_pool(campaign, prediction, yardstick, ids, rows, seed)
    scores = round_digits(scores + _handicap(campaign, rows, success, costs))
    if features is not None and _tells_nothing(prediction, campaign):
        scores = _cover_scores(features[rows], ids, campaign.initial_batch, seed)
        order = order_by_score(scores, ids, seed)
    else:
        order = order_by_score(scores, ids, seed)
        if features is not None:
            waiting = np.array(
                [row for row in by_name.tolist() if material_ids[row] in pending], dtype=np.int64
            )
            order = _diversified(order, scores, features, rows, waiting, campaign)
    listed = order[:top]
    frame = _list(prediction, rows[listed], ids[listed], scores[listed], feasibility[listed])
    return Ranking(frame, hashlib.sha256("\n".join(ids[order]).encode()).hexdigest())


def rerank(
    prediction: "Prediction",
    material_ids: Sequence[str],
    campaign: Campaign,
    seed: int,
    evaluated: frozenset[str] = frozenset(),
    labels: "pd.DataFrame | None" = None,
    *,
    strategy: Strategy | str | None = None,
    exploration_weight: float | None = None,
    features: NDArray[np.floating] | None = None,
    pending: frozenset[str] = frozenset(),
    success: NDArray[np.floating] | None = None,
    costs: NDArray[np.floating] | None = None,
    top: int | None = None,
) -> Ranking:
    """Rank stored predictions again under another strategy or exploration weight, without refitting.

    With the campaign's own strategy and weight and the same other arguments it is :func:`rank`, to the last bit;
    stored draws carry all that the scores need. Without ``features`` a diverse batch comes by its scores alone, and
    so does a first one that covered the pool.

    Raises
    ------
    InvalidCampaignError
        The strategy does not suit the campaign, or the weight is out of range.
    LoopError
        As :func:`rank`.
    """
    changes = {"strategy": strategy, "exploration_weight": exploration_weight}
    wanted = {name: value for name, value in changes.items() if value is not None}
    if wanted:
        document = campaign.document
        document["acquisition"] = {**document["acquisition"], **wanted}
        campaign = parse_campaign(document, campaign.name)
    return rank(
        prediction,
        features,
        material_ids,
        campaign,
        seed,
        evaluated,
        labels,
        pending=pending,
        success=success,
        costs=costs,
        top=top,
    )


def _require_fit(
    prediction: "Prediction",
    material_ids: Sequence[str],
    campaign: Campaign,
    costs: NDArray[np.floating] | None,
) -> None:
    missing = set(campaign.properties) - set(prediction.properties)
    if missing or len(prediction.mean) != len(material_ids):
        raise LoopError(
            f"The prediction of {len(prediction.mean)} materials is not one of the pool's {len(material_ids)} "
            f"with {', '.join(campaign.predicted_properties)}.",
            "Materialize the predictions of this iteration again.",
        )
    if campaign.acquisition.cost is not None and costs is None:
        raise LoopError(
            f"Campaign {campaign.name} ranks by score per {campaign.acquisition.cost}, which is not known of the pool.",
            "Give the costs, or leave acquisition.cost out of the campaign.",
        )


def _handicap(
    campaign: Campaign,
    rows: NDArray[np.int64],
    success: NDArray[np.floating] | None,
    costs: NDArray[np.floating] | None,
) -> NDArray[np.float64]:
    """Return what is added to the scores for the chance of an answer and for the cost of asking."""
    handicap = np.zeros(len(rows))
    if success is not None:
        handicap += np.log(np.maximum(success[rows], 1e-12))
    if campaign.acquisition.cost is not None and costs is not None:
        handicap -= np.log(np.maximum(costs[rows], 1e-12))
    return handicap


def _tells_nothing(prediction: "Prediction", campaign: Campaign) -> bool:
    learned = [prediction.properties.index(name) for name in campaign.learned_properties]
    return bool(np.all(np.ptp(prediction.mean[:, learned], axis=0) == 0)) if len(prediction.mean) else True


def _cover_scores(features: NDArray[np.floating], ids: Names, size: int, seed: int) -> NDArray[np.float64]:
    """Score the chosen ones above 1, the first highest, and the others at random below."""
    scores = hash_ids(ids, seed).astype(np.float64) / 2.0**64
    if len(ids):
        chosen = choose_cover(features, size, seed)
        scores[chosen] = 1.0 + np.arange(len(chosen), 0, -1)
    return scores


def _diversified(
    order: NDArray[np.int64],
    scores: NDArray[np.float64],
    features: NDArray[np.floating],
    rows: NDArray[np.int64],
    waiting: NDArray[np.int64],
    campaign: Campaign,
) -> NDArray[np.int64]:
    """Return the order with the batch first, in the order of choice."""
    acquisition = campaign.acquisition
    if acquisition.diversity == 0 or acquisition.strategy is Strategy.RANDOM or not len(order):
        return order
    best = order[: n_considered(acquisition.batch_size)]
    chosen = choose_batch(
        scores[best],
        features[rows[best]],
        acquisition.batch_size,
        acquisition.diversity,
        features[waiting],
        unit=1.0 if acquisition.strategy.is_logarithmic else float(np.std(scores[best])),
    )
    others = np.delete(best, chosen)
    return np.concatenate([best[chosen], others, order[len(best) :]])


def _list(
    prediction: "Prediction",
    rows: NDArray[np.int64],
    ids: NDArray[np.object_],
    scores: NDArray[np.float64],
    feasibility: NDArray[np.float64],
) -> "pd.DataFrame":
    import pandas as pd

    columns: dict[str, object] = {
        "material_id": ids,
        "rank": np.arange(1, len(rows) + 1),
        "acquisition": scores,
        "feasibility": feasibility,
    }
    for position, name in enumerate(prediction.properties):
        columns[f"mean_{name}"] = prediction.mean[rows, position]
        columns[f"std_{name}"] = prediction.std[rows, position]
    return pd.DataFrame(columns)
