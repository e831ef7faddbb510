"""`catalyst bench embed`."""

import dataclasses
import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from catalyst_assets.commands.stages import telling


class Precision(StrEnum):
    """The type of weights and features inside the network."""

    SINGLE = "float32"
    DOUBLE = "float64"


def register(bench: typer.Typer) -> None:
    """Add the command to the `bench` sub-commands."""
    bench.command("embed")(embed)


def embed(
    data: Annotated[
        Path | None,
        typer.Option(help="CSV, or folder of them, with a column cif; otherwise perovskites are enumerated."),
    ] = None,
    structures: Annotated[int, typer.Option(min=100, help="How many.")] = 2_000,
    architecture: Annotated[str, typer.Option(help="mace, schnet or dimenet.")] = "mace",
    dtype: Annotated[Precision, typer.Option(help="Precision of the network.")] = Precision.DOUBLE,
    rounds: Annotated[int, typer.Option(min=1, help="Medians are over so many.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Time the way from structures to stored features, beside MACE's calculator and the bare forward pass."""
    from rich.console import Console
    from rich.table import Table

    from catalyst_assets.bench.embed import (
        choose_config,
        enumerate_perovskites,
        measure_embedding,
        read_structures,
    )

    config = choose_config(architecture, dtype.value)
    with telling("reading structures") as tell:
        pool = enumerate_perovskites(structures) if data is None else read_structures(data, structures)
        report = dataclasses.asdict(measure_embedding(pool, config, rounds, tell))
    if as_json:
        typer.echo(json.dumps(report))
        return
    table = Table(title="From structures to features", show_header=False)
    for name, value in report.items():
        table.add_row(name.replace("_", " "), str(value))
    Console().print(table)
