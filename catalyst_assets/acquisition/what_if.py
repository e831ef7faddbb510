"""What another strategy or exploration weight would have suggested: stored predictions ranked again, nothing refitted.

The choice is among what the recorded ranking could choose from: what was decided since has no part in it. Features are
not read, so candidates come by their scores alone, without the diversity of a batch or the learned chance of failure.
"""

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from catalyst_assets.acquisition.problem import RankingProblem, with_acquisition
from catalyst_assets.acquisition.ranking import rank
from catalyst_assets.acquisition.stored import load_problem, read_recorded
from catalyst_assets.campaigns.criteria import bound_chances
from catalyst_assets.campaigns.model import Strategy
from catalyst_assets.errors import InvalidCampaignError, LoopError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    import sqlalchemy as sa

    from catalyst_assets.campaigns.model import Campaign


@dataclass(frozen=True)
class StoredRanking:
    """A recorded ranking in memory, so that ranking again costs no reading."""

    partition_key: str
    problem: RankingProblem

    @property
    def n_bytes(self) -> int:
        """How much memory its arrays and names take."""
        problem = self.problem
        arrays = [value for value in vars(problem.prediction).values() if isinstance(value, np.ndarray)]
        arrays += [] if problem.costs is None else [problem.costs]
        groups = (problem.material_ids, problem.withheld, problem.pending)
        return (
            sum(array.nbytes for array in arrays)
            + sum(sys.getsizeof(group) + sum(map(sys.getsizeof, group)) for group in groups)
            + (0 if problem.labels is None else int(problem.labels.memory_usage(deep=True).sum()))
        )

    @property
    def by_score_alone(self) -> bool:
        """Whether the recorded ranking weighed more than scores, so that even its own strategy may rank otherwise."""
        campaign = self.problem.campaign
        return campaign.acquisition.diversity > 0 or campaign.failures.learn

    def rank_again(
        self, strategy: Strategy | None, exploration_weight: float | None, top: int
    ) -> "pd.DataFrame":
        """Return the ``top`` candidates under another strategy or weight; None keeps the recorded one.

        Returns
        -------
        The frame of ``ranking.Ranking``.

        Raises
        ------
        InvalidCampaignError
            The strategy does not suit the campaign.
        LoopError
            Nothing had been learned, so no strategy ranks anything.
        """
        if not self.problem.learned_anything:
            raise LoopError(
                f"Nothing had been learned when {self.partition_key} was ranked: its candidates were chosen "
                "to cover the pool, and no strategy would rank them.",
                "Choose a later iteration.",
            )
        return rank(self.problem.under(strategy, exploration_weight), top).frame

    def chances(self, material_ids: "Sequence[str]") -> dict[str, dict[str, float]]:
        """Return how likely each property of some members is within its bound, as `criteria.bound_chances` says it."""
        problem = self.problem
        wanted = set(material_ids)
        places = [place for place, name in enumerate(problem.material_ids) if name in wanted]
        predicted = problem.prediction
        found = bound_chances(
            problem.campaign, predicted.draws[places], predicted.std[places], predicted.properties
        )
        return {
            problem.material_ids[place]: {name: float(each[row]) for name, each in found.items()}
            for row, place in enumerate(places)
        }


def load_stored_ranking(connection: "sa.Connection", partition_key: str) -> StoredRanking:
    """Read what the recorded ranking of an iteration was computed from.

    Raises
    ------
    UsageError
        The iteration is not known, or has no ranking.
    LoopError
        It was ranked by a version that did not keep what it withheld.
    """
    inputs, _ = read_recorded(connection, partition_key)
    return StoredRanking(partition_key, load_problem(connection, inputs))


def suitable_strategies(campaign: "Campaign") -> list[Strategy]:
    """Return the strategies that this campaign could use."""
    suitable = []
    for strategy in Strategy:
        try:
            with_acquisition(campaign, strategy=strategy)
        except InvalidCampaignError:
            continue
        suitable.append(strategy)
    return suitable
