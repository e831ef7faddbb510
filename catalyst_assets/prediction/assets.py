"""Assets of prediction. Wiring only; how a pool is predicted is `versions`'s."""

import time
from collections.abc import Iterator
from typing import Any

import dagster as dg

from catalyst_assets.asset_metadata.shown import shown
from catalyst_assets.asset_metadata.tables import stored_in
from catalyst_assets.constants import OWNERS, Group, Work, op_tags, pool_of
from catalyst_assets.partitions import AL_ITERATION
from resources.platform import Platform


@dg.op(
    ins={"trained_model": dg.In(dg.Nothing)},
    out={"plan": dg.Out(dict), "shards": dg.DynamicOut(dict)},
    pool=pool_of(Work.PLAN),
    tags=op_tags(Work.PLAN),
)
def plan_prediction_shards(
    context: dg.OpExecutionContext, platform: dg.ResourceParam[Platform]
) -> Iterator[dg.Output[dict[str, Any]] | dg.DynamicOutput[dict[str, Any]]]:
    """Choose the model that predicts, open a version of the predictions and cut the pool into shards."""
    from catalyst_assets.prediction.champion import choose_predictor
    from catalyst_assets.prediction.versions import plan_predictions

    key = context.partition_key
    choice = choose_predictor(platform, key)
    context.log.info("%s", choice.reason)
    plan, shards = plan_predictions(
        platform.database, platform.objects, platform.settings, key, choice.model_sha256
    )
    context.log.info("%d materials in %d shards", plan.n_members, len(shards))
    yield dg.Output(plan.to_json(), "plan")
    for start, stop in shards:
        shard = {"plan": plan.to_json(), "start": start, "stop": stop}
        yield dg.DynamicOutput(shard, mapping_key=f"rows_{start}_{stop}", output_name="shards")


@dg.op(pool=pool_of(Work.PREDICT), tags=op_tags(Work.PREDICT))
def predict_pool_shard(shard: dict[str, Any], platform: dg.ResourceParam[Platform]) -> dict[str, Any]:
    """Predict one shard into the staging version."""
    from catalyst_assets.prediction.versions import PredictionPlan, predict_shard
    from catalyst_assets.representation.devices import unused_gpu

    started = time.monotonic()
    plan = PredictionPlan(**shard["plan"])
    rows = predict_shard(
        platform.database,
        platform.objects,
        plan,
        shard["start"],
        shard["stop"],
        platform.settings.accelerator,
    )
    return {"rows": rows, "seconds": time.monotonic() - started, "gpu_not_used": unused_gpu()}


@dg.op(pool=pool_of(Work.PLAN), tags=op_tags(Work.PLAN))
def promote_predictions(
    plan: dict[str, Any], shards: list[dict[str, Any]], platform: dg.ResourceParam[Platform]
) -> dg.MaterializeResult[Any]:
    """Show the version once it is complete."""
    from catalyst_assets.prediction.versions import PredictionPlan, promote

    started = time.monotonic()
    planned = PredictionPlan(**plan)
    promote(platform.database, planned)
    seconds = sum(shard["seconds"] for shard in shards) + time.monotonic() - started
    return dg.MaterializeResult(
        metadata=shown(
            {
                "materials": planned.n_members,
                "dagster/row_count": planned.n_members,
                "predicted_now": sum(shard["rows"] for shard in shards),
                "shards": len(shards),
                "version": planned.version,
                **_predicted_by(platform, planned.partition_key),
                "model_sha256": planned.model_sha256,
                "pool_sha256": planned.pool_sha256,
                "gpu_not_used": next(filter(None, (shard.get("gpu_not_used") for shard in shards)), None),
                "duration_seconds": seconds,
            }
        ),
        data_version=dg.DataVersion(f"{planned.model_sha256[:32]}-{planned.pool_sha256[:32]}"),
    )


def _predicted_by(platform: Platform, partition_key: str) -> dict[str, Any]:
    from catalyst_assets.campaigns.iterations import read_iteration
    from catalyst_assets.prediction.choice import read_choice

    with platform.database.transaction() as connection:
        iteration = read_iteration(connection, partition_key)
        choice = read_choice(connection, iteration)
    if choice is None:
        return {}
    if choice.champion_version is None:
        return {"model_version": "not registered", "predictor": choice.reason}
    name, number = iteration.campaign.name, choice.champion_version
    page = f"{platform.tracking.pages}/#/models/{name}/versions/{number}"
    return {
        "model_version": f"{name}@{number}",
        "model_version_in_mlflow": dg.MetadataValue.url(page),
        "predictor": choice.reason,
    }


@dg.graph_asset(
    group_name=Group.PREDICTION.value,
    owners=OWNERS,
    kinds={"postgres"},
    metadata=stored_in("predictions"),
    partitions_def=AL_ITERATION,
    ins={"trained_model": dg.AssetIn(dagster_type=dg.Nothing)},
)
def predictions(trained_model: Any) -> Any:
    """Mean, standard deviation and joint draws of every property for every material of the pool.

    A row is a material of the pool, in the version of the predictions that the iteration shows.
    """
    plan, shards = plan_prediction_shards(trained_model)
    return promote_predictions(plan, shards.map(predict_pool_shard).collect())
