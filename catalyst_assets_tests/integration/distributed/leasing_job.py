"""A job of shards that compute on a device each, and note which; it executes itself.

``python -m catalyst_assets_tests.integration.distributed.leasing_job FOLDER``
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import dagster as dg

from catalyst_assets.constants import Work, op_tags
from resources.dagster_resources import build_resources
from resources.devices.leases import lease_devices
from resources.devices.visible import visible_devices
from resources.distributed.executor import celery_executor
from resources.settings import get_settings

SHARDS = 4
AT_ONCE = 2


@dg.op(out=dg.DynamicOut(dict), config_schema={"folder": str}, tags=op_tags(Work.PLAN))
def cut(context: dg.OpExecutionContext) -> Any:
    folder = Path(context.op_config["folder"])
    (folder / "seen_beside").write_text(" ".join(visible_devices()))
    for index in range(SHARDS):
        yield dg.DynamicOutput({"folder": str(folder), "index": index}, mapping_key=f"shard{index}")


@dg.op(tags=op_tags(Work.EMBED))
def compute(shard: dict[str, Any]) -> None:
    folder, settings = Path(shard["folder"]), get_settings()
    note = {
        "pid": os.getpid(),
        "names": lease_devices(settings),
        "visible": os.environ["CUDA_VISIBLE_DEVICES"],
    }
    (folder / f"{shard['index']}.json").write_text(json.dumps(note))
    while len(list(folder.glob("*.json"))) < AT_ONCE:  # so that no child does all of them
        time.sleep(0.05)


@dg.graph
def shards() -> None:
    cut().map(compute)


def leasing_job() -> dg.JobDefinition:
    settings = get_settings()
    return shards.to_job(
        name="leasing", resource_defs=build_resources(settings), executor_def=celery_executor(settings)
    )


def main(folder: str) -> None:
    config = {"ops": {"cut": {"config": {"folder": folder}}}}
    with dg.DagsterInstance.get() as instance:
        dg.execute_job(dg.reconstructable(leasing_job), instance=instance, run_config=config)


if __name__ == "__main__":
    main(sys.argv[1])
