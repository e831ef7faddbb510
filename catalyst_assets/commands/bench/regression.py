"""`catalyst bench regression`."""

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

    from rich.console import RenderableType

    from catalyst_assets.bench.potentials.regression import FeatureRegressionReport
    from catalyst_assets.bench.regression import RegressionReport


def regression(
    data: CrystalTables = None,
    property_name: Annotated[str, typer.Option("--property", help="Column that is predicted.")] = "heat_all",
    architecture: ArchitectureOption = "mace",
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the training rows.")] = 40,
    members: Annotated[int, typer.Option(min=1, help="Networks; the prediction is their mean.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Deals the rows out and starts the networks.")] = 0,
    accelerator: AcceleratorOption = "auto",
    potential: PotentialOption = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Fine-tune on relaxed structures and report error and calibration beside a composition-only forest.

    Rows are split 80/10/10, once at random as in papers and once by chemical system. On two
    processor cores it takes about ten minutes. With --potential, heads learn from its features
    instead of a network's being trained; nothing but --data, --property and --seed is asked then.
    """
    from catalyst_assets.bench.perov5 import read_crystals, read_table
    from catalyst_assets.bench.potentials.regression import run_feature_regression
    from catalyst_assets.bench.regression import benchmark_settings, run_regression
    from catalyst_assets.bench.tables import PEROV5, published_table
    from resources.settings import load_settings

    with telling("reading …") as tell:
        table = read_table(published_table(data, PEROV5, "--data"))
        (crystals,) = read_crystals(table, [property_name])
        if potential is not None:
            asked = load_settings(home=home, accelerator=accelerator)
            told = run_feature_regression(crystals, property_name, potential, asked, seed=seed, say=tell)
        else:
            settings = benchmark_settings(epochs, seed, accelerator)
            report = run_regression(crystals, property_name, settings, architecture, members, tell)
    if potential is not None:
        answer(told, as_json, _show_features)
    else:
        answer(report, as_json, _show)


def _show_features(report: "FeatureRegressionReport") -> "Iterator[RenderableType]":
    title = f"{report.property} of {report.n_structures} relaxed structures"
    table = numbers(title, "", "random split", "by chemical system")
    for name, *errors in (
        (f"heads on {report.potential} and descriptors, MAE", report.test_mae, report.grouped_test_mae),
        ("heads on descriptors, MAE", report.descriptors_mae, report.grouped_descriptors_mae),
        ("forest, MAE", report.forest_mae, report.grouped_forest_mae),
    ):
        table.add_row(name, *(f"{error:.4f}" for error in errors))
    table.add_row("mean, MAE", f"{report.mean_mae:.4f}", "")
    areas = (report.miscalibration_area, report.grouped_miscalibration_area)
    table.add_row("miscalibration area", *(f"{area:.3f}" for area in areas))
    for level, share in report.coverage.items():
        table.add_row(f"coverage of {level} %", f"{share:.1%}", f"{report.grouped_coverage[level]:.1%}")
    yield table
    yield f"{report.width:,} features described in {report.describe_seconds:.0f} of {report.seconds:.0f} s"


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
