"""Versions of an iteration's predictions: plan one, predict each shard of the pool into it, promote and read the whole.

Plain functions that hand each other JSON values. A reader of the database sees the old predictions of an
iteration or the new ones, never a part; a shard done twice is the same as once.
"""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from catalyst_assets.campaigns.iterations import read_iteration
from catalyst_assets.campaigns.pool import load_pool, read_members, store_members
from catalyst_assets.errors import InvalidPoolError, LoopError
from catalyst_assets.learning.predictor import N_DRAWS
from catalyst_assets.learning.training_set import backbone_of
from catalyst_assets.prediction.choice import read_choice
from catalyst_assets.prediction.columns import read_numbers
from catalyst_assets.prediction.members import PoolPrediction, predict_members, training_distance
from catalyst_assets.representation.library import current_fingerprint
from catalyst_assets.representation.stage import quarantined
from catalyst_assets.representation.store import missing
from catalyst_assets.sharding import shard_bounds
from resources.postgres.database import copy_rows, execute, fetch_all, fetch_one

if TYPE_CHECKING:
    import sqlalchemy as sa

    from catalyst_assets.campaigns.iterations import Iteration
    from catalyst_assets.constants import Accelerator
    from resources.object_store import ObjectStore
    from resources.postgres.database import Database, Row
    from resources.settings import Settings

_COLUMNS: Final = ("version", "material_id", "mean", "std", "draws", "distance")


@dataclass(frozen=True)
class PredictionPlan:
    """One version of an iteration's predictions.

    Attributes
    ----------
    version
        Its number in the database.
    pool_sha256
        Which materials and structures it is about; also the key of their list in the object store.
    n_members
        How many they are.
    complete
        The version was promoted before, so no shard has to be predicted.
    """

    partition_key: str
    version: int
    model_sha256: str
    pool_sha256: str
    n_members: int
    complete: bool

    def to_json(self) -> dict[str, Any]:
        """Return the plan as a JSON object."""
        return asdict(self)


def plan_predictions(
    database: "Database",
    objects: "ObjectStore",
    settings: "Settings",
    partition_key: str,
    model_sha256: str | None = None,
) -> tuple[PredictionPlan, list[tuple[int, int]]]:
    """Open a version for the iteration's model over its campaign's pool.

    Parameters
    ----------
    model_sha256
        What predicts, as :mod:`catalyst_assets.prediction.champion` chose it; by default the iteration's own model.

    Returns
    -------
    plan
        What the shards and the promotion need.
    shards
        Half-open ranges of the pool; none when the version is complete.

    Raises
    ------
    InvalidPoolError
        Nothing in the pool can be predicted.
    LoopError
        The iteration has no model yet.
    """
    with database.transaction() as connection:
        iteration = read_iteration(connection, partition_key)
        model_sha256 = model_sha256 or require_model(iteration)
        members = _predictable_members(connection, objects, iteration)
        pool_sha256 = store_members(objects, members)
        measure = training_distance(objects, iteration.fitted_to)
        opened = fetch_one(
            connection,
            "prediction/open_version",
            partition_key=partition_key,
            model_sha256=model_sha256,
            pool_sha256=pool_sha256,
            properties=list(iteration.campaign.predicted_properties),
            n_draws=N_DRAWS,
            distance_threshold=None if measure is None else measure.threshold,
        )
    if opened is None:
        raise LoopError(f"No version of the predictions of {partition_key} was opened.", "Run again.")
    plan = PredictionPlan(
        partition_key=partition_key,
        version=opened["version"],
        model_sha256=model_sha256,
        pool_sha256=pool_sha256,
        n_members=len(members),
        complete=opened["status"] != "staging",
    )
    return plan, [] if plan.complete else shard_bounds(len(members), settings)


def predict_shard(
    database: "Database",
    objects: "ObjectStore",
    plan: PredictionPlan,
    start: int,
    stop: int,
    accelerator: "Accelerator" = "auto",
) -> int:
    """Predict the pool's members ``start`` to ``stop`` and write them; return how many they are."""
    with database.transaction() as connection:
        iteration = read_iteration(connection, plan.partition_key)
    listing = read_members(objects, plan.pool_sha256)[start:stop]
    material_ids, structure_hashes, formulas = (list(column) for column in zip(*listing, strict=True))
    prediction = predict_members(
        database,
        objects,
        iteration,
        plan.model_sha256,
        structure_hashes,
        formulas,
        accelerator,
    )
    draws = np.ascontiguousarray(prediction.draws, dtype="<f4")
    unmeasured = [None] * len(material_ids)
    distances = unmeasured if prediction.distance is None else prediction.distance.tolist()
    rows = (
        (plan.version, material_id, mean.tolist(), std.tolist(), sample.tobytes(), distance)
        for material_id, mean, std, sample, distance in zip(
            material_ids, prediction.mean, prediction.std, draws, distances, strict=True
        )
    )
    with database.transaction() as connection:
        # A shard that was cut off and is run again replaces its rows instead of adding to them.
        execute(connection, "prediction/clear", version=plan.version, material_ids=material_ids)
        return copy_rows(connection, "predictions", _COLUMNS, rows)


def promote(database: "Database", plan: PredictionPlan) -> None:
    """Show a version as its iteration's predictions, once every member is in it.

    Raises
    ------
    LoopError
        A member is missing, or a prediction is not finite; the earlier version stays.
    """
    with database.transaction() as connection:
        problems = _find_gaps(connection, plan.version, plan.n_members)
        if problems:
            raise LoopError(
                f"Predictions of {plan.partition_key} are not complete: {' '.join(problems)}",
                "Materialize `predictions` of this partition again; done shards are kept.",
            )
        fetch_all(connection, "prediction/promote", version=plan.version)


def audit_predictions(database: "Database", objects: "ObjectStore", partition_key: str) -> list[str]:
    """Return what is wrong with the predictions an iteration shows, as sentences."""
    with database.transaction() as connection:
        iteration = read_iteration(connection, partition_key)
        chosen = read_choice(connection, iteration)
        if iteration.prediction_version is None:
            return [f"{partition_key} shows no predictions."]
        shown = fetch_one(connection, "prediction/version", version=iteration.prediction_version)
        expected = iteration.model_sha256 if chosen is None else chosen.model_sha256
        if shown is None or shown["model_sha256"] != expected:
            return ["They are not of the model that was chosen to predict for the iteration."]
        # What came to the pool since belongs to the next iteration.
        members = read_members(objects, shown["pool_sha256"])
        return _find_gaps(connection, iteration.prediction_version, len(members))


def load_predictions(
    connection: "sa.Connection", partition_key: str, version: int | None = None
) -> tuple[list[str], PoolPrediction, int]:
    """Return the predictions an iteration shows, or those of one of its earlier versions.

    Returns
    -------
    material_ids
        Sorted.
    prediction
        In the same order.
    version
        Their number.

    Raises
    ------
    LoopError
        It shows none yet.
    """
    shown = fetch_one(connection, "prediction/current", partition_key=partition_key, version=version)
    if shown is None or not shown["material_ids"]:
        raise LoopError(
            f"Iteration {partition_key} has no predictions.", "Materialize `predictions` of it first."
        )
    properties, material_ids = tuple(shown["properties"]), shown["material_ids"]
    mean, std, draws, distance = read_numbers(
        connection, shown["version"], len(material_ids), shown["n_draws"], len(properties)
    )
    prediction = PoolPrediction(
        properties=properties,
        mean=mean,
        std=std,
        draws=draws,
        distance=None if np.isnan(distance).any() else distance,
        distance_threshold=shown["distance_threshold"],
    )
    return material_ids, prediction, shown["version"]


def require_model(iteration: "Iteration") -> str:
    """Return the hash of the iteration's own model.

    Raises
    ------
    LoopError
        It has none yet.
    """
    if iteration.model_sha256 is None:
        raise LoopError(
            f"Iteration {iteration.partition_key} has no model.", "Materialize `trained_model` of it first."
        )
    return iteration.model_sha256


def _predictable_members(
    connection: "sa.Connection", objects: "ObjectStore", iteration: "Iteration"
) -> "list[Row]":
    """Return the pool as it was when the iteration opened, less what is gone since or cannot be described."""
    fingerprint = backbone_of(objects, iteration)
    members = load_pool(connection, iteration.campaign.pool)
    if iteration.pool_sha256 is not None:
        frozen = {(name, hashed) for name, hashed, _ in read_members(objects, iteration.pool_sha256)}
        members = [one for one in members if (one["material_id"], one["structure_hash"]) in frozen]
    absent = set(missing(objects, fingerprint, [member["structure_hash"] for member in members]))
    waiting = absent - quarantined(connection, fingerprint)
    if waiting:
        raise LoopError(
            f"{len(waiting)} structures of the pool of campaign {iteration.campaign.name} have no features yet.",
            "Materialize `structure_embeddings`, then this partition again."
            if fingerprint == current_fingerprint(objects)
            else "They came after the backbone was changed: materialize this partition from `training_set` on.",
        )
    members = [member for member in members if member["structure_hash"] not in absent]
    if not members:
        wanted = iteration.campaign.pool.model_dump(exclude_defaults=True)
        raise InvalidPoolError(
            f"The pool of campaign {iteration.campaign.name} is empty: no material with features matches {wanted}.",
            "Materialize `materials` and `structure_embeddings` from that source, or widen the pool.",
        )
    return members


def _find_gaps(connection: "sa.Connection", version: int, n_members: int) -> list[str]:
    counted = fetch_one(connection, "prediction/completeness", version=version)
    n_rows, n_bad = (counted["n_rows"], counted["n_bad"]) if counted else (0, 0)
    problems = []
    if n_rows != n_members:
        problems.append(f"{n_rows} of {n_members} materials are predicted.")
    if n_bad:
        problems.append(f"{n_bad} predictions are not finite.")
    return problems
