"""`catalyst bench api`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from catalyst_assets.commands.bench.reporting import AsJson, answer, numbers
from catalyst_assets.commands.stages import telling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from catalyst_assets.bench.api.measure import ApiReport


def api(
    candidates: Annotated[int, typer.Option(min=100, help="How many are in the pool.")] = 1_000_000,
    clients: Annotated[int, typer.Option(min=1, max=50, help="How many ask at once.")] = 5,
    requests: Annotated[int, typer.Option(min=5, help="Requests of each kind.")] = 100,
    keep: Annotated[
        Path | None,
        typer.Option(
            help="A home that is filled, kept, and asked again next time; a scratch one if not given."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Time what the API answers over a large pool: pages, a candidate, a material, re-rankings, events.

    Crystals, predictions and results are made up, and written to the tables that assets write to, which takes some
    minutes and gigabytes for a million. The API then runs as `catalyst up` runs it.
    """
    from catalyst_assets.bench.api.measure import measure_api

    with telling("starting") as tell:
        report = measure_api(candidates, clients, requests, keep, tell)
    answer(report, as_json, _show)


def _show(report: "ApiReport") -> "Iterator[RenderableType]":
    title = f"{report.candidates:,} candidates, {report.clients} clients, milliseconds"
    table = numbers(title, "", "median", "95 %", "longest", "n")
    for name, latency in report.by_endpoint.items():
        values = (latency.p50_ms, latency.p95_ms, latency.longest_ms)
        table.add_row(name, *(f"{each:,.0f}" for each in values), str(latency.n))
    yield table
    yield f"Over the paths with an index: median {report.p50_ms:,.0f} ms, 95 % within {report.p95_ms:,.0f} ms."
    yield (
        f"Ranking {report.rerank_candidates:,} again: {report.rerank_s:.2f} s, the first time {report.rerank_first_s:.2f} s."
    )
    yield f"A change reaches a subscriber in {report.event_p50_ms:,.0f} ms, 95 % within {report.event_p95_ms:,.0f} ms."
    yield f"Load of the machine before: {report.load_before:.1f}."
