"""What another strategy or exploration weight would have suggested: stored predictions ranked again, nothing refitted.

The choice is among what the recorded ranking could choose from: what was decided since has no part in it. Features are
not read, so candidates come by their scores alone, without the diversity of a batch or the learned chance of failure.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from catalyst_assets.acquisition.ranking import rerank
from catalyst_assets.acquisition.shortlist import load_costs
from catalyst_assets.campaigns.derived import fill_derived
from catalyst_assets.campaigns.history import History, read_history
from catalyst_assets.campaigns.iterations import Iteration, read_iteration
from catalyst_assets.campaigns.library import parse_campaign
from catalyst_assets.campaigns.model import Strategy
from catalyst_assets.errors import CatalystError, LoopError
from catalyst_assets.learning.training_set import pivot_labels
from catalyst_assets.prediction.scoring import load_predictions
from resources.postgres.database import fetch_all, fetch_one

if TYPE_CHECKING:
    import pandas as pd
    import sqlalchemy as sa
    from numpy.typing import NDArray

    from catalyst_assets.campaigns.model import Campaign
    from catalyst_assets.learning.heads.head import Prediction


@dataclass(frozen=True)
class StoredRanking:
    """All that ranking an iteration again needs, in memory.

    Attributes
    ----------
    iteration
        The turn.
    material_ids
        The m members of its pool, sorted.
    prediction
        Of them, as the recorded ranking saw it.
    history
        What earlier turns left to it.
    labels
        What was known of the pool, a row a material and a column a property.
    costs
        Shape (m,); None for a campaign without.
    seed
        The recorded one.
    """

    iteration: Iteration
    material_ids: list[str]
    prediction: "Prediction"
    history: History
    labels: "pd.DataFrame"
    costs: "NDArray[np.float64] | None"
    seed: int

    @property
    def n_bytes(self) -> int:
        """How much memory its arrays and names take."""
        arrays = [value for value in vars(self.prediction).values() if isinstance(value, np.ndarray)]
        arrays += [] if self.costs is None else [self.costs]
        groups = [self.material_ids, *vars(self.history).values()]
        return (
            sum(array.nbytes for array in arrays)
            + sum(sys.getsizeof(group) + sum(map(sys.getsizeof, group)) for group in groups)
            + int(self.labels.memory_usage(deep=True).sum())
        )

    @property
    def learned_anything(self) -> bool:
        """Whether the predictions tell candidates apart; before the first labels nothing does."""
        names = self.iteration.campaign.learned_properties
        learned = [self.prediction.properties.index(name) for name in names]
        return bool(len(self.material_ids)) and bool(np.ptp(self.prediction.mean[:, learned], axis=0).any())

    @property
    def by_score_alone(self) -> bool:
        """Whether the recorded ranking weighed more than scores, so that even its own strategy may rank otherwise."""
        campaign = self.iteration.campaign
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
        if not self.learned_anything:
            raise LoopError(
                f"Nothing had been learned when {self.iteration.partition_key} was ranked: its candidates were chosen "
                "to cover the pool, and no strategy would rank them.",
                "Choose a later iteration.",
            )
        return rerank(
            self.prediction,
            self.material_ids,
            self.iteration.campaign,
            self.seed,
            self.history.withheld,
            self.labels,
            strategy=strategy,
            exploration_weight=exploration_weight,
            pending=self.history.pending,
            costs=self.costs,
            top=top,
        ).frame


def load_stored_ranking(connection: "sa.Connection", partition_key: str) -> StoredRanking:
    """Read what the recorded ranking of an iteration was computed from.

    Raises
    ------
    LoopError
        The iteration is not known or not ranked.
    """
    iteration = read_iteration(connection, partition_key)
    recorded = fetch_one(connection, "acquisition/ranking", partition_key=partition_key)
    if recorded is None:
        raise LoopError(
            f"Iteration {partition_key} has no ranking yet.", "Materialize `ranked_candidates` of it first."
        )
    campaign = iteration.campaign
    material_ids, prediction, _ = load_predictions(connection, partition_key, recorded["prediction_version"])
    history = (
        read_history(connection, campaign, iteration.number)
        if recorded["history"] is None
        else History.from_json(recorded["history"])
    )
    return StoredRanking(
        iteration=iteration,
        material_ids=material_ids,
        prediction=prediction,
        history=history.for_pool(material_ids),
        labels=_load_labels(connection, iteration, material_ids),
        costs=load_costs(connection, campaign, material_ids),
        seed=recorded["seed"],
    )


def suitable_strategies(campaign: "Campaign") -> list[Strategy]:
    """Return the strategies that this campaign could use."""
    suitable = []
    for strategy in Strategy:
        document = campaign.document
        document["acquisition"] = {**document["acquisition"], "strategy": strategy.value}
        try:
            parse_campaign(document, campaign.name)
        except CatalystError:
            continue
        suitable.append(strategy)
    return suitable


def _load_labels(
    connection: "sa.Connection", iteration: Iteration, material_ids: Sequence[str]
) -> "pd.DataFrame":
    import pandas as pd

    campaign, members = iteration.campaign, set(material_ids)
    rows: list[Mapping[str, object]] = [
        row
        for row in fetch_all(connection, "loop/iteration_labels", partition_key=iteration.partition_key)
        if row["material_id"] in members
    ]
    labelled, values = pivot_labels(rows, campaign.learned_properties)
    named = fetch_all(connection, "acquisition/formulas", material_ids=labelled)
    formulas = {row["material_id"]: row["reduced_formula"] for row in named}
    learned = pd.DataFrame(values, columns=list(campaign.learned_properties))
    return fill_derived(campaign, learned, [formulas[name] for name in labelled])
