"""Assets of learning: the frozen training set and the model fitted to it. Wiring only."""

import time
from typing import TYPE_CHECKING, Any

import dagster as dg

from catalyst_assets.asset_metadata.shown import listing, shown, table
from catalyst_assets.asset_metadata.tables import file_schema, label_columns
from catalyst_assets.constants import OWNERS, Group, Work, op_tags, pool_of
from catalyst_assets.learning.columns import FEATURES, IDENTITY, noise_columns
from catalyst_assets.partitions import AL_ITERATION
from resources.mlflow.tracking import Tracking
from resources.platform import Platform

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from catalyst_assets.learning.models.registry import Registration
    from catalyst_assets.learning.training_set import TrainingSet


@dg.asset(
    group_name=Group.LEARNING.value,
    owners=OWNERS,
    kinds={"parquet"},
    metadata=file_schema({**IDENTITY, **FEATURES}),
    partitions_def=AL_ITERATION,
    deps=["labels", "structure_embeddings"],
    pool=pool_of(Work.PLAN),
    op_tags=op_tags(Work.PLAN),
)
def training_set(
    context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform]
) -> dg.MaterializeResult[Any]:
    """Labels frozen when the iteration opened, joined with features, in one content-hashed file.

    A row is a labelled material, with a column for each property that the campaign learns.
    """
    from catalyst_assets.campaigns.iterations import read_iteration
    from catalyst_assets.learning.training_set import build_training_set, store_training_set

    started = time.monotonic()
    key = context.partition_key
    built = build_training_set(platform.database, platform.objects, key)
    sha256 = store_training_set(platform.database, platform.objects, key, built)
    left_out = built.provenance.get("left_out", "")
    with platform.database.transaction() as connection:
        iteration = read_iteration(connection, key)
    return dg.MaterializeResult(
        metadata={
            **file_schema(
                {**IDENTITY, **label_columns(built.properties), **FEATURES, **noise_columns(built.noisy)}
            ),
            **shown(
                {
                    "dagster/row_count": len(built.material_ids),
                    "materials": len(built.material_ids),
                    "chemical_systems": len(set(built.chemical_systems)),
                    "labels": iteration.label_count,
                    "label_sha256": iteration.label_sha256,
                    **_noise(built.noisy),
                    **_cheaply_known(built),
                    "parent_iteration": iteration.parent or "none",
                    "features": len(built.feature_names),
                    "backbone": built.provenance["backbone"],
                    **({"left_out": listing("material", left_out.split(", "))} if left_out else {}),
                    "sha256": sha256,
                    "duration_seconds": time.monotonic() - started,
                }
            ),
        },
        data_version=dg.DataVersion(sha256),
    )


def _noise(noisy: "Mapping[str, NDArray[np.float64]]") -> dict[str, Any]:
    """Return how many labels have a known standard deviation, and the typical one of each property."""
    import numpy as np

    if not noisy:
        return {}
    known = {name: column[np.isfinite(column)] for name, column in noisy.items()}
    return {
        "labels_with_noise": sum(len(column) for column in known.values()),
        **{f"median_noise_of_{name}": float(np.median(column)) for name, column in known.items()},
    }


def _cheaply_known(built: "TrainingSet") -> dict[str, Any]:
    """Return of how many of the labelled materials each cheap answer is known, and the file that they are frozen in."""
    import numpy as np

    from catalyst_assets.learning.heads.relations.fidelities import CheapAnswers

    cheap = CheapAnswers.of(built.features, built.feature_names)
    if not cheap.names:
        return {}
    known = (np.isfinite(cheap.values) & (cheap.deviations == 0)).sum(axis=0)
    return {
        "cheap_answers": built.provenance["cheap_answers"],
        **{f"labelled_with_{name}": int(n) for name, n in zip(cheap.names, known, strict=True)},
    }


@dg.asset(
    group_name=Group.LEARNING.value,
    owners=OWNERS,
    kinds={"mlflow", "pytorch"},
    partitions_def=AL_ITERATION,
    deps=[training_set, "backbone"],
    pool=pool_of(Work.TRAIN),
    op_tags=op_tags(Work.TRAIN),
)
def trained_model(
    context: dg.AssetExecutionContext,
    platform: dg.ResourceParam[Platform],
    mlflow: dg.ResourceParam[Tracking],
) -> dg.MaterializeResult[Any]:
    """Model of all learned properties, calibrated and judged on chemical systems it was not shown.

    It is one file: the predictors of the iteration, named by their hash and registered as a version in MLflow.
    """
    from catalyst_assets.figures import as_markdown
    from catalyst_assets.learning.recording import train_and_record
    from catalyst_assets.learning.uncertainty.distance import distance_rows
    from catalyst_assets.representation.devices import unused_gpu

    trained = train_and_record(platform, mlflow, context.partition_key, context.run.run_id)
    for problem in trained.problems:
        context.log.warning(problem)
    model = trained.model
    metadata = {
        "materials": len(model.training_set.material_ids),
        "model_sha256": model.sha256,
        "training_set_sha256": model.iteration.training_set_sha256 or "",
        "learned": model.model.report is not None,
        "gpu_not_used": unused_gpu(),
        **model.metrics,
        **{
            name: dg.MetadataValue.md(as_markdown(picture, f"{name.replace('_', ' ')} plot"))
            for name, picture in trained.pictures.items()
        },
        "error_by_distance": table(distance_rows(trained.by_distance)),
        "duration_seconds": trained.seconds,
        "mlflow_run": dg.MetadataValue.url(trained.run_url) if trained.run_url else "not recorded",
        **_registered(trained.registration),
        **({"not_recorded": listing("problem", trained.problems)} if trained.problems else {}),
    }
    return dg.MaterializeResult(metadata=shown(metadata), data_version=dg.DataVersion(model.sha256))


def _registered(registration: "Registration | None") -> dict[str, Any]:
    if registration is None:
        return {"registered_version": "not registered"}
    return {
        "registered_version": f"{registration.version.name}@{registration.version.version}",
        "became_champion": registration.decision.is_promoted,
        "champion_decision": registration.decision.reason,
    }
