"""Jobs that `catalyst bench celery` times: shards that do nothing, and shards that embed crystals."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from catalyst_assets.constants import Work, op_tags
from resources.dagster_resources import build_resources
from resources.distributed.executor import celery_executor
from resources.settings import get_settings

_PLAIN = op_tags(Work.PLAN)


class Cut(dg.Config):
    """How many shards there are, of how many crystals each."""

    shards: int
    size: int = 0


@dg.op(out=dg.DynamicOut(dict), tags=_PLAIN)
def cut(config: Cut) -> Iterator[dg.DynamicOutput[dict[str, int]]]:
    """Make the shards."""
    for index in range(config.shards):
        yield dg.DynamicOutput({"index": index, "size": config.size}, mapping_key=f"shard{index}")


@dg.op(tags=_PLAIN)
def do_nothing(shard: dict[str, int]) -> int:
    """Return at once."""
    return shard["index"]


@dg.op(tags=_PLAIN)
def embed_some(shard: dict[str, int]) -> int:
    """Compute the features of perovskites, other ones in each shard."""
    from catalyst_assets.bench.embed import enumerate_perovskites
    from catalyst_assets.representation.backbones import build_backbone
    from catalyst_assets.representation.features import featurize
    from catalyst_assets.representation.networks.configs import MaceConfig

    start = shard["index"] * shard["size"]
    structures = enumerate_perovskites(start + shard["size"])[start:]
    if structures:
        featurize(structures, build_backbone(MaceConfig()), accelerator="cpu")
    return len(structures)


@dg.op(tags=_PLAIN)
def count(done: list[int]) -> int:
    """Count them."""
    return len(done)


@dg.graph
def trivial() -> None:
    """Shards that do nothing."""
    count(cut().map(do_nothing).collect())


@dg.graph
def embedding() -> None:
    """Shards that embed."""
    count(cut().map(embed_some).collect())


def _job(graph: dg.GraphDefinition) -> dg.JobDefinition:
    settings = get_settings()
    executor = celery_executor(settings) if settings.executor == "celery" else dg.in_process_executor
    return graph.to_job(
        name=f"bench_{graph.name}", resource_defs=build_resources(settings), executor_def=executor
    )


def trivial_job() -> dg.JobDefinition:
    """Return the job of shards that do nothing, under the executor of the settings."""
    return _job(trivial)


def embedding_job() -> dg.JobDefinition:
    """Return the job of shards that embed."""
    return _job(embedding)


def execute(name: str, shards: int, size: int) -> float:
    """Execute a job and return the seconds that its run took.

    Raises
    ------
    RuntimeError
        It failed.
    """
    job: Any = {"trivial": trivial_job, "embedding": embedding_job}[name]
    config = {
        "ops": {"cut": {"config": {"shards": shards, "size": size}}},
        "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
    }
    with dg.DagsterInstance.get() as instance:
        with dg.execute_job(dg.reconstructable(job), instance=instance, run_config=config) as result:
            if not result.success:
                raise RuntimeError(f"the job {name} failed")
            run_id = result.run_id
        stats = instance.get_run_stats(run_id)
    return float((stats.end_time or 0.0) - (stats.start_time or 0.0))
