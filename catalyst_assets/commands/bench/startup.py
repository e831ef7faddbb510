"""`catalyst bench startup`."""

import dataclasses
import json
from typing import Annotated

import typer


def register(bench: typer.Typer) -> None:
    """Add the command to the `bench` sub-commands."""
    bench.command("startup")(startup)


def startup(
    repeats: Annotated[int, typer.Option(min=1, help="Fresh processes for each of the two locations.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Time the loading of the code location against that of one with a single empty asset.

    Every step process, the webserver and the daemon load the location, so it imports no heavy library.
    """
    from rich.console import Console
    from rich.table import Table

    from catalyst_assets.bench.startup import measure_startup

    console = Console(stderr=True)
    with console.status("loading …") as status:
        report = measure_startup(repeats, lambda done: status.update(f"round {done} of {repeats}"))
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(report)))
        return
    table = Table(title="Loading the code location", show_header=False)
    table.add_row("location", f"{report.location_load_s:.2f} s")
    table.add_row("bare Dagster", f"{report.bare_s:.2f} s")
    table.add_row("ratio", f"{report.ratio:.2f}")
    table.add_row("heavy modules", ", ".join(report.heavy_modules_loaded) or "none")
    Console().print(table)
