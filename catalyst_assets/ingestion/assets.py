"""Assets of ingestion: the materials made from what the sources gave.

Wiring only; how raw files become rows is `shards`' business. The sources' own assets are in `raw_assets`.
"""

import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import dagster as dg
from pydantic import Field

from catalyst_assets.constants import OWNERS, Group, Queue, op_tags
from resources.platform import Platform


class MaterialsConfig(dg.Config):
    """How much is parsed."""

    reparse: bool = Field(
        default=False, description="Parse every current raw file again, not only those that are pending."
    )


@dg.op(
    ins={
        "raw_prototypes": dg.In(dg.Nothing),
        "raw_reference_tables": dg.In(dg.Nothing),
        "raw_optimade": dg.In(dg.Nothing),
        "raw_aflow": dg.In(dg.Nothing),
    },
    out=dg.DynamicOut(dict),
    pool=Queue.INGEST.value,
    tags=op_tags(Queue.INGEST),
)
def pending_shards(
    context: dg.OpExecutionContext, config: MaterialsConfig, platform: dg.ResourceParam[Platform]
) -> Iterator[dg.DynamicOutput[dict[str, Any]]]:
    """Cut the raw files that wait to be parsed into shards."""
    from catalyst_assets.ingestion.shards import plan_shards

    shards = plan_shards(platform.database, platform.objects, platform.settings, reparse=config.reparse)
    context.log.info("%d shards to load", len(shards))
    for shard in shards:
        yield dg.DynamicOutput(shard, mapping_key=f"file{shard['raw_file_id']}_row{shard['start']}")


@dg.op(pool=Queue.INGEST.value, tags=op_tags(Queue.INGEST))
def load_material_shard(shard: dict[str, Any], platform: dg.ResourceParam[Platform]) -> dict[str, Any]:
    """Parse, check and load the rows of one shard."""
    from catalyst_assets.ingestion.shards import load_shard

    started = time.monotonic()
    counts = load_shard(platform.database, platform.objects, shard)
    return {
        "raw_file_id": shard["raw_file_id"],
        "counts": asdict(counts),
        "seconds": time.monotonic() - started,
    }


@dg.op(pool=Queue.INGEST.value, tags=op_tags(Queue.INGEST))
def settle_materials(
    loaded: list[dict[str, Any]], platform: dg.ResourceParam[Platform]
) -> dg.MaterializeResult[Any]:
    """Close the files whose shards are all loaded and say what changed."""
    from catalyst_assets.ingestion.loading import LoadCounts
    from catalyst_assets.ingestion.shards import settle_files

    started = time.monotonic()
    settled = settle_files(
        platform.database,
        platform.objects,
        [(shard["raw_file_id"], LoadCounts(**shard["counts"])) for shard in loaded],
    )
    return dg.MaterializeResult(
        metadata={
            **asdict(settled),
            "shards": len(loaded),
            "duration_seconds": sum(shard["seconds"] for shard in loaded) + time.monotonic() - started,
        },
        data_version=dg.DataVersion(settled.sha256),
    )


@dg.graph_asset(
    group_name=Group.INGESTION.value,
    owners=OWNERS,
    kinds={"postgres"},
    ins={
        "raw_prototypes": dg.AssetIn(dagster_type=dg.Nothing),
        "raw_reference_tables": dg.AssetIn(dagster_type=dg.Nothing),
        "raw_optimade": dg.AssetIn(dagster_type=dg.Nothing),
        "raw_aflow": dg.AssetIn(dagster_type=dg.Nothing),
    },
)
def materials(raw_prototypes: Any, raw_reference_tables: Any, raw_optimade: Any, raw_aflow: Any) -> Any:
    """Every crystal known, checked, with its properties by method and source; from the raw cache only."""
    shards = pending_shards(
        raw_prototypes=raw_prototypes,
        raw_reference_tables=raw_reference_tables,
        raw_optimade=raw_optimade,
        raw_aflow=raw_aflow,
    )
    return settle_materials(shards.map(load_material_shard).collect())
