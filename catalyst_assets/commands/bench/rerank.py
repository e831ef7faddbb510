"""`catalyst bench rerank`."""

from typing import TYPE_CHECKING, Annotated

import typer

from catalyst_assets.campaigns.model import Strategy
from catalyst_assets.commands.bench.reporting import AsJson, CampaignName, answer, numbers
from catalyst_assets.commands.stages import telling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

    from catalyst_assets.bench.reranking import RerankingReport


def rerank(
    candidates: Annotated[
        list[int] | None,
        typer.Option(min=1, help="Sizes of pool; 100,000 and 1,000,000 by default. Repeatable."),
    ] = None,
    campaign: CampaignName = "solar-water-splitting",
    strategy: Annotated[
        Strategy | None, typer.Option(help="What to rank by; the campaign's by default.")
    ] = None,
    exploration_weight: Annotated[
        float | None, typer.Option(min=0, max=1, help="From 0, which trusts, to 1, which explores.")
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Times each size is ranked.")] = 3,
    as_json: AsJson = False,
) -> None:
    """Rank stored predictions again under a strategy and a weight, without refitting: seconds and peak memory.

    The predictions are made up, with as many properties as the campaign predicts and as many joint draws as the
    platform stores; a million take some gigabytes of memory. Reading them from the database is not included.
    """
    from catalyst_assets.bench.reranking import measure_reranking
    from catalyst_assets.campaigns.library import load_campaign

    goal = load_campaign(campaign)
    own = goal.acquisition
    weight = own.exploration_weight if exploration_weight is None else exploration_weight
    sizes = candidates or [100_000, 1_000_000]
    with telling("ranking made-up predictions …"):
        report = measure_reranking(goal, strategy or own.strategy, weight, sizes, repeats)
    answer(report, as_json, _show)


def _show(report: "RerankingReport") -> "Iterator[Table]":
    words = report.strategy.replace("_", " ")
    title = (
        f"{words}, weight {report.exploration_weight:g}, {report.properties} properties, {report.draws} draws"
    )
    columns = ("candidates", "seconds", "median", "worst", "CPU s", "peak MB", "predictions MB")
    table = numbers(title, *columns)
    for run in report.runs:
        seconds = (run.seconds, run.median_seconds, run.worst_seconds, run.cpu_seconds)
        megabytes = (f"{each:,.0f}" for each in (run.peak_mb, run.predictions_mb))
        table.add_row(f"{run.candidates:,}", *(f"{each:.2f}" for each in seconds), *megabytes)
    yield table
