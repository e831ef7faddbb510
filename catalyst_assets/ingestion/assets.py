"""Assets of ingestion: the materials made from what the sources gave.

Wiring only; how raw files become rows is `shards`' business. The sources' own assets are made in `sources.assets`.
"""

import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import dagster as dg
from pydantic import Field

from catalyst_assets.asset_metadata.shown import shown
from catalyst_assets.asset_metadata.tables import stored_in
from catalyst_assets.constants import OWNERS, Group, Work, op_tags, pool_of
from catalyst_assets.ingestion.sources.registry import SOURCES
from resources.platform import Platform


class MaterialsConfig(dg.Config):
    """How much is parsed."""

    reparse: bool = Field(
        default=False, description="Parse every current raw file again, not only those that are pending."
    )
    source: str = Field(
        default="", description="Parse again only what this source gave, such as aflow; all of them if empty."
    )


@dg.op(
    ins={spec.asset: dg.In(dg.Nothing) for spec in SOURCES},
    out=dg.DynamicOut(dict),
    pool=pool_of(Work.PARSE),
    tags=op_tags(Work.PARSE),
)
def pending_shards(
    context: dg.OpExecutionContext, config: MaterialsConfig, platform: dg.ResourceParam[Platform]
) -> Iterator[dg.DynamicOutput[dict[str, Any]]]:
    """Cut the raw files that wait to be parsed into batches of shards."""
    from catalyst_assets.ingestion.shards import batch_shards, plan_shards

    shards = plan_shards(
        platform.database, platform.objects, platform.settings, reparse=config.reparse, source=config.source
    )
    batches = batch_shards(shards, platform.settings)
    context.log.info("%d shards to load, in %d batches", len(shards), len(batches))
    for number, batch in enumerate(batches):
        yield dg.DynamicOutput({"shards": batch}, mapping_key=f"batch{number:04d}")


@dg.op(pool=pool_of(Work.PARSE), tags=op_tags(Work.PARSE))
def load_material_batch(batch: dict[str, Any], platform: dg.ResourceParam[Platform]) -> dict[str, Any]:
    """Parse, check and load the rows of some shards."""
    from catalyst_assets.ingestion.shards import load_shard

    started = time.monotonic()
    # Steps of other executors run side by side already.
    processes = platform.settings.max_processes if platform.settings.executor == "in_process" else 1
    loaded = [
        [shard["raw_file_id"], asdict(load_shard(platform.database, platform.objects, shard, processes))]
        for shard in batch["shards"]
    ]
    return {
        "loaded": loaded,
        "seconds": time.monotonic() - started,
    }


@dg.op(pool=pool_of(Work.PARSE), tags=op_tags(Work.PARSE))
def settle_materials(
    batches: list[dict[str, Any]], platform: dg.ResourceParam[Platform]
) -> dg.MaterializeResult[Any]:
    """Close the files whose shards are all loaded, and say what changed."""
    from catalyst_assets.ingestion.loading import LoadCounts
    from catalyst_assets.ingestion.shards import settle_files

    started = time.monotonic()
    loaded = [(file, LoadCounts(**counts)) for batch in batches for file, counts in batch["loaded"]]
    settled = settle_files(platform.database, platform.objects, loaded)
    return dg.MaterializeResult(
        metadata=shown(
            {
                **asdict(settled),
                "dagster/row_count": settled.records,
                "shards": len(loaded),
                "duration_seconds": sum(batch["seconds"] for batch in batches) + time.monotonic() - started,
            }
        ),
        data_version=dg.DataVersion(settled.sha256),
    )


@dg.graph_asset(
    group_name=Group.INGESTION.value,
    owners=OWNERS,
    kinds={"postgres"},
    metadata=stored_in("materials"),
    ins={spec.asset: dg.AssetIn(dagster_type=dg.Nothing) for spec in SOURCES},
)
def materials(**raw: Any) -> Any:
    """Every record of a crystal, checked, with its properties by method; from the raw cache only.

    A row is a record: one crystal as one source gives it.
    """
    return settle_materials(pending_shards(**raw).map(load_material_batch).collect())
