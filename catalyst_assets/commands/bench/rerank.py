"""`catalyst bench rerank`."""

import dataclasses
import json
from typing import TYPE_CHECKING, Annotated

import typer

from catalyst_assets.campaigns.model import Strategy

if TYPE_CHECKING:
    from catalyst_assets.bench.reranking import RerankingReport


def register(bench: typer.Typer) -> None:
    """Add the command to the `bench` sub-commands."""
    bench.command("rerank")(measure)


def measure(
    candidates: Annotated[
        list[int] | None,
        typer.Option(min=1, help="Sizes of pool; 100,000 and 1,000,000 by default. Repeatable."),
    ] = None,
    campaign: Annotated[
        str, typer.Option(help="A YAML file, or the name of a shipped campaign.")
    ] = "solar-water-splitting",
    strategy: Annotated[
        Strategy | None, typer.Option(help="What to rank by; the campaign's by default.")
    ] = None,
    exploration_weight: Annotated[
        float | None, typer.Option(min=0, max=1, help="From 0, which trusts, to 1, which explores.")
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Times each size is ranked.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Rank stored predictions again under a strategy and a weight, without refitting: seconds and peak memory.

    The predictions are made up, with as many properties as the campaign predicts and as many joint draws as the
    platform stores; a million take some gigabytes of memory. Reading them from the database is not included.
    """
    from rich.console import Console

    from catalyst_assets.bench.reranking import measure_reranking
    from catalyst_assets.campaigns.library import load_campaign

    goal = load_campaign(campaign)
    own = goal.acquisition
    weight = own.exploration_weight if exploration_weight is None else exploration_weight
    with Console(stderr=True).status("ranking made-up predictions …"):
        report = measure_reranking(
            goal, strategy or own.strategy, weight, candidates or [100_000, 1_000_000], repeats
        )
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(report), allow_nan=False))
    else:
        _show(report)


def _show(report: "RerankingReport") -> None:
    from rich.console import Console
    from rich.table import Table

    words = report.strategy.replace("_", " ")
    title = (
        f"{words}, weight {report.exploration_weight:g}, {report.properties} properties, {report.draws} draws"
    )
    table = Table(
        "candidates", "seconds", "median", "worst", "CPU s", "peak MB", "predictions MB", title=title
    )
    for run in report.runs:
        seconds = (
            f"{each:.2f}" for each in (run.seconds, run.median_seconds, run.worst_seconds, run.cpu_seconds)
        )
        table.add_row(f"{run.candidates:,}", *seconds, f"{run.peak_mb:,.0f}", f"{run.predictions_mb:,.0f}")
    Console().print(table)
