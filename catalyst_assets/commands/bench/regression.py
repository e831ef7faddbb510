"""`catalyst bench regression`."""

from typing import TYPE_CHECKING, Annotated

import typer

from catalyst_assets.commands.bench.reporting import (
    AcceleratorOption,
    ArchitectureOption,
    AsJson,
    CrystalTables,
    answer,
    numbers,
)
from catalyst_assets.commands.stages import telling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from catalyst_assets.bench.regression import RegressionReport


def regression(
    data: CrystalTables = None,
    property_name: Annotated[str, typer.Option("--property", help="Column that is predicted.")] = "heat_all",
    architecture: ArchitectureOption = "mace",
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the training rows.")] = 40,
    members: Annotated[int, typer.Option(min=1, help="Networks; the prediction is their mean.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Deals the rows out and starts the networks.")] = 0,
    accelerator: AcceleratorOption = "auto",
    as_json: AsJson = False,
) -> None:
    """Fine-tune on relaxed structures and report error and calibration beside a composition-only forest.

    Rows are split 80/10/10, once at random as in papers and once by chemical system. On two
    processor cores it takes about ten minutes.
    """
    from catalyst_assets.bench.perov5 import read_crystals, read_table
    from catalyst_assets.bench.regression import benchmark_settings, run_regression
    from catalyst_assets.bench.tables import PEROV5, published_table

    settings = benchmark_settings(epochs, seed, accelerator)
    with telling("reading …") as tell:
        table = read_table(published_table(data, PEROV5, "--data"))
        (crystals,) = read_crystals(table, [property_name])
        report = run_regression(crystals, property_name, settings, architecture, members, tell)
    answer(report, as_json, _show)


def _show(report: "RegressionReport") -> "Iterator[RenderableType]":
    title = f"{report.property} of {report.n_structures} relaxed structures"
    table = numbers(title, "", "random split", "by chemical system")
    table.add_row("network, MAE", f"{report.test_mae:.4f}", f"{report.grouped_test_mae:.4f}")
    table.add_row("forest, MAE", f"{report.forest_mae:.4f}", f"{report.grouped_forest_mae:.4f}")
    table.add_row("mean, MAE", f"{report.mean_mae:.4f}", "")
    areas = (report.miscalibration_area, report.grouped_miscalibration_area)
    table.add_row("miscalibration area", *(f"{area:.3f}" for area in areas))
    for level, share in report.coverage.items():
        table.add_row(f"coverage of {level} %", f"{share:.1%}", f"{report.grouped_coverage[level]:.1%}")
    yield table
    yield (
        f"{report.architecture}, {report.parameters:,} parameters, {report.members} network(s), "
        f"{' and '.join(map(str, report.epochs))} epochs on {report.device} in {report.seconds:.0f} s"
    )
