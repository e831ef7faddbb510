"""From predictions to the candidates of a turn: rank, record, and in automatic review send to validation.

How materials are scored is ``strategies`` and ``ranking``; here the result meets the database, in one
transaction, so that a turn has all of its candidates or none. Computing a recorded ranking again is ``replay``'s.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from catalyst_assets.acquisition.explanation import Neighbour, nearest_labelled
from catalyst_assets.acquisition.failures import chance_of_answer
from catalyst_assets.acquisition.ranking import Ranking, rank
from catalyst_assets.campaigns.derived import fill_derived
from catalyst_assets.campaigns.history import History, read_history
from catalyst_assets.campaigns.iterations import Iteration, read_iteration
from catalyst_assets.campaigns.progress import load_evaluations
from catalyst_assets.constants import PROPERTIES
from catalyst_assets.errors import LoopError
from catalyst_assets.prediction.members import backbone_of, training_set_of
from catalyst_assets.prediction.scoring import load_predictions, read_members
from catalyst_assets.representation.store import load_features
from catalyst_assets.seeds import derive_seed
from resources.code_version import code_version
from resources.postgres.database import execute, execute_many, fetch_all, fetch_one

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import sqlalchemy as sa
    from numpy.typing import NDArray

    from catalyst_assets.campaigns.model import Campaign
    from catalyst_assets.learning.training_set import TrainingSet
    from resources.object_store import ObjectStore
    from resources.postgres.database import Database

# A reviewer needs more to choose from than will be validated.
MANUAL_SHORTLIST_FACTOR: Final = 4
AUTOMATIC_REVIEWER: Final = "automatic review"


@dataclass(frozen=True)
class RankingInputs:
    """All that a turn's ranking is computed from, beside the stored tables that it names.

    Attributes
    ----------
    prediction_version
        Which predictions; None for those the turn shows.
    history
        What earlier turns left: what is not suggested, what is being evaluated, what failed.
    batch_size
        How many the turn wants validated.
    seed
        Of everything random in it.
    """

    iteration: Iteration
    prediction_version: int | None
    history: History
    batch_size: int
    seed: int


@dataclass(frozen=True)
class Shortlist:
    """The candidates of a turn and what it takes to compute them again.

    Attributes
    ----------
    inputs
        What it was computed from, with the history that held for the pool.
    ranking
        Every material that may still be proposed, best first.
    n_listed
        How many of the best become candidates.
    prediction_version, features_sha256
        What was read.
    nearest
        The labelled materials nearest to each candidate; None where that was not measured.
    """

    inputs: RankingInputs
    ranking: Ranking
    n_listed: int
    prediction_version: int
    features_sha256: str
    nearest: list[list[Neighbour]] | None

    @property
    def iteration(self) -> Iteration:
        """The turn."""
        return self.inputs.iteration

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
                    "unit": PROPERTIES[name].unit,
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
        answered = [
            e for e in load_evaluations(connection, iteration.campaign) if e.iteration < iteration.number
        ]
    inputs = RankingInputs(
        iteration=iteration,
        prediction_version=None,
        history=history,
        batch_size=wanted_batch(iteration, len(answered)),
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
    iteration = inputs.iteration
    campaign = iteration.campaign
    with database.transaction() as connection:
        material_ids, prediction, version = load_predictions(
            connection, iteration.partition_key, inputs.prediction_version
        )
        shown = fetch_one(connection, "prediction/version", version=version) or {}
        costs = load_costs(connection, campaign, material_ids)
    members = {
        name: (hashed, formula) for name, hashed, formula in read_members(objects, shown["pool_sha256"])
    }
    features = load_features(
        objects, backbone_of(objects, iteration), [members[name][0] for name in material_ids]
    ).informed()
    if features.failures:
        raise LoopError(
            f"{len(features.failures)} structures of the pool of {iteration.partition_key} have no features.",
            "Materialize `structure_embeddings`, then this partition again.",
        )
    training_set = training_set_of(objects, iteration)
    history = inputs.history.for_pool(material_ids)
    place = {name: row for row, name in enumerate(material_ids)}
    success = None
    if campaign.failures.learn:
        tried = [
            np.array(sorted(place[name] for name in names if name in place), dtype=np.int64)
            for names in (history.failed, history.answered)
        ]
        success = chance_of_answer(features.values, *tried)
    ranking = rank(
        prediction,
        features.values,
        material_ids,
        campaign,
        inputs.seed,
        history.withheld,
        labels=_known_values(
            training_set, campaign, {name: formula for name, (_, formula) in members.items()}
        ),
        pending=history.pending,
        success=success,
        costs=costs,
    )
    if len(ranking.frame) == 0:
        raise LoopError(
            f"Campaign {campaign.name} has nothing left to propose for {iteration.partition_key}.",
            "Every material of the pool was evaluated or declined: end the campaign or widen its pool.",
        )
    n_listed = inputs.batch_size * (1 if campaign.review == "automatic" else MANUAL_SHORTLIST_FACTOR)
    listed = [place[name] for name in ranking.frame["material_id"].head(n_listed)]
    values = np.ascontiguousarray(features.values, dtype="<f4")
    return Shortlist(
        inputs=replace(inputs, history=history),
        ranking=ranking,
        n_listed=len(listed),
        prediction_version=version,
        features_sha256=hashlib.sha256(values.tobytes()).hexdigest(),
        nearest=nearest_labelled(training_set, features.values[listed]),
    )


def load_costs(
    connection: "sa.Connection", campaign: "Campaign", material_ids: "Sequence[str]"
) -> "NDArray[np.float64] | None":
    """Return what evaluating each material costs, shape (m,), by the campaign's measure; None without one."""
    if campaign.acquisition.cost is None:
        return None
    rows = fetch_all(connection, "acquisition/costs", material_ids=list(material_ids))
    known = {row["material_id"]: row["n_sites"] for row in rows}
    return np.array([known[name] for name in material_ids], dtype=np.float64)


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
            batch_size=shortlist.inputs.batch_size,
            seed=shortlist.inputs.seed,
            label_sha256=iteration.label_sha256,
            features_sha256=shortlist.features_sha256,
            ranking_sha256=shortlist.ranking.sha256,
            history=json.dumps(shortlist.inputs.history.to_json()),
            code_version=code_version(),
        )
        execute(connection, "acquisition/set_ranks_aside", partition_key=key)
        execute_many(connection, "acquisition/upsert_candidate", shortlist.rows)
        execute(connection, "acquisition/close_ranks", partition_key=key, n_shortlisted=shortlist.n_listed)
        execute(connection, "acquisition/mark_ranked", partition_key=key)
        if campaign.review == "automatic":
            _flag_batch(connection, key, shortlist.inputs.batch_size)
    return True


def is_same(recorded: "dict[str, Any]", shortlist: Shortlist) -> bool:
    """Tell whether a recorded ranking is this one."""
    return all(recorded[name] == value for name, value in identify(shortlist).items())


def identify(shortlist: Shortlist) -> dict[str, Any]:
    """Return what a recorded ranking has in common with the same one computed again."""
    return {
        "prediction_version": shortlist.prediction_version,
        "batch_size": shortlist.inputs.batch_size,
        "seed": shortlist.inputs.seed,
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
    import sqlalchemy as sa

    for row in fetch_all(connection, "acquisition/candidates", partition_key=partition_key)[:batch_size]:
        try:
            fetch_one(
                connection,
                "acquisition/transition",
                candidate_id=row["candidate_id"],
                to_status="flagged",
                actor=AUTOMATIC_REVIEWER,
                reason="",
            )
        except sa.exc.IntegrityError as error:
            raise LoopError(
                f"The batch of {partition_key} cannot be sent to validation: "
                f"{str(error.orig).strip().splitlines()[0]}.",
                "Materialize `ranked_candidates` again: it leaves out what was flagged since.",
            ) from None
