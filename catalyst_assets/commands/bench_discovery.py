"""`catalyst bench discovery`."""

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from catalyst_assets.bench.discovery import DiscoveryReport


def register(bench: typer.Typer) -> None:
    """Add the command to the `bench` sub-commands."""
    bench.command("discovery")(discovery)


def discovery(
    pool: Annotated[
        Path,
        typer.Option(help="CSV with A, B, anion (ideal cubic perovskites) or cif, and property columns."),
    ],
    campaign: Annotated[str, typer.Option(help="A YAML file, or the name of a shipped campaign.")],
    seeds: Annotated[int, typer.Option(min=1, help="Simulated campaigns, with the seeds 0 to N-1.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Count the evaluations a campaign needs to find every hit of a pool whose answers are known.

    Trains and ranks with the functions of the platform, without Dagster or a database. The property columns
    are taken as labels of the campaign's method; the campaign's stop rules are respected, and a run that
    they end before its last hit counts as longer than any number (null).
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from catalyst_assets.bench.discovery import featurize_pool, simulate, summarize
    from catalyst_assets.bench.pools import read_pool
    from catalyst_assets.campaigns.library import load_campaign

    goal = load_campaign(campaign)
    console = Console(stderr=True)
    with console.status(f"reading {pool} …"):
        members = read_pool(pool, goal)
    with console.status(f"describing {len(members.material_ids)} structures …"):
        features = featurize_pool(members)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    results = []
    with Progress(*columns, console=console) as bar:
        for seed in range(seeds):
            task = bar.add_task(f"seed {seed}", total=None)

            def show(state: str, done: int, most: int, seed: int = seed, task: object = task) -> None:
                bar.update(task, completed=done, total=most, description=f"seed {seed}: {state}")  # type: ignore[arg-type]

            results.append(simulate(members, features, goal, seed, show))
            bar.stop_task(task)
    report = summarize(members, results)
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(report), allow_nan=False))
    else:
        _show(report, goal.name)


def _show(report: "DiscoveryReport", name: str) -> None:
    from rich.console import Console
    from rich.table import Table

    def text(value: float | None) -> str:
        return "not found" if value is None else f"{value:g}"

    title = f"{name}: {report.hits} hits among {report.pool_size}; random order needs {report.random_expected_to_all:.0f}"
    table = Table("seed", "evaluations to half", "to all", "seconds", title=title)
    rows = zip(report.evaluations_to_half, report.evaluations_to_all, report.seconds, strict=True)
    for seed, (half, every, seconds) in enumerate(rows):
        table.add_row(str(seed), text(half), text(every), f"{seconds:.0f}")
    table.add_section()
    table.add_row("median", text(report.median_to_half), text(report.median_to_all), "")
    Console().print(table)
