"""A training with its record: the MLflow run open while it goes on, its pictures, and the registered version.

The model is stored before any of it, and none of it can cost the iteration: what fails here is said, and made up
for by the next training of the campaign or `catalyst models sync`.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from catalyst_assets.constants import decimals
from catalyst_assets.learning.audit import audit_training_set
from catalyst_assets.learning.models.registry import Registration, register_missing
from catalyst_assets.learning.training import TrainedModel, record_model, train
from catalyst_assets.learning.training_set import locate_training_set
from catalyst_assets.learning.uncertainty.distance import DistanceBin, errors_by_distance
from catalyst_assets.learning.uncertainty.figures import draw_pictures
from resources.mlflow.run_facts import UsedData
from resources.mlflow.tracked_run import first_line
from resources.postgres.database import fetch_all

if TYPE_CHECKING:
    from catalyst_assets.learning.audit import AuditedTrainingSet
    from resources.mlflow.tracking import Tracking
    from resources.platform import Platform

ASSET: Final = "trained_model"
_PROGRESS: Final = ("valid_mae", "relative_mae", "miscalibration_area", "test_mae", "hits")


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


def train_and_record(
    platform: "Platform", tracking: "Tracking", partition_key: str, dagster_run_id: str
) -> RecordedTraining:
    """Fit the iteration's model, track it and register it.

    Raises
    ------
    LoopError, CorruptArtifactError
        As `audit_training_set` and `train`.
    """
    started = time.monotonic()
    audited = audit_training_set(platform.database, platform.objects, partition_key)
    training_set_sha256 = audited.iteration.training_set_sha256 or ""
    with tracking.run(
        ASSET,
        partition_key,
        dagster_run_id,
        data_sha256=training_set_sha256,
        training_key=training_set_sha256,
        module=__name__,
        experiment_note=audited.iteration.campaign.description,
    ) as run:
        run.log(data=_describe_data(platform, audited))
        model = train(platform, audited, run.on_epoch)
        seconds = time.monotonic() - started
        by_distance, pictures, problems = _describe(model)
        learned = model.model.report.curves if model.model.report else {}
        run.log(
            params=model.parameters,
            metrics={**model.scalars, "seconds": seconds},
            curves={**_read_progress(platform, model), **learned},
            note=_describe_training(model),
            step=model.iteration.number,
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


def _describe_data(platform: "Platform", audited: "AuditedTrainingSet") -> UsedData:
    known, sha256 = audited.training_set, audited.iteration.training_set_sha256 or ""
    return UsedData(
        f"training_set {audited.iteration.partition_key}",
        sha256,
        locate_training_set(platform.objects, sha256),
        len(known.material_ids),
        {"material_id": "string", **dict.fromkeys(known.properties, "double"), "features": "array"},
    )


def _describe_training(trained: TrainedModel) -> str:
    """Return the sentences that stand above the MLflow run."""
    iteration, known = trained.iteration, trained.training_set
    properties = ", ".join(known.properties)
    made = (
        f"`trained_model` of iteration {iteration.number} of campaign {iteration.campaign.name}: "
        f"{properties} by {iteration.campaign.method} from {len(known.material_ids)} labelled materials. "
    )
    error = trained.metrics["valid_mae"]
    if error is None:
        return made + "Too few labels to learn from yet."
    kinds = ", ".join(sorted(set(map(str, trained.model.kinds.values()))))
    return made + (
        f"Learned by {kinds}; mean absolute error {decimals(error)} on unseen chemical systems, "
        f"{decimals(trained.metrics['relative_mae'])} of that of the mean."
    )


def _read_progress(platform: "Platform", trained: TrainedModel) -> dict[str, list[tuple[int, float]]]:
    """Return the campaign's errors and labels by iteration up to this one, a curve each."""
    campaign, number = trained.iteration.campaign.name, trained.iteration.number
    with platform.database.transaction() as connection:
        rows = fetch_all(connection, "learning/models", campaign=campaign)
    curves: dict[str, list[tuple[int, float]]] = {}
    for row in rows:
        if row["iteration"] > number:
            continue
        values = {"labels": row["label_count"], **{name: row["metrics"].get(name) for name in _PROGRESS}}
        for name, value in values.items():
            if value is not None:
                curves.setdefault(f"campaign/{name}", []).append((row["iteration"], float(value)))
    return curves


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
            report, known.own_features, known.labels, systems, folds, known.properties, judged
        )
        return by_distance, draw_pictures(report, judged, systems, known.properties, by_distance), []
    except Exception as error:
        return {}, {}, [f"The model is stored, but not shown: {first_line(error)}"]
