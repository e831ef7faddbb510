"""What pretraining is worth: the same network adapted to few labels, from pretrained and from random weights.

As on a site without foundation weights: the platform's own pretraining on plentiful formation energies, then its own
fine-tuning to scarce labels of a property. Every seed deals the rows out anew; no row is in two of the parts.
"""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from catalyst_assets.bench.perov5 import RelaxedCrystals
from catalyst_assets.bench.regression import (
    PreparedCrystals,
    Progress,
    benchmark_settings,
    build_benchmark_backbone,
    fine_tune_to,
    predict_rows,
    prefixed,
    prepare,
)
from catalyst_assets.constants import Architecture
from catalyst_assets.errors import InvalidPoolError
from resources.paths import scratch_folder

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from catalyst_assets.constants import Accelerator
    from catalyst_assets.representation.backbones import Backbone

_FEWEST_TESTED: Final = 100
_FOLDS: Final = 5


@dataclass(frozen=True)
class TargetTransfer:
    """Test errors of one property, in the unit of the table; one a seed.

    Attributes
    ----------
    pretrained_mae, scratch_mae
        Of the network adapted from pretrained and from random weights.
    mean_mae
        Of predicting the mean of the few labels.
    median_ratio
        Median over the seeds of pretrained by scratch: below 1, pretraining pays.
    """

    pretrained_mae: list[float]
    scratch_mae: list[float]
    mean_mae: list[float]
    median_ratio: float


@dataclass(frozen=True)
class TransferReport:
    """What `catalyst bench transfer --json` prints.

    Attributes
    ----------
    n_pretraining, n_labels, n_test
        Rows of each part.
    pretraining_mae
        Of the pretraining's property on chemical systems left out of it, one a seed.
    targets
        By property.
    """

    source: str
    architecture: str
    n_pretraining: int
    n_labels: int
    n_test: int
    seeds: list[int]
    pretraining_mae: list[float]
    targets: dict[str, TargetTransfer]
    seconds: float


@dataclass(frozen=True)
class TransferSettings:
    """How much is learned from.

    Attributes
    ----------
    n_pretraining, n_labels
        Rows of the pretraining and of the adaptation.
    pretraining_epochs, epochs
        Most passes over each.
    """

    n_pretraining: int = 5000
    n_labels: int = 100
    pretraining_epochs: int = 20
    epochs: int = 100
    accelerator: "Accelerator" = "auto"


def run_transfer(
    source: RelaxedCrystals,
    source_name: str,
    targets: dict[str, RelaxedCrystals],
    seeds: Sequence[int],
    settings: TransferSettings,
    architecture: Architecture = "mace",
    say: Progress = lambda text: None,
) -> TransferReport:
    """Pretrain, adapt and judge, for each seed.

    Parameters
    ----------
    source
        Crystals with the plentiful property.
    targets
        The same crystals with each scarce property.

    Raises
    ------
    InvalidPoolError
        There are too few crystals.
    """
    n, n_taught = len(source.values), settings.n_pretraining + settings.n_labels
    n_test = n - n_taught
    if n_test < _FEWEST_TESTED:
        raise InvalidPoolError(
            f"There are {n} crystals, {n_taught + _FEWEST_TESTED} are needed: {settings.n_pretraining} to pretrain "
            f"on, {settings.n_labels} to adapt to and {_FEWEST_TESTED} to test with.",
            "Give more crystals, or pretrain on fewer (--pretraining).",
        )
    started = time.perf_counter()
    prepared = prepare(source, build_benchmark_backbone(architecture, 0).config.cutoff)
    pretraining_mae: list[float] = []
    errors: dict[str, list[tuple[float, float, float]]] = {name: [] for name in targets}
    for seed in seeds:
        rows = np.random.default_rng(seed).permutation(n)
        taught, labelled, tested = np.split(
            rows, [settings.n_pretraining, settings.n_pretraining + settings.n_labels]
        )
        scratch = build_benchmark_backbone(architecture, seed)
        pretrained, error = _pretrain(scratch, prepared, source, np.sort(taught), seed, settings, say)
        pretraining_mae.append(error)
        for name, crystals in targets.items():
            parts = (prepared, crystals, np.sort(labelled), np.sort(tested), seed, settings)
            by_pretrained, by_scratch = (
                adapt(network, *parts, prefixed(say, f"seed {seed}: {name}, {origin}, "))
                for network, origin in ((pretrained, "pretrained"), (scratch, "from scratch"))
            )
            by_mean = float(np.abs(crystals.values[tested] - crystals.values[labelled].mean()).mean())
            errors[name].append((by_pretrained, by_scratch, by_mean))
    return TransferReport(
        source=source_name,
        architecture=architecture,
        n_pretraining=settings.n_pretraining,
        n_labels=settings.n_labels,
        n_test=n_test,
        seeds=list(seeds),
        pretraining_mae=pretraining_mae,
        targets={name: _summarize(each) for name, each in errors.items()},
        seconds=time.perf_counter() - started,
    )


def _summarize(errors: list[tuple[float, float, float]]) -> TargetTransfer:
    pretrained, scratch, mean = (list(column) for column in zip(*errors, strict=True))
    ratios = [one / other for one, other in zip(pretrained, scratch, strict=True)]
    return TargetTransfer(pretrained, scratch, mean, statistics.median(ratios))


def _pretrain(
    backbone: "Backbone",
    prepared: PreparedCrystals,
    source: RelaxedCrystals,
    rows: "NDArray[np.int64]",
    seed: int,
    settings: TransferSettings,
    say: Progress,
) -> "tuple[Backbone, float]":
    from catalyst_assets.representation.pretraining import (
        PretrainingLabels,
        PretrainingSet,
        pretrain_backbone,
    )

    labels = PretrainingLabels(
        tuple(str(row) for row in rows),
        tuple(source.chemical_systems[row] for row in rows),
        ("source",),
        source.values[rows, None],
    )
    data = PretrainingSet(labels, tuple(prepared.graphs[row] for row in rows), labels.sha256)
    fit = benchmark_settings(settings.pretraining_epochs, seed, settings.accelerator)
    with scratch_folder() as folder:
        pretrained, report = pretrain_backbone(
            backbone,
            data,
            fit,
            Path(folder),
            on_epoch=lambda epoch, _: say(
                f"seed {seed}: pretraining, epoch {epoch + 1} of {settings.pretraining_epochs}"
            ),
        )
    return pretrained, report.mean_absolute_error["source"]


def adapt(
    backbone: "Backbone",
    prepared: PreparedCrystals,
    crystals: RelaxedCrystals,
    labelled: "NDArray[np.int64]",
    tested: "NDArray[np.int64]",
    seed: int,
    settings: TransferSettings,
    say: Progress,
) -> float:
    """Return the test error of one network adapted to a few labels."""
    from catalyst_assets.learning.models.fine_tuned import FineTuneSettings
    from catalyst_assets.representation.fitting.settings import FitSettings

    say(f"adapting to {settings.n_labels} labels")

    def tell(name: str, epoch: int, _: float) -> None:
        if name == "member0/training_loss":
            say(f"epoch {epoch + 1} of {settings.epochs}")

    fit = FitSettings(
        max_epochs=settings.epochs, seed=seed, accelerator=settings.accelerator, max_edges_per_batch=4000
    )
    wanted = FineTuneSettings(1, _FOLDS, fit)
    model = fine_tune_to(backbone, prepared, crystals, labelled, wanted, tell, name="target")
    mean, _ = predict_rows(model, prepared, tested).moments()
    return float(np.abs(mean - crystals.values[tested]).mean())
