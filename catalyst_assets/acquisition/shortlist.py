"""From predictions to the candidates of a turn: rank, record, and in automatic review send to validation.

How materials are scored is ``strategies`` and ``ranking``; here the result meets the database, in one
transaction, so that a turn has all of its candidates or none.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from catalyst_assets.acquisition.ranking import Ranking, rank
from catalyst_assets.campaigns.derived import fill_derived
from catalyst_assets.campaigns.iterations import Iteration, read_iteration
from catalyst_assets.constants import PROPERTIES
from catalyst_assets.errors import LoopError
from catalyst_assets.learning.training_set import load_training_set
from catalyst_assets.loop.progress import load_evaluations
from catalyst_assets.prediction.scoring import load_predictions
from catalyst_assets.representation.store import load_features
from catalyst_assets.seeds import derive_seed
from resources.postgres import execute, execute_many, fetch_all, fetch_one

if TYPE_CHECKING:
    from collections.abc import Mapping

    import sqlalchemy as sa

    from catalyst_assets.campaigns.model import Campaign
    from catalyst_assets.learning.training_set import TrainingSet
    from resources.object_store import ObjectStore
    from resources.postgres import Database

# A reviewer needs more to choose from than will be validated.
MANUAL_SHORTLIST_FACTOR: Final = 4
AUTOMATIC_REVIEWER: Final = "automatic review"


@dataclass(frozen=True)
class Shortlist:
    """The candidates of a turn and what it takes to compute them again.

    Attributes
    ----------
    ranking
        Every material that may still be proposed, best first.
    batch_size
        How many the turn wants validated.
    n_listed
        How many of the best become candidates.
    prediction_version, seed, features_sha256
        What it was computed from.
    """

    iteration: Iteration
    ranking: Ranking
    batch_size: int
    n_listed: int
    prediction_version: int
    seed: int
    features_sha256: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The candidates as rows of the database, best first."""
        campaign = self.iteration.campaign
        rows = []
        for place, row in enumerate(self.ranking.frame.head(self.n_listed).to_dict("records"), start=1):
            predicted = {
                name: {
                    "mean": float(row[f"mean_{name}"]),
                    "std": float(row[f"std_{name}"]),
                    "unit": PROPERTIES[name].unit,
                }
                for name in campaign.predicted_properties
            }
            feasibility = row["feasibility"]
            rows.append(
                {
                    "partition_key": self.iteration.partition_key,
                    "material_id": row["material_id"],
                    "rank": place,
                    "acquisition": float(row["acquisition"]),
                    "feasibility": None if np.isnan(feasibility) else float(np.clip(feasibility, 0, 1)),
                    "predicted": json.dumps(predicted, allow_nan=False),
                }
            )
        return rows


def compute_shortlist(database: "Database", objects: "ObjectStore", partition_key: str) -> Shortlist:
    """Rank what the campaign may still propose; nothing is written.

    The same predictions, features, labels and seed give the same shortlist.

    Raises
    ------
    LoopError
        There are no predictions, nothing is left to propose, or the budget is spent.
    """
    with database.transaction() as connection:
        iteration = read_iteration(connection, partition_key)
        campaign = iteration.campaign
        material_ids, prediction, version = load_predictions(connection, partition_key)
        structures = fetch_all(connection, "prediction/structures", version=version)
        evaluated = fetch_all(
            connection, "acquisition/evaluated", campaign=campaign.name, iteration=iteration.number
        )
        answered = [e for e in load_evaluations(connection, campaign) if e.iteration < iteration.number]
    training_set = load_training_set(objects, iteration)
    # Another backbone may have become the current one since.
    features = load_features(
        objects, training_set.provenance["backbone"], [row["structure_hash"] for row in structures]
    ).informed()
    seed = derive_seed(campaign.seed, iteration.number, "ranking")
    batch_size = wanted_batch(iteration, len(answered))
    ranking = rank(
        prediction,
        features.values,
        material_ids,
        campaign,
        seed,
        frozenset(row["material_id"] for row in evaluated),
        labels=_known_values(
            training_set, campaign, {row["material_id"]: row["reduced_formula"] for row in structures}
        ),
    )
    if len(ranking.frame) == 0:
        raise LoopError(
            f"Campaign {campaign.name} has nothing left to propose for {partition_key}.",
            "Every material of the pool was evaluated or declined: end the campaign or widen its pool.",
        )
    n_listed = batch_size if campaign.review == "automatic" else batch_size * MANUAL_SHORTLIST_FACTOR
    values = np.ascontiguousarray(features.values, dtype="<f4")
    return Shortlist(
        iteration=iteration,
        ranking=ranking,
        batch_size=batch_size,
        n_listed=min(n_listed, len(ranking.frame)),
        prediction_version=version,
        seed=seed,
        features_sha256=hashlib.sha256(values.tobytes()).hexdigest(),
    )


def wanted_batch(iteration: Iteration, n_answered: int) -> int:
    """Return how many candidates a turn wants validated: its batch, or what the budget still allows.

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


def record_shortlist(database: "Database", shortlist: Shortlist) -> bool:
    """Write a turn's candidates, and flag the batch where no person reviews; all in one transaction.

    Returns
    -------
    bool
        False when the same ranking was recorded before; then nothing changes.

    Raises
    ------
    LoopError
        Another ranking was recorded and candidates of it have been flagged or rejected since.
    """
    iteration = shortlist.iteration
    key, campaign = iteration.partition_key, iteration.campaign
    with database.transaction() as connection:
        fetch_one(connection, "loop/lock_campaign", name=campaign.name)
        recorded = fetch_one(connection, "acquisition/ranking", partition_key=key)
        if recorded is not None and is_same(recorded, shortlist):
            return False
        existing = fetch_all(connection, "acquisition/candidates", partition_key=key)
        moved = [row["material_id"] for row in existing if row["status"] != "ranked"]
        if moved:
            raise LoopError(
                f"The ranking of {key} would change, but {len(moved)} of its candidates have been acted upon, "
                f"among them {', '.join(moved[:3])}.",
                "Keep it: what was learned since belongs to the next iteration.",
            )
        execute(
            connection,
            "acquisition/record_ranking",
            partition_key=key,
            prediction_version=shortlist.prediction_version,
            strategy=campaign.acquisition.strategy.value,
            exploration_weight=campaign.acquisition.exploration_weight,
            batch_size=shortlist.batch_size,
            seed=shortlist.seed,
            label_sha256=iteration.label_sha256,
            features_sha256=shortlist.features_sha256,
            ranking_sha256=shortlist.ranking.sha256,
        )
        execute(connection, "acquisition/set_ranks_aside", partition_key=key)
        execute_many(connection, "acquisition/upsert_candidate", shortlist.rows)
        execute(connection, "acquisition/close_ranks", partition_key=key, n_shortlisted=shortlist.n_listed)
        execute(connection, "acquisition/mark_ranked", partition_key=key)
        if campaign.review == "automatic":
            _flag_batch(connection, key, shortlist.batch_size)
    return True


def find_ranking_problems(database: "Database", objects: "ObjectStore", partition_key: str) -> list[str]:
    """Ask whether the recorded ranking follows again from its seed and hashes, and its candidates from it."""
    with database.transaction() as connection:
        recorded = fetch_one(connection, "acquisition/ranking", partition_key=partition_key)
        candidates = fetch_all(connection, "acquisition/candidates", partition_key=partition_key)
    if recorded is None:
        return ["No ranking is recorded."]
    again = compute_shortlist(database, objects, partition_key)
    problems = [
        f"The {name} is {current}, recorded is {recorded[name]}."
        for name, current in _identity(again).items()
        if recorded[name] != current
    ]
    listed = [row["material_id"] for row in candidates[: again.n_listed]]
    if listed != [row["material_id"] for row in again.rows]:
        problems.append("The candidates are not the first of the ranking.")
    return problems


def is_same(recorded: "dict[str, Any]", shortlist: Shortlist) -> bool:
    """Tell whether a recorded ranking is this one."""
    return all(recorded[name] == value for name, value in _identity(shortlist).items())


def _identity(shortlist: Shortlist) -> dict[str, Any]:
    return {
        "prediction_version": shortlist.prediction_version,
        "batch_size": shortlist.batch_size,
        "seed": shortlist.seed,
        "label_sha256": shortlist.iteration.label_sha256,
        "features_sha256": shortlist.features_sha256,
        "ranking_sha256": shortlist.ranking.sha256,
    }


def _known_values(
    training_set: "TrainingSet", campaign: "Campaign", formulas: "Mapping[str, str]"
) -> pd.DataFrame:
    """Return the labels of the pool's members, a column a property, derived ones included."""
    rows = [row for row, name in enumerate(training_set.material_ids) if name in formulas]
    learned = pd.DataFrame(training_set.labels[rows], columns=list(training_set.properties))
    return fill_derived(campaign, learned, [formulas[training_set.material_ids[row]] for row in rows])


def _flag_batch(connection: "sa.Connection", partition_key: str, batch_size: int) -> None:
    for row in fetch_all(connection, "acquisition/candidates", partition_key=partition_key)[:batch_size]:
        fetch_one(
            connection,
            "acquisition/transition",
            candidate_id=row["candidate_id"],
            to_status="flagged",
            actor=AUTOMATIC_REVIEWER,
            reason="",
        )
