"""The candidates of an iteration: its stored predictions ranked, with what it takes to compute the list again.

How materials are scored is ``ranking``; writing the list is ``recording``'s, comparing it ``replay``'s.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from catalyst_assets.acquisition.explanation import Neighbour, nearest_labelled
from catalyst_assets.acquisition.failures import chance_of_answer
from catalyst_assets.acquisition.problem import RankingProblem
from catalyst_assets.acquisition.ranking import Ranking, rank
from catalyst_assets.acquisition.stored import RankingInputs, load_pool_features, load_problem
from catalyst_assets.campaigns.evaluations import load_evaluations
from catalyst_assets.campaigns.history import History, read_history
from catalyst_assets.campaigns.iterations import Iteration, read_iteration
from catalyst_assets.errors import LoopError
from catalyst_assets.learning.training_set import load_fitted_to
from catalyst_assets.seeds import derive_seed
from catalyst_assets.vocabulary.known import unit_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resources.object_store import ObjectStore
    from resources.postgres.database import Database

# A reviewer needs more to choose from than will be validated.
MANUAL_SHORTLIST_FACTOR: Final = 4


@dataclass(frozen=True)
class Shortlist:
    """The candidates of an iteration and what it takes to compute them again.

    Attributes
    ----------
    inputs
        What it was computed from.
    ranking
        Every material that may still be proposed, best first.
    n_listed
        How many of the best become candidates.
    features_sha256
        Of the features that were read.
    nearest
        The labelled materials nearest to each candidate; None where that was not measured.
    """

    inputs: RankingInputs
    ranking: Ranking
    n_listed: int
    features_sha256: str
    nearest: list[list[Neighbour]] | None

    @property
    def iteration(self) -> Iteration:
        """The iteration."""
        return self.inputs.iteration

    @property
    def readable_rows(self) -> list[dict[str, Any]]:
        """The candidates as rows of a table for people, best first."""
        return [
            {
                "rank": row["rank"],
                "material": row["material_id"],
                "acquisition": row["acquisition"],
                "feasibility": row["feasibility"],
                **{
                    f"{name} ({value['unit']})": f"{value['mean']:.3g} ± {value['std']:.2g}"
                    for name, value in json.loads(row["predicted"]).items()
                },
            }
            for row in self.rows
        ]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The candidates as rows of the database, best first."""
        campaign = self.iteration.campaign
        rows = []
        for place, row in enumerate(self.ranking.frame.head(self.n_listed).to_dict("records")):
            predicted = {
                name: {
                    "mean": float(row[f"mean_{name}"]),
                    "std": float(row[f"std_{name}"]),
                    "unit": unit_of(name),
                }
                for name in campaign.predicted_properties
            }
            feasibility = row["feasibility"]
            nearest = None if self.nearest is None else [asdict(one) for one in self.nearest[place]]
            rows.append(
                {
                    "partition_key": self.iteration.partition_key,
                    "material_id": row["material_id"],
                    "rank": place + 1,
                    "acquisition": float(row["acquisition"]),
                    "feasibility": None if np.isnan(feasibility) else float(np.clip(feasibility, 0, 1)),
                    "predicted": json.dumps(predicted, allow_nan=False),
                    "nearest": None if nearest is None else json.dumps(nearest, allow_nan=False),
                }
            )
        return rows


def compute_shortlist(database: "Database", objects: "ObjectStore", partition_key: str) -> Shortlist:
    """Rank what the campaign may still propose; nothing is written.

    Raises
    ------
    LoopError
        There are no predictions, nothing is left to propose, or the budget is spent.
    """
    with database.transaction() as connection:
        iteration = read_iteration(connection, partition_key)
        history = read_history(connection, iteration.campaign, iteration.number)
        evaluations = load_evaluations(connection, iteration.campaign)
    n_answered = sum(one.iteration < iteration.number for one in evaluations)
    inputs = RankingInputs(
        iteration=iteration,
        prediction_version=iteration.prediction_version,
        history=history,
        batch_size=wanted_batch(iteration, n_answered),
        seed=derive_seed(iteration.campaign.seed, iteration.number, "ranking"),
    )
    return rank_stored(database, objects, inputs)


def rank_stored(database: "Database", objects: "ObjectStore", inputs: RankingInputs) -> Shortlist:
    """Rank stored predictions; the same inputs give the same shortlist.

    Raises
    ------
    LoopError
        There are no predictions, or nothing is left to propose.
    CorruptArtifactError
        What the ranking needs is no longer in the object store as it was.
    """
    iteration, campaign = inputs.iteration, inputs.iteration.campaign
    with database.transaction() as connection:
        problem = load_problem(connection, inputs)
        features = load_pool_features(connection, objects, inputs, problem.material_ids)
    success = _chance_of_answer(problem, features, inputs.history) if campaign.failures.learn else None
    ranking = rank(replace(problem, features=features, success=success))
    if len(ranking.frame) == 0:
        raise LoopError(
            f"Campaign {campaign.name} has nothing left to propose for {iteration.partition_key}.",
            "Every material of the pool was evaluated or declined: end the campaign or widen its pool.",
        )
    n_listed = inputs.batch_size * (1 if campaign.review == "automatic" else MANUAL_SHORTLIST_FACTOR)
    place = {name: row for row, name in enumerate(problem.material_ids)}
    listed = [place[name] for name in ranking.frame["material_id"].head(n_listed)]
    return Shortlist(
        inputs=inputs,
        ranking=ranking,
        n_listed=len(listed),
        features_sha256=hashlib.sha256(np.ascontiguousarray(features, dtype="<f4").tobytes()).hexdigest(),
        nearest=nearest_labelled(load_fitted_to(objects, iteration), features[listed]),
    )


def _chance_of_answer(
    problem: RankingProblem, features: "NDArray[np.floating]", history: History
) -> "NDArray[np.float64]":
    failed, answered = (
        np.array([row for row, name in enumerate(problem.material_ids) if name in names], dtype=np.int64)
        for names in (history.failed, history.answered)
    )
    return chance_of_answer(features, failed, answered)


def wanted_batch(iteration: Iteration, n_answered: int) -> int:
    """Return how many candidates an iteration wants validated: its batch, or what the budget still allows.

    Raises
    ------
    LoopError
        The budget is spent.
    """
    campaign = iteration.campaign
    batch = campaign.initial_batch if iteration.number == 0 else campaign.acquisition.batch_size
    if campaign.stop.max_evaluations is None:
        return batch
    left = campaign.stop.max_evaluations - n_answered
    if left <= 0:
        raise LoopError(
            f"Campaign {campaign.name} has spent its {campaign.stop.max_evaluations} evaluations.",
            "Raise stop.max_evaluations to go on.",
        )
    return min(batch, left)
