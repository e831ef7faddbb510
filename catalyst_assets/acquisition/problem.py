"""The question that a ranking answers: which candidates of a pool, under which campaign, given what is known.

The asset, replays, what-ifs and benchmarks state it the same way; ``ranking`` answers it and ``stored`` reads the
recorded ones. Nothing here reads a store.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.campaigns.library import parse_campaign
from catalyst_assets.campaigns.model import Campaign, Strategy
from catalyst_assets.errors import LoopError

if TYPE_CHECKING:
    import pandas as pd

    from catalyst_assets.learning.predictor import Prediction


@dataclass(frozen=True)
class RankingProblem:
    """All that a ranking follows from; the order of the pool's m members does not matter.

    Attributes
    ----------
    campaign
        Its goal and acquisition.
    material_ids
        The m names, all different.
    prediction
        Of all m members, every property the campaign names included.
    seed
        Of everything random in the ranking.
    withheld
        Members that are not candidates: evaluated, being evaluated, or rejected.
    pending
        Members that are being evaluated: no candidates either, and a diverse batch keeps away from them.
    labels
        What was measured so far, one row a material and a column a property; strategies that improve on the
        best need it.
    costs
        Shape (m,), positive: what evaluating a member costs. With ``acquisition.cost`` the score is per cost:
        Snoek et al., NeurIPS 2012.
    features
        Shape (m, f). Without them there is neither diversity nor a cover: candidates come by their score alone.
    untaught
        Nothing was learned: what the prediction tells members apart by are cheap answers alone.
    success
        Shape (m,): chance that evaluating a member gives an answer. Its logarithm is added to the score, so where
        scores are logarithms (see ``Strategy.is_logarithmic``) a probability or gain is multiplied by it.

    Raises
    ------
    LoopError
        The prediction lacks a property or is not of these materials, or the campaign needs costs and has none.
    """

    campaign: Campaign
    material_ids: Sequence[str]
    prediction: "Prediction"
    seed: int
    withheld: frozenset[str] = frozenset()
    pending: frozenset[str] = frozenset()
    labels: "pd.DataFrame | None" = None
    costs: NDArray[np.floating] | None = None
    features: NDArray[np.floating] | None = None
    success: NDArray[np.floating] | None = None
    untaught: bool = False

    def __post_init__(self) -> None:
        campaign, prediction = self.campaign, self.prediction
        missing = set(campaign.properties) - set(prediction.properties)
        if missing or len(prediction.mean) != len(self.material_ids):
            raise LoopError(
                f"The prediction of {len(prediction.mean)} materials is not one of the pool's "
                f"{len(self.material_ids)} with {', '.join(campaign.predicted_properties)}.",
                "Materialize the predictions of this iteration again.",
            )
        if campaign.acquisition.cost is not None and self.costs is None:
            raise LoopError(
                f"Campaign {campaign.name} ranks by score per {campaign.acquisition.cost}, which is not known of the "
                "pool.",
                "Give the costs, or leave acquisition.cost out of the campaign.",
            )

    def under(
        self, strategy: Strategy | str | None = None, exploration_weight: float | None = None
    ) -> "RankingProblem":
        """Return the same problem under another strategy or exploration weight; None keeps the campaign's own.

        Nothing is refitted: stored draws carry all that the scores need.

        Raises
        ------
        InvalidCampaignError
            The strategy does not suit the campaign, or the weight is out of range.
        """
        changes = {"strategy": strategy, "exploration_weight": exploration_weight}
        wanted = {name: value for name, value in changes.items() if value is not None}
        if not wanted:
            return self
        return replace(self, campaign=with_acquisition(self.campaign, **wanted))

    @cached_property
    def names(self) -> NDArray[np.object_]:
        """The names as an array, shape (m,)."""
        names = np.empty(len(self.material_ids), dtype=object)
        names[:] = self.material_ids
        return names

    @cached_property
    def by_name(self) -> NDArray[np.int64]:
        """The rows of the pool in the order of their names, shape (m,)."""
        return np.asarray(np.argsort(self.names, kind="stable"), dtype=np.int64)

    @cached_property
    def candidates(self) -> NDArray[np.int64]:
        """The rows that may be proposed, in the order of their names."""
        return self._by_name_unless(self.withheld | self.pending, False)

    @cached_property
    def waiting(self) -> NDArray[np.int64]:
        """The rows that are being evaluated, in the order of their names."""
        return self._by_name_unless(self.pending, True)

    @property
    def learned_anything(self) -> bool:
        """Whether the prediction tells members apart by what was learned; before the first labels it does not."""
        return self.tells_apart and not self.untaught

    @property
    def tells_apart(self) -> bool:
        """Whether the prediction tells members apart, by what was learned or by cheap answers."""
        learned = [self.prediction.properties.index(name) for name in self.campaign.learned_properties]
        return bool(len(self.material_ids)) and bool(np.ptp(self.prediction.mean[:, learned], axis=0).any())

    def _by_name_unless(self, members: frozenset[str], inside: bool) -> NDArray[np.int64]:
        chosen = [row for row in self.by_name.tolist() if (self.material_ids[row] in members) is inside]
        return np.array(chosen, dtype=np.int64)


def with_acquisition(campaign: Campaign, **changes: Any) -> Campaign:
    """Return a campaign with other fields of its acquisition.

    Raises
    ------
    InvalidCampaignError
        They do not suit the campaign, or are out of range.
    """
    document = campaign.document
    document["acquisition"] |= changes
    return parse_campaign(document, campaign.name)
