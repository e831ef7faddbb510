"""`catalyst bench loop`."""

from typing import TYPE_CHECKING, Annotated

import typer

from catalyst_assets.commands.bench.reporting import AsJson, answer, numbers
from catalyst_assets.commands.stages import telling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from catalyst_assets.bench.running.loop import LoopReport


def loop(
    flags: Annotated[int, typer.Option(min=1, max=15, help="Candidates that are flagged one by one.")] = 5,
    iterations: Annotated[int, typer.Option(min=1, max=15, help="Batches that are answered as a whole.")] = 3,
    as_json: AsJson = False,
) -> None:
    """Time what a person waits for: from a flag to its answer, from a finished batch to the next ranking.

    A campaign on the demo's pool runs under `catalyst up`, in an installation that is removed afterwards. What is
    spent in Dagster is all the time in which no step computes: ticks, queue, processes.
    """
    from catalyst_assets.bench.running.loop import measure_loop

    with telling("starting") as tell:
        report = measure_loop(flags, iterations, tell)
    answer(report, as_json, _show)


def _show(report: "LoopReport") -> "Iterator[RenderableType]":
    table = numbers("Waiting for the loop, seconds", "", "median", "range", "computing", "Dagster", "n")
    for name, waits in (
        ("flag to answer", report.flag_to_answer),
        ("batch to ranking", report.batch_to_ranking),
    ):
        table.add_row(
            name,
            f"{waits.median:.1f}",
            f"{waits.shortest:.1f} to {waits.longest:.1f}",
            f"{waits.computing:.1f}",
            f"{waits.dagster_share:.0%}",
            str(waits.n),
        )
    yield table
    yield f"Load of the machine before: {report.load_before:.1f}."
