"""What would make a training set unfit: the wrong parent, a leaked answer, a mixed-up unit or method; and a model.

Each function returns problems as sentences, none when all is well. The checks show them, and training
refuses to start while there are any of its training set.
"""

import math
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from catalyst_assets.campaigns.iterations import Iteration, read_iteration
from catalyst_assets.campaigns.labels import find_unfit_values, hash_labels
from catalyst_assets.errors import CorruptArtifactError, LoopError
from catalyst_assets.learning.models.stored_models import load_model
from catalyst_assets.learning.significance import Difference, miscalibration_by_chance
from catalyst_assets.learning.training_set import (
    find_undescribed,
    load_label_materials,
    load_training_set,
    pivot_labels,
)
from resources.postgres.database import fetch_all, fetch_one

if TYPE_CHECKING:
    from collections.abc import Mapping

    import sqlalchemy as sa

    from catalyst_assets.learning.training_set import TrainingSet
    from resources.object_store import ObjectStore
    from resources.postgres.database import Database, Row

LARGEST_MISCALIBRATION: Final = 0.15


@dataclass(frozen=True)
class Judged:
    """What is wrong, and what looks as if it were but is no more than chance gives; each as sentences."""

    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class AuditedTrainingSet:
    """The training set of an iteration with all that is wrong with it.

    Attributes
    ----------
    problems
        As sentences by question: parent, leakage, values.
    """

    iteration: Iteration
    training_set: "TrainingSet"
    problems: dict[str, list[str]]

    def require_sound(self) -> None:
        """Refuse to go on from an unfit training set.

        Raises
        ------
        LoopError
            Names the first problems.
        """
        found = [*chain.from_iterable(self.problems.values())]
        if found:
            raise LoopError(
                f"The training set of {self.iteration.partition_key} is unfit: {' '.join(found[:3])}",
                "See the checks of `training_set`; mend the labels and materialize it again.",
            )


def audit_training_set(
    database: "Database", objects: "ObjectStore", partition_key: str
) -> AuditedTrainingSet:
    """Read an iteration with its training set and judge them; training takes both from here.

    Raises
    ------
    LoopError
        The iteration was never opened, or has no training set.
    CorruptArtifactError
        The stored bytes are gone or not those that were recorded.
    """
    with database.transaction() as connection:
        iteration = read_iteration(connection, partition_key)
        training_set = load_training_set(objects, iteration)
        labels = fetch_all(connection, "loop/iteration_labels", partition_key=partition_key)
        materials = load_label_materials(connection, iteration)
        left_out = find_undescribed(connection, materials, training_set.provenance["backbone"])
        problems = {
            "parent": [*find_parent_problems(connection, iteration), *find_hash_problems(iteration, labels)],
            "leakage": find_leaks(connection, iteration, training_set),
            "values": [
                *find_unfit_values(labels, iteration.campaign.method),
                *find_snapshot_problems(iteration, labels, training_set, left_out),
            ],
        }
    return AuditedTrainingSet(iteration, training_set, problems)


def find_model_problems(database: "Database", objects: "ObjectStore", partition_key: str) -> list[str]:
    """Ask whether the stored model can be read and reports finite numbers."""
    with database.transaction() as connection:
        sha256 = read_iteration(connection, partition_key).model_sha256
    if sha256 is None:
        return ["The iteration has no model."]
    try:
        report = load_model(objects, sha256).report
    except CorruptArtifactError as error:
        return [str(error)]
    numbers = report.metrics if report else {}
    return [f"{name} is {value}." for name, value in numbers.items() if not math.isfinite(value)]


def find_model_warnings(database: "Database", partition_key: str) -> dict[str, Judged]:
    """Ask whether the model is calibrated and no worse than predicting the mean, as far as its labels can tell."""
    with database.transaction() as connection:
        metrics = read_iteration(connection, partition_key).metrics
    return {"calibration": _judge_calibration(metrics), "baseline": _judge_against_mean(metrics)}


def _judge_calibration(metrics: "Mapping[str, Any]") -> Judged:
    counts, judged = metrics.get("n_by_property", {}), Judged()
    for name, area in metrics.get("miscalibration_area_by_property", {}).items():
        count = counts.get(name, 0)
        bound = max(LARGEST_MISCALIBRATION, miscalibration_by_chance(count) if count else 0.0)
        found = f"{name}: miscalibration area {area:.3f}"
        if area > bound:
            judged.problems.append(f"{found}, above {bound:.3g}.")
        elif area > LARGEST_MISCALIBRATION:
            judged.remarks.append(f"{found}, which {count} labels give by chance.")
    return judged


def _judge_against_mean(metrics: "Mapping[str, Any]") -> Judged:
    baselines, judged = metrics.get("baseline_mae_by_property", {}), Judged()
    for name, given in metrics.get("worse_than_mean_by_property", {}).items():
        error, difference = metrics["valid_mae_by_property"][name], Difference(**given)
        found = f"{name}: error {error:.3g}, predicting the mean gives {baselines[name]:.3g}"
        if difference.is_larger:
            judged.problems.append(f"{found} (difference {difference}).")
        elif error >= baselines[name]:
            count = metrics["n_by_property"][name]
            judged.remarks.append(f"{found}: {count} labels are too few to tell them apart ({difference}).")
    return judged


def find_parent_problems(connection: "sa.Connection", iteration: "Iteration") -> list[str]:
    """Ask whether the iteration before is there and done."""
    if iteration.number == 0:
        return (
            [] if iteration.parent is None else [f"The first iteration names a parent, {iteration.parent}."]
        )
    if iteration.parent is None:
        return ["The iteration names no parent."]
    parent = fetch_one(connection, "loop/iteration", partition_key=iteration.parent)
    if parent is None:
        return [f"Its parent {iteration.parent} is missing."]
    problems = []
    if (parent["campaign"], parent["iteration"]) != (iteration.campaign.name, iteration.number - 1):
        problems.append(f"Its parent {iteration.parent} is not the iteration before it.")
    if parent["status"] != "closed":
        problems.append(f"Its parent {iteration.parent} is {parent['status']}, not closed.")
    return problems


def find_hash_problems(iteration: "Iteration", labels: "list[Row]") -> list[str]:
    """Ask whether the labels are those that were frozen."""
    problems = []
    if len(labels) != iteration.label_count:
        problems.append(f"{len(labels)} labels are there, {iteration.label_count} were frozen.")
    if hash_labels(labels) != iteration.label_sha256:
        problems.append("The labels are not those that were frozen: their hash differs.")
    return problems


def find_leaks(connection: "sa.Connection", iteration: "Iteration", training_set: "TrainingSet") -> list[str]:
    """Ask whether anything of the frozen test set is learned from, under whatever name."""
    leaked = fetch_all(connection, "learning/leaked_test_members", partition_key=iteration.partition_key)
    problems = [
        f"The label {row['property']} of {row['material_id']} tells of the test member {row['test_member']}."
        for row in leaked
    ]
    members = fetch_all(
        connection,
        "campaigns/test_members",
        campaign=iteration.campaign.name,
        relaxed_by=iteration.campaign.pool.relaxed_by,
    )
    held_ids = {row["material_id"] for row in members}
    held_hashes = {row["structure_hash"] for row in members}
    rows = zip(training_set.material_ids, training_set.structure_hashes, strict=True)
    problems += [
        f"{material_id} in the snapshot belongs to the test set."
        for material_id, structure_hash in rows
        if material_id in held_ids or structure_hash in held_hashes
    ]
    return problems


def find_snapshot_problems(
    iteration: "Iteration", labels: "list[Row]", training_set: "TrainingSet", left_out: set[str]
) -> list[str]:
    """Ask whether the snapshot holds the frozen labels to the bit, of the campaign's method, and finite features.

    Only the labels of the materials ``left_out``, which have no features, are missing from it.
    """
    method = iteration.campaign.method
    problems = []
    if training_set.provenance.get("method") != method:
        problems.append(f"The snapshot was made for the method {training_set.provenance.get('method')}.")
    described = [row for row in labels if row["material_id"] not in left_out]
    material_ids, expected = pivot_labels(described, training_set.properties)
    same = tuple(material_ids) == training_set.material_ids and np.array_equal(
        expected, training_set.labels, equal_nan=True
    )
    _, noise = pivot_labels(described, training_set.properties, "standard_deviation")
    held = training_set.label_noise
    if held is None:
        held = np.full(noise.shape, np.nan)
    if not (same and np.array_equal(noise, held, equal_nan=True)):
        problems.append("The snapshot does not hold the frozen labels.")
    if not np.isfinite(training_set.own_features).all():
        problems.append("The snapshot has features that are not finite.")
    return problems
