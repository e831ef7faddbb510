"""Reading the ranking problem of an iteration: the next one, and a recorded one as it was then.

Everything comes from what was frozen or recorded: labels with the opening of the iteration, predictions by their
version, and what was withheld with the ranking. What has been decided or predicted since has no part in it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from catalyst_assets.acquisition.problem import RankingProblem
from catalyst_assets.campaigns.derived import fill_derived
from catalyst_assets.campaigns.history import History
from catalyst_assets.campaigns.iterations import Iteration, read_iteration
from catalyst_assets.campaigns.pool import read_members
from catalyst_assets.errors import LoopError, UsageError
from catalyst_assets.learning.training_set import backbone_of, pivot_labels
from catalyst_assets.prediction.versions import load_predictions
from catalyst_assets.representation.store import load_features
from resources.postgres.database import fetch_all, fetch_one

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    import sqlalchemy as sa
    from numpy.typing import NDArray

    from catalyst_assets.campaigns.model import Campaign
    from resources.object_store import ObjectStore
    from resources.postgres.database import Row


@dataclass(frozen=True)
class RankingInputs:
    """All that an iteration's ranking is computed from, beside the stored tables that it names.

    Attributes
    ----------
    prediction_version
        Which predictions; None before there are any.
    history
        What earlier iterations left: what is not suggested, what is being evaluated, what failed.
    batch_size
        How many the iteration wants validated.
    seed
        Of everything random in it.
    """

    iteration: Iteration
    prediction_version: int | None
    history: History
    batch_size: int
    seed: int


def read_recorded(connection: "sa.Connection", partition_key: str) -> "tuple[RankingInputs, Row]":
    """Return what the recorded ranking of an iteration was computed from, and the record.

    Raises
    ------
    UsageError
        The iteration is not known, or has no ranking.
    LoopError
        It was ranked by a version that did not keep what it withheld.
    """
    if fetch_one(connection, "loop/iteration", partition_key=partition_key) is None:
        raise UsageError(
            f"There is no iteration {partition_key}.",
            "Keys are <campaign>__<0003>; `catalyst campaign show NAME` lists them.",
        )
    recorded = fetch_one(connection, "acquisition/ranking", partition_key=partition_key)
    if recorded is None:
        raise UsageError(
            f"Iteration {partition_key} has no ranking yet.", "Materialize `ranked_candidates` of it first."
        )
    if recorded["history"] is None:
        raise LoopError(
            f"The ranking of {partition_key} is of an earlier version, which did not record what it withheld.",
            "Choose a later iteration.",
        )
    inputs = RankingInputs(
        iteration=read_iteration(connection, partition_key),
        prediction_version=recorded["prediction_version"],
        history=History.from_json(recorded["history"]),
        batch_size=recorded["batch_size"],
        seed=recorded["seed"],
    )
    return inputs, recorded


def load_problem(connection: "sa.Connection", inputs: RankingInputs) -> RankingProblem:
    """Read the ranking problem, without features.

    Raises
    ------
    LoopError
        There are no predictions.
    """
    iteration = inputs.iteration
    material_ids, prediction, _ = load_predictions(
        connection, iteration.partition_key, inputs.prediction_version
    )
    history = inputs.history.for_pool(material_ids)
    return RankingProblem(
        campaign=iteration.campaign,
        material_ids=material_ids,
        prediction=prediction,
        seed=inputs.seed,
        withheld=history.withheld,
        pending=history.pending,
        labels=_load_labels(connection, iteration, material_ids),
        costs=_load_costs(connection, iteration.campaign, material_ids),
        untaught=iteration.campaign.prior is not None and not iteration.metrics.get("kinds"),
    )


def load_pool_features(
    connection: "sa.Connection", objects: "ObjectStore", inputs: RankingInputs, material_ids: "Sequence[str]"
) -> "NDArray[np.float32]":
    """Return the features of the pool's members by the backbone of the iteration's model, shape (m, f).

    Raises
    ------
    LoopError
        A member has none.
    CorruptArtifactError
        The list of the pool's structures is gone.
    """
    iteration = inputs.iteration
    shown = fetch_one(connection, "prediction/version", version=inputs.prediction_version) or {}
    hashes = {name: hashed for name, hashed, _ in read_members(objects, shown["pool_sha256"])}
    features = load_features(
        objects, backbone_of(objects, iteration), [hashes[name] for name in material_ids]
    ).informed()
    if features.failures:
        raise LoopError(
            f"{len(features.failures)} structures of the pool of {iteration.partition_key} have no features.",
            "Materialize `structure_embeddings`, then this partition again.",
        )
    return features.values


def _load_labels(
    connection: "sa.Connection", iteration: Iteration, material_ids: "Sequence[str]"
) -> "pd.DataFrame":
    """Return the labels of the pool's members, a column a property, derived ones included."""
    import pandas as pd

    campaign, members = iteration.campaign, set(material_ids)
    frozen = fetch_all(connection, "loop/iteration_labels", partition_key=iteration.partition_key)
    labelled, values = pivot_labels(
        [row for row in frozen if row["material_id"] in members], campaign.learned_properties
    )
    named = fetch_all(connection, "acquisition/formulas", material_ids=labelled)
    formulas = {row["material_id"]: row["reduced_formula"] for row in named}
    learned = pd.DataFrame(values, columns=list(campaign.learned_properties))
    return fill_derived(campaign, learned, [formulas[name] for name in labelled])


def _load_costs(
    connection: "sa.Connection", campaign: "Campaign", material_ids: "Sequence[str]"
) -> "NDArray[np.float64] | None":
    """Return what evaluating each material costs, shape (m,), by the campaign's measure; None without one."""
    if campaign.acquisition.cost is None:
        return None
    rows = fetch_all(connection, "acquisition/costs", material_ids=list(material_ids))
    known = {row["material_id"]: row["n_sites"] for row in rows}
    return np.array([known[name] for name in material_ids], dtype=np.float64)
