"""`catalyst bench chaos`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from catalyst_assets.commands.bench.reporting import AsJson, answer, facts, numbers
from catalyst_assets.commands.stages import telling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from catalyst_assets.bench.chaos.measure import ChaosReport


def chaos(
    iterations: Annotated[int, typer.Option(min=1, help="Iterations, with a fault in each.")] = 30,
    seed: Annotated[int, typer.Option(min=0, help="Of the faults and their moments.")] = 0,
    folder: Annotated[
        Path | None, typer.Option(help="Where both installations are made and kept, with their logs.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Drive a campaign on Celery with a random fault in each iteration, and compare its end with an undisturbed one's.

    Workers, Redis, PostgreSQL, the daemon and runs are killed, a disk is full, a shard always fails. It ends with
    status 1 if anything of the final state differs, a run has not ended or a process is left. Needs redis-server, and
    root for the disk; everything is started for it and removed afterwards.
    """
    from catalyst_assets.bench.chaos.measure import measure_chaos

    with telling("starting two installations") as tell:
        report = measure_chaos(iterations, seed, tell, folder=folder)
    answer(report, as_json, _show)
    if not report.is_right:
        raise typer.Exit(1)


def _show(report: "ChaosReport") -> "Iterator[RenderableType]":
    table = numbers(
        f"{report.iterations} iterations with a fault each, seed {report.seed}",
        "", "times", "on after", "longest", "steps again", "failed runs",
    )  # fmt: skip
    for one in report.faults:
        seconds = ["–" if value is None else f"{value:.1f} s" for value in (one.median_s, one.longest_s)]
        table.add_row(one.fault, str(one.times), *seconds, str(one.steps_again), str(one.failed_runs))
    yield table
    for one in report.faults:
        for reason in one.reasons:
            yield f"{one.fault}: {reason}"
    for fault, reason in report.skipped.items():
        yield f"Not tried: {fault}: {reason}"
    yield facts(
        "The end",
        {
            "rows compared": report.rows_compared,
            "differing": ", ".join(report.differing) or "nothing",
            "runs that have not ended": len(report.unfinished_runs),
            "processes left": "; ".join(report.leftovers) or "none",
            "iteration, median": f"{report.median_iteration_s:.1f} s",
            "iteration, longest": f"{report.longest_iteration_s:.1f} s",
            "cores": report.cores,
        },
    )
