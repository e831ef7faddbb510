"""`catalyst bench regression`."""

import dataclasses
import json
from pathlib import Path
from typing import Annotated, Literal, cast

import typer

from catalyst_assets.commands.stages import telling


def register(bench: typer.Typer) -> None:
    """Add the command to the `bench` sub-commands."""
    bench.command("regression")(regression)


def regression(
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder of *.csv or *.csv.gz with a column cif; a checkout's Perov-5 if not given."
        ),
    ] = None,
    property_name: Annotated[str, typer.Option("--property", help="Column that is predicted.")] = "heat_all",
    architecture: Annotated[str, typer.Option(help="mace, schnet or dimenet.")] = "mace",
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the training rows.")] = 40,
    members: Annotated[int, typer.Option(min=1, help="Networks; the prediction is their mean.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Deals the rows out and starts the networks.")] = 0,
    accelerator: Annotated[str, typer.Option(help="auto, cpu or gpu.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Fine-tune on relaxed structures and report error and calibration beside a composition-only forest.

    Rows are split 80/10/10, once at random as in papers and once by chemical system. On two
    processor cores it takes about ten minutes.
    """
    from rich.console import Console
    from rich.table import Table

    from catalyst_assets.bench.perov5 import read_crystals, read_table
    from catalyst_assets.bench.regression import benchmark_settings, run_regression
    from catalyst_assets.bench.tables import PEROV5, published_table

    device = cast('Literal["auto", "cpu", "gpu"]', one_of(accelerator, "auto", "cpu", "gpu"))
    settings = benchmark_settings(epochs, seed, device)
    kind = cast('Literal["mace", "schnet", "dimenet"]', one_of(architecture, "mace", "schnet", "dimenet"))
    with telling("reading …") as tell:
        crystals = read_crystals(read_table(published_table(data, PEROV5, "--data")), [property_name])[0]
        report = run_regression(
            crystals,
            property_name,
            settings,
            architecture=kind,
            members=members,
            progress=tell,
        )
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(report)))
        return
    table = Table(title=f"{property_name} of {report.n_structures} relaxed structures")
    for column in ("", "random split", "by chemical system"):
        table.add_column(column, justify="left" if not column else "right")
    table.add_row("network, MAE", f"{report.test_mae:.4f}", f"{report.grouped_test_mae:.4f}")
    table.add_row("forest, MAE", f"{report.forest_mae:.4f}", f"{report.grouped_forest_mae:.4f}")
    table.add_row("mean, MAE", f"{report.mean_mae:.4f}", "")
    table.add_row(
        "miscalibration area",
        f"{report.miscalibration_area:.3f}",
        f"{report.grouped_miscalibration_area:.3f}",
    )
    for level in report.coverage:
        table.add_row(
            f"coverage of {level} %", f"{report.coverage[level]:.1%}", f"{report.grouped_coverage[level]:.1%}"
        )
    Console().print(table)
    Console().print(
        f"{report.architecture}, {report.parameters:,} parameters, {report.members} network(s), "
        f"{' and '.join(map(str, report.epochs))} epochs on {report.device} in {report.seconds:.0f} s"
    )


def one_of(value: str, *known: str) -> str:
    """Return a choice.

    Raises
    ------
    UsageError
        It is not one of those known.
    """
    from catalyst_assets.campaigns.fields import unknown
    from catalyst_assets.errors import UsageError

    if value not in known:
        raise UsageError(f"There is {unknown('choice', value, known)}.", "Give one of them.")
    return value
