"""How well the platform's own fine-tuning predicts a property of relaxed crystals, and how sure it may be.

Networks trained on 80 %, chosen and recalibrated by 10 %, judged on the other 10 %: once with rows dealt out at
random, as papers do, and once with whole chemical systems. Beside it, in the same run, a random forest that knows
the composition alone.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from catalyst_assets.bench.perov5 import RelaxedCrystals, Split, split_at_random, split_by_group
from catalyst_assets.constants import Architecture
from catalyst_assets.errors import InvalidPoolError
from resources.paths import scratch_folder

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from catalyst_assets.constants import Accelerator
    from catalyst_assets.learning.models.fine_tuned import FineTunedModel, FineTuneSettings
    from catalyst_assets.learning.uncertainty.marginals import Marginal
    from catalyst_assets.learning.uncertainty.report import PropertyReport
    from catalyst_assets.representation.backbones import Backbone
    from catalyst_assets.representation.fitting.settings import FitSettings
    from catalyst_assets.representation.graphs import CrystalGraph

Progress = Callable[[str], None]
_PROPERTY: Final = "value"
_FOREST_TREES: Final = 200


@dataclass(frozen=True)
class RegressionReport:
    """What `catalyst bench regression --json` prints; errors in the unit of the table.

    Attributes
    ----------
    members
        Networks, of which predictions are the mean; all are trained on the same rows.
    test_mae, validation_mae, miscalibration_area, coverage
        Of the random split; coverage of the central 50, 80 and 95 % intervals.
    grouped_test_mae, grouped_miscalibration_area, grouped_coverage
        Of the split by chemical system.
    forest_mae, grouped_forest_mae
        Of a composition-only random forest on the same rows.
    mean_mae
        Of predicting the training rows' mean, on the random split.
    parameters
        Weights of the network and its head.
    epochs
        Passes over the training rows, of each split.
    device
        Where the networks were trained.
    seconds
        In all; ``train_seconds`` of these for the network of the random split.
    """

    property: str
    architecture: str
    n_structures: int
    members: int
    test_mae: float
    validation_mae: float
    miscalibration_area: float
    coverage: dict[str, float]
    grouped_test_mae: float
    grouped_miscalibration_area: float
    grouped_coverage: dict[str, float]
    forest_mae: float
    grouped_forest_mae: float
    mean_mae: float
    parameters: int
    epochs: tuple[int, ...]
    device: str
    train_seconds: float
    seconds: float


@dataclass(frozen=True)
class PreparedCrystals:
    """Crystals as graphs with their descriptors, shape (n, d)."""

    graphs: "list[CrystalGraph]"
    descriptors: "NDArray[np.float32]"
    names: tuple[str, ...]


def benchmark_settings(epochs: int, seed: int, accelerator: "Accelerator" = "auto") -> "FitSettings":
    """Return how the networks are trained: to the end of the schedule, for there are many labels."""
    from catalyst_assets.representation.fitting.settings import FitSettings

    return FitSettings(
        max_epochs=epochs,
        patience=epochs,
        learning_rate=5e-3,
        ema_decay=0.995,
        hidden=128,
        dropout=0.1,
        seed=seed,
        accelerator=accelerator,
    )


def build_benchmark_backbone(architecture: Architecture, seed: int) -> "Backbone":
    """Build the network that is trained, from random weights, sized for two processor cores."""
    from catalyst_assets.representation.backbones import build_backbone
    from catalyst_assets.representation.networks.configs import config_from_json

    sizes = {"channels": 128, "filters": 32, "layers": 3} if architecture == "schnet" else {}
    return build_backbone(config_from_json({"architecture": architecture, **sizes}), seed)


def prepare(crystals: RelaxedCrystals, cutoff: float) -> PreparedCrystals:
    """List neighbours and compute descriptors.

    Raises
    ------
    InvalidPoolError
        A structure has no graph.
    """
    from catalyst_assets.representation.descriptors.structural import describe_graphs, descriptor_names
    from catalyst_assets.representation.graphs import build_graphs

    graphs, failures = build_graphs(crystals.structures, cutoff)
    for index, reason in failures.items():
        raise InvalidPoolError(f"Row {index + 1}: {reason}", "Remove the row.")
    listed = [graphs[index] for index in range(len(crystals.structures))]
    descriptors = describe_graphs(listed).astype(np.float32)
    return PreparedCrystals(listed, descriptors, tuple(f"desc:{name}" for name in descriptor_names()))


def run_regression(
    crystals: RelaxedCrystals,
    property_name: str,
    settings: "FitSettings",
    architecture: Architecture = "mace",
    members: int = 1,
    say: Progress = lambda text: None,
) -> RegressionReport:
    """Train and judge on both splits.

    Raises
    ------
    InvalidPoolError
        There are fewer than 100 crystals, or one has no graph.
    """
    from catalyst_assets.representation.devices import choose_device

    if len(crystals.values) < 100:
        raise InvalidPoolError(
            f"{len(crystals.values)} crystals are too few to be split.", "Give 100 or more."
        )
    started = time.perf_counter()
    backbone = build_benchmark_backbone(architecture, settings.seed)
    say("neighbours and descriptors")
    prepared = prepare(crystals, backbone.config.cutoff)
    models, seconds, mean_maes = [], [], []
    of_splits: dict[str, Any] = {}
    for name, prefix, split in (
        ("random", "", split_at_random(len(crystals.values), settings.seed)),
        ("grouped", "grouped_", split_by_group(crystals.chemical_systems, settings.seed)),
    ):
        tell = prefixed(say, f"{name} split: ")
        tell("forest")
        of_splits[f"{prefix}forest_mae"] = forest_mae(
            prepared, crystals.values, split.train, split.test, settings.seed
        )
        began = time.perf_counter()
        models.append(_train(backbone, prepared, crystals, split, settings, members, tell))
        seconds.append(time.perf_counter() - began)
        judged = _judge(models[-1], prepared, crystals.values, split)
        of_splits |= {f"{prefix}test_mae": judged.mae, f"{prefix}coverage": judged.coverage}
        of_splits[f"{prefix}miscalibration_area"] = judged.miscalibration_area
        mean_maes.append(judged.baseline_mae)
    report = models[0].report
    return RegressionReport(
        property=property_name,
        architecture=architecture,
        n_structures=len(crystals.values),
        members=members,
        validation_mae=report.properties[_PROPERTY].mae if report else float("nan"),
        mean_mae=mean_maes[0],
        parameters=models[0].n_parameters,
        epochs=tuple(max(len(one.curves["training_loss"]) for one in model.members) for model in models),
        device=str(choose_device(settings.accelerator)),
        train_seconds=seconds[0],
        seconds=time.perf_counter() - started,
        **of_splits,
    )


def prefixed(say: Progress, prefix: str) -> Progress:
    """Return what tells a part of the work under its name."""
    return lambda text: say(prefix + text)


def fine_tune_to(
    backbone: "Backbone",
    prepared: PreparedCrystals,
    crystals: RelaxedCrystals,
    rows: "NDArray[np.int64]",
    settings: "FineTuneSettings",
    tell: Callable[[str, int, float], None],
    left_out: "list[NDArray[np.int64]] | None" = None,
    name: str = _PROPERTY,
) -> "FineTunedModel":
    """Fine-tune to the values of some rows.

    Parameters
    ----------
    tell
        Called with a curve's name, the epoch and its value.
    left_out
        Positions among the rows that each network leaves out; dealt out by chemical system if None.
    name
        Of the property.
    """
    from catalyst_assets.learning.models.fine_tuning import fine_tune

    with scratch_folder() as folder:
        return fine_tune(
            backbone,
            [prepared.graphs[row] for row in rows],
            prepared.descriptors[rows],
            prepared.names,
            crystals.values[rows, None],
            [crystals.chemical_systems[row] for row in rows],
            [name],
            settings,
            Path(folder),
            left_out=left_out,
            on_epoch=tell,
        )


def predict_rows(
    model: "FineTunedModel", prepared: PreparedCrystals, rows: "NDArray[np.int64]"
) -> "Marginal":
    """Return what a fine-tuned network predicts of some rows."""
    (predicted,) = model.marginals(prepared.descriptors[rows], [prepared.graphs[row] for row in rows])
    return predicted


def _train(
    backbone: "Backbone",
    prepared: PreparedCrystals,
    crystals: RelaxedCrystals,
    split: Split,
    settings: "FitSettings",
    members: int,
    progress: Progress,
) -> "FineTunedModel":
    from catalyst_assets.learning.models.fine_tuned import FineTuneSettings

    def tell(name: str, epoch: int, value: float) -> None:
        member, _, metric = name.partition("/")
        if metric == f"mean_absolute_error/{_PROPERTY}":
            progress(f"{member}, epoch {epoch + 1} of {settings.max_epochs}, validation MAE {value:.4f}")

    rows = np.concatenate([split.train, split.validation])
    left_out = [np.arange(len(split.train), len(rows))] * members
    wanted = FineTuneSettings(members, members, settings)
    return fine_tune_to(backbone, prepared, crystals, rows, wanted, tell, left_out)


def _judge(
    model: "FineTunedModel", prepared: PreparedCrystals, values: "NDArray[np.float64]", split: Split
) -> "PropertyReport":
    """Compare predictions of the test rows with their values."""
    from catalyst_assets.learning.uncertainty.report import compare

    predicted, observed = predict_rows(model, prepared, split.test), values[split.test]
    below, _ = predicted.cdf(observed)
    baseline = np.full(len(observed), values[split.train].mean())
    return compare(observed, *predicted.moments(), below, baseline)


def forest_mae(
    prepared: PreparedCrystals,
    values: "NDArray[np.float64]",
    taught: "NDArray[np.int64]",
    tested: "NDArray[np.int64]",
    seed: int,
) -> float:
    """Return the test error of a random forest on statistics of the elements' properties over the composition."""
    from sklearn.ensemble import RandomForestRegressor

    composition = ("_mean", "_std", "_min", "_max")
    columns = [column for column, name in enumerate(prepared.names) if name.endswith(composition)]
    known = prepared.descriptors[:, columns]
    forest = RandomForestRegressor(_FOREST_TREES, random_state=seed, n_jobs=-1)
    forest.fit(known[taught], values[taught])
    return float(np.abs(forest.predict(known[tested]) - values[tested]).mean())
