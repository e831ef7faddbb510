"""From a training set to a stored model and the numbers that say how good it is."""

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.campaigns.iterations import Iteration, read_iteration
from catalyst_assets.errors import CorruptArtifactError
from catalyst_assets.learning.audit import require_sound
from catalyst_assets.learning.heads import FittedHead, fit_head
from catalyst_assets.learning.property_model import HeadSettings
from catalyst_assets.learning.training_set import TrainingSet, load_training_set
from catalyst_assets.seeds import derive_seed
from resources.postgres import execute

if TYPE_CHECKING:
    from resources.object_store import ObjectStore
    from resources.postgres import Database

LARGEST_MISCALIBRATION: Final = 0.15


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
    head: FittedHead
    sha256: str
    metrics: dict[str, Any]

    @property
    def parameters(self) -> dict[str, object]:
        """What shaped the model, for experiment tracking."""
        campaign = self.iteration.campaign
        return {
            **{f"head.{name}": value for name, value in vars(self.head.settings).items()},
            "campaign": campaign.name,
            "campaign_sha256": campaign.sha256,
            "method": campaign.method,
            "properties": ", ".join(self.head.properties),
            "materials": len(self.training_set.material_ids),
            "features": len(self.training_set.feature_names),
            "backbone": self.training_set.provenance["backbone"],
            "label_sha256": self.iteration.label_sha256,
            "model_sha256": self.sha256,
        }

    @property
    def scalars(self) -> dict[str, float]:
        """Every metric that is a number, for experiment tracking."""
        named = {k: float(v) for k, v in self.metrics.items() if isinstance(v, int | float)}
        return named | (self.head.report.metrics if self.head.report else {})


def train(database: "Database", objects: "ObjectStore", partition_key: str) -> TrainedModel:
    """Fit the iteration's model, store it under its hash and record it; the same labels give the same model.

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
    head = fit_head(
        training_set.features,
        training_set.feature_names,
        training_set.labels,
        training_set.chemical_systems,
        training_set.properties,
        HeadSettings(seed=derive_seed(iteration.campaign.seed, "head")),
    )
    objects.put_bytes(_key(head.sha256), head.to_bytes())
    metrics = summarize(head, len(training_set.material_ids))
    _record(database, partition_key, head.sha256, None, metrics)
    return TrainedModel(iteration, training_set, head, head.sha256, metrics)


def record_tracking(database: "Database", model: TrainedModel, mlflow_run_id: str) -> None:
    """Note under which MLflow run a model was tracked."""
    _record(database, model.iteration.partition_key, model.sha256, mlflow_run_id, {})


def summarize(head: FittedHead, n_labelled: int) -> dict[str, Any]:
    """Return a head's held-out metrics as JSON values; None where it has not learned.

    Returns
    -------
    dict
        ``valid_mae`` is the mean over the learned properties of ``valid_mae_by_property``, the mean absolute
        error on chemical systems left out of the fit; ``baseline_mae_by_property`` is that of predicting the
        mean; ``relative_mae`` the mean of their ratios; ``miscalibration_area`` the mean over properties.
    """
    report = head.report
    if report is None:
        unknown = dict.fromkeys(["valid_mae", "relative_mae", "miscalibration_area"])
        return {
            **unknown,
            "valid_mae_by_property": {},
            "baseline_mae_by_property": {},
            "miscalibration_area_by_property": {},
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
        "n_labelled": n_labelled,
    }


@lru_cache(maxsize=2)
def load_head(objects: "ObjectStore", sha256: str) -> FittedHead:
    """Return a stored model.

    Raises
    ------
    CorruptArtifactError
        Its bytes are gone or have changed.
    """
    remedy = "Materialize `trained_model` of this partition again."
    try:
        data = objects.get_bytes(_key(sha256))
    except KeyError:
        raise CorruptArtifactError(f"The model {_key(sha256)} is gone from the store.", remedy) from None
    if hashlib.sha256(data).hexdigest() != sha256:
        raise CorruptArtifactError(f"The model {_key(sha256)} has changed since it was written.", remedy)
    return FittedHead.from_bytes(data)


def find_model_problems(database: "Database", objects: "ObjectStore", partition_key: str) -> list[str]:
    """Ask whether the stored model can be read and reports finite numbers."""
    import math

    with database.transaction() as connection:
        iteration = read_iteration(connection, partition_key)
    if iteration.model_sha256 is None:
        return ["The iteration has no model."]
    try:
        report = load_head(objects, iteration.model_sha256).report
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


def _key(sha256: str) -> str:
    return f"models/heads/{sha256}.safetensors"
