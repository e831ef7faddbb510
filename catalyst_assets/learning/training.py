"""From a training set to a stored model and the numbers that say how good it is."""

import json
import math
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.campaigns.iterations import Iteration, read_iteration
from catalyst_assets.errors import CorruptArtifactError
from catalyst_assets.learning.audit import require_sound
from catalyst_assets.learning.heads.fitting import fit_heads
from catalyst_assets.learning.heads.head import FittedHead
from catalyst_assets.learning.heads.settings import HeadSettings
from catalyst_assets.learning.models.fine_tuned import FineTuneSettings
from catalyst_assets.learning.models.fine_tuning import OnEpoch, can_fine_tune, fine_tune
from catalyst_assets.learning.models.stored_models import Model, load_model, store_model
from catalyst_assets.learning.training_set import TrainingSet, load_training_set
from catalyst_assets.seeds import derive_seed
from resources.code_version import code_version
from resources.postgres.database import execute

if TYPE_CHECKING:
    from catalyst_assets.constants import Accelerator
    from resources.object_store import ObjectStore
    from resources.postgres.database import Database

LARGEST_MISCALIBRATION: Final = 0.15
PROVENANCE: Final = "model_provenance"


@dataclass(frozen=True)
class TrainedModel:
    """A stored model.

    Attributes
    ----------
    sha256
        Hash of its bytes, and their key.
    metrics
        What the iteration records of it; JSON values.
    """

    iteration: Iteration
    training_set: TrainingSet
    model: Model
    sha256: str
    metrics: dict[str, Any]

    @property
    def parameters(self) -> dict[str, object]:
        """What shaped the model, for experiment tracking."""
        campaign = self.iteration.campaign
        return {
            **{f"fit.{name}": value for name, value in self.model.parameters.items()},
            "campaign": campaign.name,
            "campaign_sha256": campaign.sha256,
            "method": campaign.method,
            "properties": ", ".join(self.model.properties),
            "materials": len(self.training_set.material_ids),
            "features": len(self.training_set.feature_names),
            "kinds": ", ".join(f"{name}: {kind}" for name, kind in self.model.kinds.items()),
            "backbone": self.training_set.provenance["backbone"],
            "label_sha256": self.iteration.label_sha256,
            "model_sha256": self.sha256,
        }

    @property
    def scalars(self) -> dict[str, float]:
        """Every metric that is a number, for experiment tracking."""
        named = {k: float(v) for k, v in self.metrics.items() if isinstance(v, int | float)}
        return named | (self.model.report.metrics if self.model.report else {})


def train(
    database: "Database",
    objects: "ObjectStore",
    partition_key: str,
    checkpoints: Path,
    *,
    accelerator: "Accelerator" = "auto",
    on_epoch: OnEpoch | None = None,
) -> TrainedModel:
    """Fit the iteration's model, store it under its hash and record it; the same labels give the same model.

    Parameters
    ----------
    checkpoints
        Folder of what a training leaves that is killed, and goes on from when it is made again.
    accelerator
        Where a network is trained.
    on_epoch
        Hears of each epoch of a training that has epochs.

    Raises
    ------
    LoopError
        The training set is absent or unfit.
    CorruptArtifactError
        It is not what was recorded.
    """
    require_sound(database, objects, partition_key)
    with database.transaction() as connection:
        iteration = read_iteration(connection, partition_key)
    training_set = load_training_set(objects, iteration)
    wanted = iteration.campaign.learning
    own_checkpoints = checkpoints / partition_key
    fine_tuning = None
    if wanted.fine_tune is not None:
        seed = derive_seed(iteration.campaign.seed, "network")
        fine_tuning = FineTuneSettings.of(wanted.fine_tune, seed, accelerator)
    if fine_tuning and can_fine_tune(training_set.labels, training_set.chemical_systems, fine_tuning):
        model: Model = _fine_tune(database, objects, training_set, fine_tuning, own_checkpoints, on_epoch)
    else:
        model = fit_heads(
            wanted.heads,
            training_set.features,
            training_set.feature_names,
            training_set.labels,
            training_set.chemical_systems,
            training_set.properties,
            HeadSettings(seed=derive_seed(iteration.campaign.seed, "head"), recalibrate=True),
        )
    sha256 = store_model(objects, model)
    # The iteration may get another training set, and the platform other code, before the model is registered.
    made_from = {"training_set_sha256": iteration.training_set_sha256, "code_version": code_version()}
    metrics = summarize(model, len(training_set.material_ids)) | {PROVENANCE: made_from}
    _record(database, partition_key, sha256, None, metrics)
    shutil.rmtree(own_checkpoints, ignore_errors=True)
    return TrainedModel(iteration, training_set, model, sha256, metrics)


def _fine_tune(
    database: "Database",
    objects: "ObjectStore",
    training_set: TrainingSet,
    settings: FineTuneSettings,
    checkpoints: Path,
    on_epoch: OnEpoch | None,
) -> Model:
    from catalyst_assets.representation.library import load_backbone
    from catalyst_assets.representation.structures import read_graphs

    backbone = load_backbone(objects, training_set.provenance["backbone"])
    return fine_tune(
        backbone,
        read_graphs(database, training_set.structure_hashes, backbone.config.cutoff),
        training_set.features,
        training_set.feature_names,
        training_set.labels,
        training_set.chemical_systems,
        training_set.properties,
        settings,
        checkpoints,
        on_epoch=on_epoch,
    )


def record_tracking(database: "Database", model: TrainedModel, mlflow_run_id: str) -> None:
    """Note under which MLflow run a model was tracked."""
    _record(database, model.iteration.partition_key, model.sha256, mlflow_run_id, {})


def summarize(model: Model, n_labelled: int) -> dict[str, Any]:
    """Return a model's held-out metrics as JSON values; None where it has not learned.

    Returns
    -------
    dict
        ``valid_mae`` is the mean over the learned properties of ``valid_mae_by_property``, the mean absolute
        error on chemical systems left out of the fit; ``baseline_mae_by_property`` is that of predicting the
        mean; ``relative_mae`` the mean of their ratios; ``miscalibration_area`` the mean over properties;
        ``held_out_by_property`` everything measured on what was left out, NLL, sharpness and coverage included;
        ``kinds`` what predicts each learned property, chosen by ``scores_by_kind``, the continuous ranked
        probability scores of all that were tried, in the property's unit.
    """
    report = model.report
    if report is None:
        unknown = dict.fromkeys(["valid_mae", "relative_mae", "miscalibration_area"])
        return {
            **unknown,
            "valid_mae_by_property": {},
            "baseline_mae_by_property": {},
            "miscalibration_area_by_property": {},
            "held_out_by_property": {},
            "kinds": {},
            "scores_by_kind": {},
            "n_labelled": n_labelled,
        }
    parts = report.properties
    errors = {name: part.mae for name, part in parts.items()}
    return {
        "valid_mae": sum(errors.values()) / len(errors),
        "relative_mae": report.relative_mae,
        "miscalibration_area": report.miscalibration_area,
        "valid_mae_by_property": errors,
        "baseline_mae_by_property": {name: part.baseline_mae for name, part in parts.items()},
        "miscalibration_area_by_property": {name: part.miscalibration_area for name, part in parts.items()},
        "held_out_by_property": {name: part.metrics for name, part in parts.items()},
        "kinds": {name: str(kind) for name, kind in model.kinds.items()},
        "scores_by_kind": _scores_by_kind(model),
        "n_labelled": n_labelled,
    }


def _scores_by_kind(model: Model) -> dict[str, dict[str, float | None]]:
    """Return the scores that heads were chosen by; None of a kind that had too few labels."""
    if not isinstance(model, FittedHead):
        return {}
    return {
        name: {str(kind): score if math.isfinite(score) else None for kind, score in scores.items()}
        for name, scores in model.choices.items()
    }


def find_model_problems(database: "Database", objects: "ObjectStore", partition_key: str) -> list[str]:
    """Ask whether the stored model can be read and reports finite numbers."""
    with database.transaction() as connection:
        iteration = read_iteration(connection, partition_key)
    if iteration.model_sha256 is None:
        return ["The iteration has no model."]
    try:
        report = load_model(objects, iteration.model_sha256).report
    except CorruptArtifactError as error:
        return [str(error)]
    numbers = report.metrics if report else {}
    return [f"{name} is {value}." for name, value in numbers.items() if not math.isfinite(value)]


def find_model_warnings(database: "Database", partition_key: str) -> dict[str, list[str]]:
    """Ask whether the model is calibrated and better than predicting the mean."""
    with database.transaction() as connection:
        metrics = read_iteration(connection, partition_key).metrics
    areas = metrics.get("miscalibration_area_by_property", {})
    errors = metrics.get("valid_mae_by_property", {})
    baselines = metrics.get("baseline_mae_by_property", {})
    return {
        "calibration": [
            f"{name}: miscalibration area {area:.3f}, above {LARGEST_MISCALIBRATION}."
            for name, area in areas.items()
            if area > LARGEST_MISCALIBRATION
        ],
        "baseline": [
            f"{name}: error {error:.3g}, predicting the mean gives {baselines[name]:.3g}."
            for name, error in errors.items()
            if error >= baselines[name]
        ],
    }


def _record(
    database: "Database", partition_key: str, sha256: str, mlflow_run_id: str | None, metrics: dict[str, Any]
) -> None:
    with database.transaction() as connection:
        execute(
            connection,
            "learning/record_model",
            partition_key=partition_key,
            model_sha256=sha256,
            mlflow_run_id=mlflow_run_id,
            metrics=json.dumps(metrics, allow_nan=False),
        )
