"""Which candidates next: the one function that the asset, the app and the benchmark rank with.

A ranking depends on the materials, their predictions, the campaign and the seed; never on the order of rows.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.acquisition.cold_start import choose_cover
from catalyst_assets.acquisition.strategies import hash_ids, log_feasibility, score
from catalyst_assets.acquisition.utility import compute_utility
from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.errors import LoopError

if TYPE_CHECKING:
    import pandas as pd

    from catalyst_assets.learning.heads import Prediction

_DIGITS = 9


@dataclass(frozen=True)
class Ranking:
    """Candidates, best first.

    Attributes
    ----------
    frame
        Columns material_id, rank (from 1), acquisition, feasibility (NaN for an objective), and mean_* and
        std_* of every predicted property.
    sha256
        Hash of the materials in their order.
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
    labels: "pd.DataFrame | None" = None,
) -> Ranking:
    """Rank the candidates of a pool.

    Where the prediction does not tell candidates apart (nothing was learned yet), the first ones are chosen to
    cover the pool: as many as the campaign's initial batch.

    Parameters
    ----------
    prediction
        Of all m members of the pool, every property the campaign names included.
    features
        Shape (m, f).
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

    Raises
    ------
    LoopError
        The prediction lacks a property, or is not of these materials.
    """
    missing = set(campaign.properties) - set(prediction.properties)
    if missing or len(prediction.mean) != len(material_ids):
        raise LoopError(
            f"The prediction of {len(prediction.mean)} materials is not one of the pool's {len(material_ids)} "
            f"with {', '.join(campaign.predicted_properties)}.",
            "Materialize the predictions of this iteration again.",
        )
    order = np.array(sorted(range(len(material_ids)), key=material_ids.__getitem__), dtype=np.int64)
    prediction = _take(prediction, order)
    ids = [material_ids[row] for row in order]
    open_rows = np.array([row for row, name in enumerate(ids) if name not in evaluated], dtype=np.int64)
    utility = compute_utility(campaign, prediction, labels)
    acquisition = score(
        campaign.acquisition.strategy, utility, ids, campaign.acquisition.exploration_weight, seed
    )
    if _tells_nothing(prediction, campaign):
        acquisition = _cover_scores(features[order], ids, open_rows, campaign.initial_batch, seed)
    feasibility = np.full(len(ids), np.nan)
    if campaign.criteria:
        feasibility = np.clip(np.exp(log_feasibility(utility)), 0.0, 1.0)
    acquisition = _rounded(acquisition)
    by_score = np.lexsort((hash_ids(ids, seed)[open_rows], -acquisition[open_rows]))
    return _assemble(prediction, ids, open_rows[by_score], acquisition, feasibility)


def _tells_nothing(prediction: "Prediction", campaign: Campaign) -> bool:
    learned = [prediction.properties.index(name) for name in campaign.learned_properties]
    return bool(np.all(np.ptp(prediction.mean[:, learned], axis=0) == 0)) if len(prediction.mean) else True


def _cover_scores(
    features: NDArray[np.floating], ids: Sequence[str], open_rows: NDArray[np.int64], size: int, seed: int
) -> NDArray[np.float64]:
    """Score the chosen ones above 1, the first highest, and the others at random below."""
    scores = hash_ids(ids, seed).astype(np.float64) / 2.0**64
    if len(open_rows):
        chosen = choose_cover(features[open_rows], size, seed)
        scores[open_rows[chosen]] = 1.0 + np.arange(len(chosen), 0, -1)
    return scores


def _rounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Drop the digits that depend on how a sum was split, so that they decide nothing."""
    magnitude = np.floor(np.log10(np.maximum(np.abs(values), 1e-300)))
    scale = 10.0 ** (_DIGITS - 1 - magnitude)
    with np.errstate(over="ignore", invalid="ignore"):
        rounded = np.round(values * scale) / scale
    return np.where(np.isfinite(rounded), rounded, values)


def _take(prediction: "Prediction", rows: NDArray[np.int64]) -> "Prediction":
    return type(prediction)(
        prediction.properties, prediction.mean[rows], prediction.std[rows], prediction.draws[rows]
    )


def _assemble(
    prediction: "Prediction",
    ids: Sequence[str],
    rows: NDArray[np.int64],
    acquisition: NDArray[np.float64],
    feasibility: NDArray[np.float64],
) -> Ranking:
    import pandas as pd

    columns = {
        "material_id": [ids[row] for row in rows],
        "rank": np.arange(1, len(rows) + 1),
        "acquisition": acquisition[rows],
        "feasibility": feasibility[rows],
    }
    for position, name in enumerate(prediction.properties):
        columns[f"mean_{name}"] = prediction.mean[rows, position]
        columns[f"std_{name}"] = prediction.std[rows, position]
    frame = pd.DataFrame(columns)
    listing = "\n".join(frame["material_id"])
    return Ranking(frame, hashlib.sha256(listing.encode()).hexdigest())
