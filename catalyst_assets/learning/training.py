"""From a training set to a stored model and the numbers that say how good it is."""

import json
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from catalyst_assets.campaigns.iterations import MODEL_PROVENANCE, Iteration
from catalyst_assets.learning.audit import AuditedTrainingSet
from catalyst_assets.learning.heads.fitting import fit_heads
from catalyst_assets.learning.heads.settings import HeadSettings
from catalyst_assets.learning.models.fine_tuned import FineTuneSettings
from catalyst_assets.learning.models.fine_tuning import OnEpoch, can_fine_tune, fine_tune
from catalyst_assets.learning.models.stored_models import store_model
from catalyst_assets.learning.significance import paired
from catalyst_assets.learning.training_set import TrainingSet
from catalyst_assets.representation.fitting.shared_checkpoints import SharedCheckpoints
from catalyst_assets.representation.library import load_backbone
from catalyst_assets.representation.structures import read_graphs
from catalyst_assets.seeds import derive_seed
from resources.code_version import code_version
from resources.postgres.database import execute

if TYPE_CHECKING:
    from catalyst_assets.campaigns.model import Campaign
    from catalyst_assets.learning.predictor import Predictor
    from catalyst_assets.learning.uncertainty.report import PropertyReport
    from resources.platform import Platform
    from resources.postgres.database import Database


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
    model: "Predictor"
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


def train(platform: "Platform", audited: AuditedTrainingSet, on_epoch: OnEpoch | None = None) -> TrainedModel:
    """Fit the iteration's model, store it under its hash and record it; the same labels give the same model.

    What a training leaves that is killed lies in the checkpoint folder, and it goes on from there when it is made again.

    Parameters
    ----------
    on_epoch
        Hears of each epoch of a training that has epochs.

    Raises
    ------
    LoopError
        The training set is unfit.
    """
    audited.require_sound()
    iteration, training_set = audited.iteration, audited.training_set
    checkpoints = SharedCheckpoints(platform, iteration.partition_key)
    model = _fit(platform, iteration.campaign, training_set, checkpoints, on_epoch)
    sha256 = store_model(platform.objects, model)
    # The iteration may get another training set, and the platform other code, before the model is registered.
    made_from = {"training_set_sha256": iteration.training_set_sha256, "code_version": code_version()}
    metrics = summarize(model, len(training_set.material_ids)) | {MODEL_PROVENANCE: made_from}
    record_model(platform.database, iteration.partition_key, sha256, metrics)
    checkpoints.clear()
    return TrainedModel(iteration, training_set, model, sha256, metrics)


def _fit(
    platform: "Platform",
    campaign: "Campaign",
    known: TrainingSet,
    checkpoints: SharedCheckpoints,
    on_epoch: OnEpoch | None,
) -> "Predictor":
    """Fit networks where the campaign asks for them and there are labels enough, else heads."""
    wanted, systems = campaign.learning, known.chemical_systems
    if wanted.fine_tune is not None:
        seed = derive_seed(campaign.seed, "network")
        machine = platform.settings
        adapted = FineTuneSettings.of(
            wanted.fine_tune, seed, machine.accelerator, machine.devices_per_training
        )
        if can_fine_tune(known.labels, systems, adapted):
            backbone = load_backbone(platform.objects, known.provenance["backbone"])
            graphs = read_graphs(platform.database, known.structure_hashes, backbone.config.cutoff)

            def tell(name: str, epoch: int, value: float) -> None:
                checkpoints.push()
                if on_epoch is not None:
                    on_epoch(name, epoch, value)

            checkpoints.fetch()
            return fine_tune(
                backbone,
                graphs,
                known.features,
                known.feature_names,
                known.labels,
                systems,
                known.properties,
                adapted,
                checkpoints.folder,
                on_epoch=tell,
                noise=known.label_noise,
            )
    settings = HeadSettings(seed=derive_seed(campaign.seed, "head"), recalibrate=True)
    return fit_heads(
        wanted.heads,
        known.features,
        known.feature_names,
        known.labels,
        systems,
        known.properties,
        settings,
        noise=known.label_noise,
    )


def _against_mean(part: "PropertyReport") -> dict[str, Any]:
    """Compare the held-out errors with those of the mean of all the other labels, material by material."""
    observed = part.observed
    others = (observed.sum() - observed) / max(len(observed) - 1, 1)
    return asdict(paired(abs(part.predicted - observed), abs(others - observed)))


def summarize(model: "Predictor", n_labelled: int) -> dict[str, Any]:
    """Return a model's held-out metrics as JSON values; None where it has not learned.

    Returns
    -------
    dict
        ``valid_mae`` is the mean over the learned properties of ``valid_mae_by_property``, the mean absolute
        error on chemical systems left out of the fit; ``baseline_mae_by_property`` is that of predicting the
        mean, and ``worse_than_mean_by_property`` how much larger the first is, with its standard error over
        ``n_by_property`` materials; ``relative_mae`` the mean of their ratios; ``miscalibration_area`` the mean over properties;
        ``held_out_by_property`` everything measured on what was left out, NLL, sharpness and coverage included;
        ``kinds`` what predicts each learned property, chosen by ``scores_by_kind``, the continuous ranked
        probability scores of all that were tried, in the property's unit.
    """
    report = model.report
    parts = report.properties if report else {}
    errors = {name: part.mae for name, part in parts.items()}
    return {
        "valid_mae": sum(errors.values()) / len(errors) if errors else None,
        "relative_mae": report.relative_mae if report else None,
        "miscalibration_area": report.miscalibration_area if report else None,
        "valid_mae_by_property": errors,
        "baseline_mae_by_property": {name: part.baseline_mae for name, part in parts.items()},
        "worse_than_mean_by_property": {name: _against_mean(part) for name, part in parts.items()},
        "n_by_property": {name: part.n for name, part in parts.items()},
        "miscalibration_area_by_property": {name: part.miscalibration_area for name, part in parts.items()},
        "held_out_by_property": {name: part.metrics for name, part in parts.items()},
        "kinds": {name: str(kind) for name, kind in model.kinds.items()},
        # None of a kind that had too few labels.
        "scores_by_kind": {
            name: {str(kind): score if math.isfinite(score) else None for kind, score in scores.items()}
            for name, scores in model.choices.items()
        },
        "n_labelled": n_labelled,
    }


def record_model(
    database: "Database",
    partition_key: str,
    sha256: str,
    metrics: dict[str, Any],
    mlflow_run_id: str | None = None,
) -> None:
    """Note which model an iteration has, what was measured of it, and under which MLflow run it was tracked."""
    with database.transaction() as connection:
        execute(
            connection,
            "learning/record_model",
            partition_key=partition_key,
            model_sha256=sha256,
            mlflow_run_id=mlflow_run_id,
            metrics=json.dumps(metrics, allow_nan=False),
        )
