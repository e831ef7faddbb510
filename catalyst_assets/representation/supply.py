"""The network that was asked for becomes the current one: made, taught formation energies if so wished, stored.

What was asked for before, and is there, is kept; what a killed call had learned is gone on from.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.constants import decimals
from catalyst_assets.representation.fitting.shared_checkpoints import SharedCheckpoints
from catalyst_assets.representation.foundation.choice import Source
from catalyst_assets.representation.library import PublishedBackbone, publish_backbone
from catalyst_assets.representation.networks.configs import refuse_training
from catalyst_assets.representation.pretraining import (
    PretrainingReport,
    collect_labels,
    collect_pretraining_set,
    pretrain_backbone,
)
from resources.mlflow.run_facts import UsedData

if TYPE_CHECKING:
    from catalyst_assets.representation.backbones import Backbone
    from catalyst_assets.representation.fitting.settings import FitSettings
    from catalyst_assets.representation.foundation.choice import BackboneChoice
    from resources.mlflow.tracking import Tracking
    from resources.platform import Platform

ASSET: Final = "backbone"


@dataclass(frozen=True)
class SuppliedBackbone:
    """The current backbone and how it came about.

    Attributes
    ----------
    pretraining
        What it was taught now; None if it was not.
    run_url
        Page of the MLflow run of the pretraining; empty without one.
    problem
        Why the pretraining was not recorded; empty if it was.
    """

    published: PublishedBackbone
    pretraining: PretrainingReport | None = None
    run_url: str = ""
    problem: str = ""


def supply_backbone(
    platform: "Platform",
    tracking: "Tracking",
    choice: "BackboneChoice",
    pretraining: "FitSettings | None",
    dagster_run_id: str,
) -> SuppliedBackbone:
    """Make the chosen network the current one.

    Parameters
    ----------
    pretraining
        How it is taught the formation energies in `materials`; None if it is not.

    Raises
    ------
    CatalystError
        The choice cannot be met, is to be taught and cannot be, or there are too few energies.
    """
    settings = platform.settings
    if pretraining is not None and choice.source is Source.POTENTIAL:
        raise refuse_training(choice.name)
    recipe = choice.recipe(settings)
    if pretraining is None:
        return SuppliedBackbone(publish_backbone(platform.objects, recipe, lambda: choice.make(settings)))
    data_sha256 = collect_labels(platform.database).sha256
    recipe = {
        "kind": "pretrained",
        "parent": recipe,
        "data_sha256": data_sha256,
        "settings_sha256": pretraining.sha256,
    }
    key = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()
    checkpoints = SharedCheckpoints(platform, f"{ASSET}/{key[:16]}")
    told: dict[str, Any] = {}

    def make() -> "Backbone":
        with tracking.run(
            ASSET,
            None,
            dagster_run_id,
            data_sha256=data_sha256,
            training_key=key,
            module=__name__,
            experiment_note="Networks that describe structures, taught the formation energies in `materials`.",
        ) as run:

            def tell(epoch: int, values: Mapping[str, float]) -> None:
                checkpoints.push()
                for name, value in values.items():
                    run.on_epoch(name, epoch, value)

            parent = choice.make(settings)
            data = collect_pretraining_set(platform.database, parent)
            run.log(data=_describe_data(data_sha256, len(data.graphs)))
            checkpoints.fetch()
            backbone, report = pretrain_backbone(parent, data, pretraining, checkpoints.folder, on_epoch=tell)
            run.log(params=backbone.origin.to_json(), metrics=_scalars(report), note=_describe_run(report))
        told.update(pretraining=report, run_url=run.url, problem=run.problem)
        return backbone

    published = publish_backbone(platform.objects, recipe, make)
    checkpoints.clear()
    return SuppliedBackbone(published, **told)


def pretraining_rows(report: PretrainingReport) -> list[dict[str, Any]]:
    """Return what a pretraining came to as rows of a table for people: one for each method of its labels."""
    return [
        {
            "method": method,
            "labels": count,
            "mean absolute error (eV/atom)": report.mean_absolute_error.get(method),
            "error of the mean (eV/atom)": report.baseline.get(method),
        }
        for method, count in report.n_labels.items()
    ]


def _describe_data(sha256: str, n_rows: int) -> UsedData:
    return UsedData(
        "formation energies of materials", sha256, "postgresql://catalyst/materials", n_rows,
        {"structure_hash": "string", "formation_energy": "double", "method": "string"},
    )  # fmt: skip


def _describe_run(report: PretrainingReport) -> str:
    """Return the sentence that stands above the MLflow run."""
    errors = ", ".join(
        f"{method} {decimals(error)} eV/atom" for method, error in report.mean_absolute_error.items()
    )
    return (
        f"`backbone`: a network taught {sum(report.n_labels.values())} formation energies of "
        f"{report.n_structures} structures. Mean absolute error on unseen chemical systems: "
        f"{errors or 'not measured, too few'}."
    )


def _scalars(report: PretrainingReport) -> dict[str, float]:
    errors = {f"mean_absolute_error/{name}": value for name, value in report.mean_absolute_error.items()}
    return errors | {"n_structures": report.n_structures, "best_epoch": report.best_epoch}
