"""`catalyst bench celery`."""

from typing import TYPE_CHECKING, Annotated

import typer

from catalyst_assets.commands.bench.reporting import AsJson, answer, facts
from catalyst_assets.commands.stages import telling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

    from catalyst_assets.bench.running.celery import CeleryReport


def celery(
    shards: Annotated[int, typer.Option(min=1, help="Shards that do nothing.")] = 200,
    embedding_shards: Annotated[int, typer.Option(min=2, help="Shards that embed.")] = 24,
    size: Annotated[int, typer.Option(min=1, help="Perovskites in each of them.")] = 64,
    as_json: AsJson = False,
) -> None:
    """Time what Celery adds to a shard, and how much faster two workers embed than one.

    Needs redis-server; database, Redis and workers are started for it and removed afterwards.
    """
    from catalyst_assets.bench.running.celery import measure_celery

    with telling("starting …") as tell:
        report = measure_celery(shards, embedding_shards, size, tell)
    answer(report, as_json, _show)


def _show(report: "CeleryReport") -> "Iterator[Table]":
    yield facts(
        f"Celery on {report.cores} cores",
        {
            f"{report.shards} shards in process": f"{report.in_process_s:.1f} s",
            f"{report.shards} shards by a worker": f"{report.celery_s:.1f} s",
            "overhead of a shard": f"{report.overhead_s:.2f} s",
            f"embedding {report.structures} by one worker": f"{report.one_worker_s:.1f} s",
            f"embedding {report.structures} by two": f"{report.two_workers_s:.1f} s",
            "speed-up": f"{report.speed_up:.2f}",
        },
    )
