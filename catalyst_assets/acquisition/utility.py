"""What a draw is worth to a campaign: its margin inside the criteria, or the objective's value.

Every strategy scores this one number, so each works for criteria and for an objective alike.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.campaigns.criteria import margins
from catalyst_assets.campaigns.model import Campaign

if TYPE_CHECKING:
    import pandas as pd

    from catalyst_assets.learning.heads import Prediction

_LEAST_SPREAD = 1e-9


@dataclass(frozen=True)
class Utility:
    """The worth of m candidates, larger is better.

    Attributes
    ----------
    draws
        Shape (m, k): of each joint draw. A margin in units of the properties' spread, positive when all
        criteria hold; for an objective its value in units of its spread, its sign turned to maximise.
    at_mean
        Shape (m,): of the predicted means.
    uncertainty
        Shape (m,): root mean square over the properties of the standard deviation, in the same units.
    incumbent
        The best worth among the labels; for criteria never above 0, because more feasible materials are
        wanted and not a more feasible one.
    """

    draws: NDArray[np.float64]
    at_mean: NDArray[np.float64]
    uncertainty: NDArray[np.float64]
    incumbent: float


def compute_utility(campaign: Campaign, prediction: "Prediction", labels: "pd.DataFrame | None") -> Utility:
    """Turn a prediction of every property the campaign names into worth.

    Parameters
    ----------
    campaign
        Its criteria or objective.
    prediction
        Of the m candidates.
    labels
        One row a labelled material, a column a property; without any, the best predicted mean is the incumbent.
    """
    names = prediction.properties
    total = np.sqrt(prediction.mean.var(axis=0) + (prediction.std**2).mean(axis=0))
    spreads = dict(zip(names, np.maximum(total, _LEAST_SPREAD).tolist(), strict=True))

    def worth(values: NDArray[np.floating]) -> NDArray[np.float64]:
        if campaign.objective is None:
            return margins(campaign, values, names, spreads)
        sign = 1.0 if campaign.objective.direction == "maximize" else -1.0
        column = values[..., names.index(campaign.objective.property)]
        return np.asarray(sign * column / spreads[campaign.objective.property], dtype=np.float64)

    relative = prediction.std / np.array([spreads[name] for name in names])
    at_mean = worth(prediction.mean[:, None, :])[:, 0]
    known = np.empty(0)
    if labels is not None and len(labels):
        columns = labels.reindex(columns=list(names)).to_numpy(np.float64)
        known = worth(columns[:, None, :])[:, 0]
        known = known[np.isfinite(known)]
    incumbent = float(known.max()) if len(known) else float(at_mean.max(initial=-np.inf))
    if campaign.objective is None:
        incumbent = min(incumbent, 0.0)
    return Utility(worth(prediction.draws), at_mean, np.sqrt((relative**2).mean(axis=1)), incumbent)
