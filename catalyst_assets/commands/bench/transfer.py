"""`catalyst bench transfer`."""

import dataclasses
import json
from pathlib import Path
from typing import Annotated, Literal, cast

import typer

from catalyst_assets.commands.bench.regression import one_of
from catalyst_assets.commands.stages import telling


def register(bench: typer.Typer) -> None:
    """Add the command to the `bench` sub-commands."""
    bench.command("transfer")(transfer)


def transfer(
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder of *.csv or *.csv.gz with a column cif; a checkout's Perov-5 if not given."
        ),
    ] = None,
    source: Annotated[str, typer.Option(help="Column that there are many labels of.")] = "heat_all",
    target: Annotated[
        list[str] | None, typer.Option(help="Column that there are few of; repeat it. [heat_ref, dir_gap]")
    ] = None,
    pretraining: Annotated[int, typer.Option(min=50, help="Labels to pretrain on.")] = 5000,
    labels: Annotated[int, typer.Option(min=20, help="Labels to adapt to.")] = 100,
    seeds: Annotated[int, typer.Option(min=1, help="Repetitions, each with rows dealt out anew.")] = 3,
    architecture: Annotated[str, typer.Option(help="mace, schnet or dimenet.")] = "mace",
    pretraining_epochs: Annotated[int, typer.Option(min=1, help="Passes of the pretraining.")] = 20,
    epochs: Annotated[int, typer.Option(min=1, help="Most passes of the adaptation.")] = 100,
    accelerator: Annotated[str, typer.Option(help="auto, cpu or gpu.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Adapt a network to few labels, from pretrained and from random weights, and compare the errors.

    A ratio below 1 says that pretraining pays. On two processor cores it takes about eight minutes.
    """
    from rich.console import Console
    from rich.table import Table

    from catalyst_assets.bench.perov5 import read_crystals, read_table
    from catalyst_assets.bench.tables import PEROV5, published_table
    from catalyst_assets.bench.transfer import TransferSettings, run_transfer

    names = target or ["heat_ref", "dir_gap"]
    kind = cast('Literal["mace", "schnet", "dimenet"]', one_of(architecture, "mace", "schnet", "dimenet"))
    device = cast('Literal["auto", "cpu", "gpu"]', one_of(accelerator, "auto", "cpu", "gpu"))
    settings = TransferSettings(pretraining, labels, pretraining_epochs, epochs, device)
    with telling("reading …") as tell:
        plentiful, *scarce = read_crystals(
            read_table(published_table(data, PEROV5, "--data")), [source, *names]
        )
        report = run_transfer(
            plentiful,
            source,
            dict(zip(names, scarce, strict=True)),
            range(seeds),
            settings,
            kind,
            tell,
        )
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(report)))
        return
    table = Table(
        title=f"{report.n_labels} labels after {report.n_pretraining} of {source}: test MAE by seed"
    )
    for column in ("property", "pretrained", "from scratch", "mean", "median ratio"):
        table.add_column(column, justify="left" if column == "property" else "right")
    for name, each in report.targets.items():
        columns = (each.pretrained_mae, each.scratch_mae, each.mean_mae)
        shown = [" ".join(f"{error:.3f}" for error in errors) for errors in columns]
        table.add_row(name, *shown, f"{each.median_ratio:.2f}")
    Console().print(table)
