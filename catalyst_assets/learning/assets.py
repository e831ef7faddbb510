"""Assets of learning: the frozen training set and the model fitted to it. Wiring only."""

import time
from typing import TYPE_CHECKING, Any

import dagster as dg

from catalyst_assets.constants import OWNERS, Group, Queue, op_tags
from catalyst_assets.partitions import AL_ITERATION
from resources.platform import Platform

if TYPE_CHECKING:
    from catalyst_assets.learning.training import TrainedModel


@dg.asset(
    group_name=Group.LEARNING.value,
    owners=OWNERS,
    kinds={"parquet"},
    partitions_def=AL_ITERATION,
    deps=["labels", "structure_embeddings"],
    pool=Queue.PREDICT.value,
    op_tags=op_tags(Queue.PREDICT),
)
def training_set(
    context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform]
) -> dg.MaterializeResult[Any]:
    """Labels frozen when the iteration opened, joined with features, in one content-hashed file."""
    from catalyst_assets.campaigns.iterations import read_iteration
    from catalyst_assets.learning.training_set import build_training_set, store_training_set

    started = time.monotonic()
    key = context.partition_key
    built = build_training_set(platform.database, platform.objects, key)
    sha256 = store_training_set(platform.database, platform.objects, key, built)
    with platform.database.transaction() as connection:
        iteration = read_iteration(connection, key)
    return dg.MaterializeResult(
        metadata={
            "materials": len(built.material_ids),
            "chemical_systems": len(set(built.chemical_systems)),
            "labels": iteration.label_count,
            "label_sha256": iteration.label_sha256,
            "parent_iteration": iteration.parent or "none",
            "features": len(built.feature_names),
            "backbone": built.provenance["backbone"],
            "sha256": sha256,
            "duration_seconds": time.monotonic() - started,
        },
        data_version=dg.DataVersion(sha256),
    )


@dg.asset(
    group_name=Group.LEARNING.value,
    owners=OWNERS,
    kinds={"mlflow", "pytorch"},
    partitions_def=AL_ITERATION,
    deps=[training_set, "backbone"],
    pool=Queue.GPU.value,
    op_tags=op_tags(Queue.GPU),
)
def trained_model(
    context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform]
) -> dg.MaterializeResult[Any]:
    """Model of all learned properties, calibrated and judged on chemical systems it was not shown."""
    from catalyst_assets.learning.training import train

    started = time.monotonic()
    model = train(platform.database, platform.objects, context.partition_key)
    duration = time.monotonic() - started
    metadata = {
        "materials": len(model.training_set.material_ids),
        "model_sha256": model.sha256,
        "training_set_sha256": model.iteration.training_set_sha256 or "",
        "learned": not model.head.is_prior,
        **{name: value for name, value in model.metrics.items() if value is not None},
        **_pictures(model),
        "duration_seconds": duration,
        **_track(context, platform, model, duration),
    }
    return dg.MaterializeResult(metadata=metadata, data_version=dg.DataVersion(model.sha256))


def _pictures(model: "TrainedModel") -> dict[str, Any]:
    from catalyst_assets.figures import draw_calibration, draw_parity

    if model.head.report is None:
        return {}
    reports = model.head.report.properties
    return {
        "parity": dg.MetadataValue.md(draw_parity(reports)),
        "calibration": dg.MetadataValue.md(draw_calibration(reports)),
    }


def _track(
    context: dg.AssetExecutionContext, platform: Platform, model: "TrainedModel", seconds: float
) -> dict[str, Any]:
    """Record the training with MLflow; the model is stored already and does not depend on it."""
    from catalyst_assets.learning.training import record_tracking

    try:
        run_id = platform.tracking.log_run(
            "trained_model",
            context.partition_key,
            context.run.run_id,
            params=model.parameters,
            metrics={**model.scalars, "seconds": seconds},
            curves=model.head.report.curves if model.head.report else None,
            data_sha256=model.iteration.training_set_sha256 or "",
        )
        record_tracking(platform.database, model, run_id)
        return {"mlflow_run": dg.MetadataValue.url(platform.tracking.run_url(run_id))}
    except Exception as error:  # a library fails in its own ways, and none may cost the iteration
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        context.log.warning("The model is stored, but not tracked. %s", reason)
        return {"mlflow_run": f"not recorded: {reason}"}
