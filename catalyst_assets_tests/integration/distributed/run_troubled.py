"""A process that executes the job of troubled shards; its argument is their configuration."""

import json
import sys

import dagster as dg

from catalyst_assets_tests.integration.distributed.troubled_job import troubled_job


def main(shards: str) -> None:
    config = {"ops": {"cut": {"config": json.loads(shards)}}}
    with dg.DagsterInstance.get() as instance:
        result = dg.execute_job(dg.reconstructable(troubled_job), instance=instance, run_config=config)
    sys.exit(not result.success)


if __name__ == "__main__":
    main(sys.argv[1])
