"""`catalyst bench ingest`."""

import dataclasses
import json
from pathlib import Path
from typing import Annotated

import typer

from catalyst_assets.commands.stages import telling


def register(bench: typer.Typer) -> None:
    """Add the command to the `bench` sub-commands."""
    bench.command("ingest")(ingest)


def ingest(
    data: Annotated[
        Path | None,
        typer.Option(
            help="CSV, or folder of them, with material_id, cif, heat_all, dir_gap, ind_gap; a checkout's Perov-5 if "
            "not given."
        ),
    ] = None,
    prototypes: Annotated[
        int | None, typer.Option(min=1, help="Stream so many enumerated crystals instead.")
    ] = None,
    processes: Annotated[int, typer.Option(min=1, help="How many parse.")] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Time the way from raw bytes to rows, beside a plain loop of pymatgen and pandas and beside COPY alone.

    Everything happens in a new database that is removed afterwards.
    """
    from rich.console import Console
    from rich.table import Table

    from catalyst_assets.bench.ingest import measure_enumeration, measure_ingest
    from catalyst_assets.bench.tables import PEROV5, published_table

    with telling("starting PostgreSQL") as tell:
        if prototypes is None:
            report = dataclasses.asdict(
                measure_ingest(published_table(data, PEROV5, "--data"), processes, tell)
            )
        else:
            report = dataclasses.asdict(measure_enumeration(prototypes, processes, tell))
    if as_json:
        typer.echo(json.dumps(report))
        return
    table = Table(title="From raw bytes to rows", show_header=False)
    stages = report.pop("seconds_by_stage")
    for name, value in [*report.items(), *((f"seconds to {name}", value) for name, value in stages.items())]:
        table.add_row(name.replace("_", " "), f"{value:,}")
    Console().print(table)
