"""A job of shards that note that they were done, and that do on the way what a test wants."""

import os
import time
from pathlib import Path
from typing import Any

import dagster as dg

from catalyst_assets.constants import Work, op_tags
from resources.dagster_resources import build_resources
from resources.distributed.executor import celery_executor
from resources.platform import Platform
from resources.settings import get_settings


class Shards(dg.Config):
    """What the shards of a run do.

    Attributes
    ----------
    folder
        Where each notes when it began and when it was done.
    wait_at
        The shard that waits for a file ``go`` there.
    fail_at
        The shard that always fails.
    die_at
        The shard whose process always ends.
    """

    count: int
    folder: str
    wait_at: int = -1
    fail_at: int = -1
    die_at: int = -1


@dg.op(out=dg.DynamicOut(dict), tags=op_tags(Work.PARSE))
def cut(config: Shards) -> Any:
    for index in range(config.count):
        yield dg.DynamicOutput({**config.model_dump(), "index": index}, mapping_key=f"shard{index}")


@dg.op(tags=op_tags(Work.EMBED))
def do_shard(shard: dict[str, Any], platform: dg.ResourceParam[Platform]) -> int:
    folder, index = Path(shard["folder"]), int(shard["index"])
    with (folder / f"began-{index}").open("a") as began:
        began.write(f"{os.getpid()}\n")
    if index == shard["fail_at"]:
        raise ValueError("this shard cannot be done")
    if index == shard["die_at"]:
        os._exit(9)
    while index == shard["wait_at"] and not (folder / "go").exists():
        time.sleep(0.05)
    print(f"shard {index} is done")
    platform.objects.put_bytes(f"shards/{index}", b"done")
    with (folder / f"done-{index}").open("a") as done:
        done.write(f"{os.getpid()}\n")
    return index


@dg.op(tags=op_tags(Work.PARSE))
def settle(context: dg.OpExecutionContext, done: list[int]) -> None:
    context.add_output_metadata({"total": sum(done)})


@dg.graph
def shards() -> None:
    settle(cut().map(do_shard).collect())


def troubled_job() -> dg.JobDefinition:
    """Return the job; workers load it by this name."""
    settings = get_settings()
    return shards.to_job(
        name="troubled", resource_defs=build_resources(settings), executor_def=celery_executor(settings)
    )
