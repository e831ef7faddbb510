"""A training with its record: the MLflow run open while it goes on, its pictures, and the registered version.

The model is stored before any of it, and none of it can cost the iteration: what fails here is said, and made up
for by the next training of the campaign or `catalyst models sync`.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.campaigns.iterations import read_iteration
from catalyst_assets.learning.models.registry import Registration, register_missing
from catalyst_assets.learning.training import TrainedModel, record_tracking, train
from catalyst_assets.learning.uncertainty.distance import DistanceBin, errors_by_distance
from catalyst_assets.learning.uncertainty.figures import draw_pictures
from resources.mlflow.tracked_run import Attempt, first_line

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
        As `train`.
    """
    started = time.monotonic()
    with platform.database.transaction() as connection:
        training_set_sha256 = read_iteration(connection, partition_key).training_set_sha256 or ""
    with platform.tracking.attempt(
        ASSET,
        partition_key,
        dagster_run_id,
        data_sha256=training_set_sha256,
        training_key=training_set_sha256,
    ) as attempt:
        model = train(
            platform.database,
            platform.objects,
            partition_key,
            platform.settings.checkpoint_folder,
            accelerator=platform.settings.accelerator,
            on_epoch=attempt.on_epoch,
        )
        seconds = time.monotonic() - started
        by_distance, pictures, problems = _describe(model)
        _log(platform, attempt, model, pictures, seconds)
    if attempt.problem:
        problems.append(f"The model is stored, but not tracked: {attempt.problem}")
    registration = None
    try:
        registration = _register(platform, model, dagster_run_id)
    except Exception as error:
        problems.append(f"The model is stored, but not registered: {first_line(error)}")
    run_url = attempt.run.url if attempt.run is not None and not attempt.problem else ""
    return RecordedTraining(model, seconds, pictures, by_distance, run_url, registration, tuple(problems))


def _log(
    platform: "Platform",
    attempt: Attempt,
    model: TrainedModel,
    pictures: Mapping[str, bytes],
    seconds: float,
) -> None:
    report = model.model.report
    attempt.log(
        params=model.parameters,
        metrics={**model.scalars, "seconds": seconds},
        curves=report.curves if report else None,
        artifacts={f"{name}.png": picture for name, picture in pictures.items()},
    )
    if attempt.run is not None:
        record_tracking(platform.database, model, attempt.run.run_id)


def _describe(
    trained: TrainedModel,
) -> tuple[dict[str, tuple[DistanceBin, ...]], dict[str, bytes], list[str]]:
    """Return the errors by distance, the pictures, and why there are none."""
    try:
        by_distance = _judge_by_distance(trained)
        return by_distance, _draw(trained, by_distance), []
    except Exception as error:
        return {}, {}, [f"The model is stored, but not shown: {first_line(error)}"]


def _judge_by_distance(trained: TrainedModel) -> dict[str, tuple[DistanceBin, ...]]:
    report, fitted_to = trained.model.report, trained.training_set
    if report is None:
        return {}
    systems = fitted_to.chemical_systems
    judged, folds = trained.model.held_out(fitted_to.labels, systems)
    return errors_by_distance(
        report, fitted_to.features, fitted_to.labels, systems, folds, fitted_to.properties, judged
    )


def _draw(trained: TrainedModel, by_distance: Mapping[str, tuple[DistanceBin, ...]]) -> dict[str, bytes]:
    report, fitted_to = trained.model.report, trained.training_set
    if report is None:
        return {}
    systems = fitted_to.chemical_systems
    judged, _ = trained.model.held_out(fitted_to.labels, systems)
    return draw_pictures(report, judged, systems, fitted_to.properties, by_distance)


def _register(platform: "Platform", model: TrainedModel, dagster_run_id: str) -> Registration | None:
    key = model.iteration.partition_key
    settled = register_missing(platform, model.iteration.campaign.name, key, dagster_run_id)
    identity: dict[str, Any] = {"catalyst.partition": key, "catalyst.model_sha256": model.sha256}
    return next((entry for entry in settled if identity.items() <= entry.version.tags.items()), None)
