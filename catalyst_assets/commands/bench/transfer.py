"""`catalyst bench transfer`."""

from typing import TYPE_CHECKING, Annotated

import typer

from catalyst_assets.commands.bench.reporting import (
    AcceleratorOption,
    ArchitectureOption,
    AsJson,
    CrystalTables,
    PotentialOption,
    answer,
    numbers,
)
from catalyst_assets.commands.opening import Home
from catalyst_assets.commands.stages import telling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

    from catalyst_assets.bench.potentials.regression import FewLabelsReport
    from catalyst_assets.bench.transfer import TransferReport


def transfer(
    data: CrystalTables = None,
    source: Annotated[str, typer.Option(help="Column that there are many labels of.")] = "heat_all",
    target: Annotated[
        list[str] | None, typer.Option(help="Column that there are few of; repeat it. [heat_ref, dir_gap]")
    ] = None,
    pretraining: Annotated[int, typer.Option(min=50, help="Labels to pretrain on.")] = 5000,
    labels: Annotated[int, typer.Option(min=20, help="Labels to adapt to.")] = 100,
    seeds: Annotated[int, typer.Option(min=1, help="Repetitions, each with rows dealt out anew.")] = 3,
    architecture: ArchitectureOption = "mace",
    pretraining_epochs: Annotated[int, typer.Option(min=1, help="Passes of the pretraining.")] = 20,
    epochs: Annotated[int, typer.Option(min=1, help="Most passes of the adaptation.")] = 100,
    accelerator: AcceleratorOption = "auto",
    potential: PotentialOption = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Adapt a network to few labels, from pretrained and from random weights, and compare the errors.

    A ratio below 1 says that pretraining pays. On two processor cores it takes about eight minutes. With
    --potential, heads on its features stand where the pretrained network stood, and nothing is pretrained.
    """
    from catalyst_assets.bench.perov5 import read_crystals, read_table
    from catalyst_assets.bench.potentials.regression import run_few_labels
    from catalyst_assets.bench.tables import PEROV5, published_table
    from catalyst_assets.bench.transfer import TransferSettings, run_transfer
    from resources.settings import load_settings

    names = target or ["heat_ref", "dir_gap"]
    settings = TransferSettings(pretraining, labels, pretraining_epochs, epochs, accelerator)
    with telling("reading …") as tell:
        table = read_table(published_table(data, PEROV5, "--data"))
        plentiful, *scarce = read_crystals(table, [source, *names])
        targets = dict(zip(names, scarce, strict=True))
        if potential is not None:
            asked = load_settings(home=home, accelerator=accelerator)
            told = run_few_labels(targets, potential, range(seeds), settings, asked, say=tell)
        else:
            report = run_transfer(plentiful, source, targets, range(seeds), settings, architecture, tell)
    if potential is not None:
        answer(told, as_json, _show_few)
    else:
        answer(report, as_json, _show)


def _show_few(report: "FewLabelsReport") -> "Iterator[Table]":
    title = f"{report.n_labels} labels: test MAE by seed"
    heads = f"{report.potential} and descriptors"
    table = numbers(title, "property", heads, "descriptors", "network from scratch", "median ratio")
    for name, ratio in report.median_ratio.items():
        columns = (report.pretrained_mae[name], report.descriptors_mae[name], report.scratch_mae[name])
        shown = [" ".join(f"{error:.3f}" for error in errors) for errors in columns]
        table.add_row(name, *shown, f"{ratio:.2f}")
    yield table


def _show(report: "TransferReport") -> "Iterator[Table]":
    title = f"{report.n_labels} labels after {report.n_pretraining} of {report.source}: test MAE by seed"
    table = numbers(title, "property", "pretrained", "from scratch", "mean", "median ratio")
    for name, each in report.targets.items():
        columns = (each.pretrained_mae, each.scratch_mae, each.mean_mae)
        shown = [" ".join(f"{error:.3f}" for error in errors) for errors in columns]
        table.add_row(name, *shown, f"{each.median_ratio:.2f}")
    yield table
