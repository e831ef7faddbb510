"""Assets of representation: the network, and the features it gives each structure. Wiring only."""

import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import dagster as dg
from pydantic import Field

from catalyst_assets.constants import OWNERS, Group, Queue, op_tags
from resources.platform import Platform


class BackboneConfig(dg.Config):
    """Which network is used."""

    seed: int = Field(default=0, ge=0, description="Seed of the weights of the small MACE.")


@dg.asset(
    group_name=Group.REPRESENTATION.value,
    owners=OWNERS,
    kinds={"pytorch"},
    pool=Queue.GPU.value,
    op_tags=op_tags(Queue.GPU),
)
def backbone(config: BackboneConfig, platform: dg.ResourceParam[Platform]) -> dg.MaterializeResult[Any]:
    """Equivariant graph network (MACE) whose invariant features describe structures."""
    from catalyst_assets.representation.library import publish_small_mace

    started = time.monotonic()
    network = publish_small_mace(platform.objects, config.seed)
    return dg.MaterializeResult(
        metadata={
            "sha256": network.fingerprint,
            "size_bytes": network.size_bytes,
            "seed": config.seed,
            "architecture": dg.MetadataValue.json(asdict(network.config)),
            "duration_seconds": time.monotonic() - started,
        },
        data_version=dg.DataVersion(network.fingerprint),
    )


@dg.op(
    ins={"materials": dg.In(dg.Nothing), "backbone": dg.In(dg.Nothing)},
    out=dg.DynamicOut(dict),
    pool=Queue.PREDICT.value,
    tags=op_tags(Queue.PREDICT),
)
def structures_without_features(
    context: dg.OpExecutionContext, platform: dg.ResourceParam[Platform]
) -> Iterator[dg.DynamicOutput[dict[str, Any]]]:
    """Cut the structures that have no features yet into shards."""
    from catalyst_assets.representation.stage import plan_shards

    shards = plan_shards(platform)
    context.log.info("%d shards to embed", len(shards))
    for shard in shards:
        yield dg.DynamicOutput(shard, mapping_key=f"shard{shard['index']}")


@dg.op(pool=Queue.PREDICT.value, tags=op_tags(Queue.PREDICT))
def embed_structure_shard(shard: dict[str, Any], platform: dg.ResourceParam[Platform]) -> dict[str, Any]:
    """Compute the features of the structures of one shard."""
    from catalyst_assets.representation.stage import embed_shard

    started = time.monotonic()
    counts = embed_shard(platform.database, platform.objects, shard)
    return {**counts, "seconds": time.monotonic() - started}


@dg.op(pool=Queue.PREDICT.value, tags=op_tags(Queue.PREDICT))
def settle_embeddings(
    embedded: list[dict[str, Any]], platform: dg.ResourceParam[Platform]
) -> dg.MaterializeResult[Any]:
    """Say how many structures have features now."""
    from catalyst_assets.representation.stage import measure_coverage

    started = time.monotonic()
    coverage = measure_coverage(platform.database, platform.objects)
    return dg.MaterializeResult(
        metadata={
            "structures": coverage.n_structures,
            "embedded_now": sum(shard["embedded"] for shard in embedded),
            "failed_now": sum(shard["failed"] for shard in embedded),
            "quarantined": coverage.n_quarantined,
            "shards": len(embedded),
            "backbone_sha256": coverage.fingerprint,
            "duration_seconds": sum(shard["seconds"] for shard in embedded) + time.monotonic() - started,
        }
    )


@dg.graph_asset(
    group_name=Group.REPRESENTATION.value,
    owners=OWNERS,
    kinds={"parquet", "pytorch"},
    ins={
        "materials": dg.AssetIn(dagster_type=dg.Nothing),
        "backbone": dg.AssetIn(dagster_type=dg.Nothing),
    },
)
def structure_embeddings(materials: Any, backbone: Any) -> Any:
    """Pooled network features joined with elemental descriptors, once for each structure."""
    shards = structures_without_features(materials=materials, backbone=backbone)
    return settle_embeddings(shards.map(embed_structure_shard).collect())
