"""A training with its record: the MLflow run open while it goes on, its pictures, and the registered version.

The model is stored before any of it, and none of it can cost the iteration: what fails here is said, and made up
for by the next training of the campaign or `catalyst models sync`.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from catalyst_assets.learning.audit import audit_training_set
from catalyst_assets.learning.models.registry import Registration, register_missing
from catalyst_assets.learning.training import TrainedModel, record_model, train
from catalyst_assets.learning.uncertainty.distance import DistanceBin, errors_by_distance
from catalyst_assets.learning.uncertainty.figures import draw_pictures
from resources.mlflow.tracked_run import first_line

if TYPE_CHECKING:
    from resources.platform import Platform

ASSET: Final = "trained_model"


@dataclass(frozen=True)
class RecordedTraining:
    """A stored model and what became of its record.

    Attributes
    ----------
    pictures
        PNG files by name.
    by_distance
        Held-out errors by distance to the training set, by property.
    run_url
        Page of the MLflow run; empty without one.
    registration
        Version and decision; None when it could not be registered.
    problems
        What was not recorded, and why, as sentences.
    """

    model: TrainedModel
    seconds: float
    pictures: Mapping[str, bytes]
    by_distance: Mapping[str, tuple[DistanceBin, ...]]
    run_url: str
    registration: Registration | None
    problems: tuple[str, ...]


def train_and_record(platform: "Platform", partition_key: str, dagster_run_id: str) -> RecordedTraining:
    """Fit the iteration's model, track it and register it.

    Raises
    ------
    LoopError, CorruptArtifactError
        As `audit_training_set` and `train`.
    """
    started = time.monotonic()
    audited = audit_training_set(platform.database, platform.objects, partition_key)
    training_set_sha256 = audited.iteration.training_set_sha256 or ""
    with platform.tracking.run(
        ASSET,
        partition_key,
        dagster_run_id,
        data_sha256=training_set_sha256,
        training_key=training_set_sha256,
    ) as run:
        model = train(platform, audited, run.on_epoch)
        seconds = time.monotonic() - started
        by_distance, pictures, problems = _describe(model)
        run.log(
            params=model.parameters,
            metrics={**model.scalars, "seconds": seconds},
            curves=model.model.report.curves if model.model.report else None,
            artifacts={f"{name}.png": picture for name, picture in pictures.items()},
        )
        if run.run_id:
            record_model(platform.database, partition_key, model.sha256, {}, run.run_id)
    if run.problem:
        problems.append(f"The model is stored, but not tracked: {run.problem}")
    registration = None
    try:
        settled = register_missing(platform, model.iteration.campaign.name, partition_key, dagster_run_id)
        registration = next((entry for entry in settled if entry.is_of(partition_key, model.sha256)), None)
    except Exception as error:
        problems.append(f"The model is stored, but not registered: {first_line(error)}")
    run_url = "" if run.problem else run.url
    return RecordedTraining(model, seconds, pictures, by_distance, run_url, registration, tuple(problems))


def _describe(
    trained: TrainedModel,
) -> tuple[dict[str, tuple[DistanceBin, ...]], dict[str, bytes], list[str]]:
    """Return the errors by distance, the pictures, and why there are none."""
    report, known = trained.model.report, trained.training_set
    if report is None:
        return {}, {}, []
    systems = known.chemical_systems
    try:
        judged, folds = trained.model.held_out(known.labels, systems)
        by_distance = errors_by_distance(
            report, known.features, known.labels, systems, folds, known.properties, judged
        )
        return by_distance, draw_pictures(report, judged, systems, known.properties, by_distance), []
    except Exception as error:
        return {}, {}, [f"The model is stored, but not shown: {first_line(error)}"]
