"""`catalyst bench shift`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from catalyst_assets.commands.bench.reporting import AsJson, answer, numbers
from catalyst_assets.commands.stages import telling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from catalyst_assets.bench.shift import Judged, ShiftReport
    from catalyst_assets.learning.uncertainty.distance import DistanceBin


def shift(
    data: Annotated[
        Path | None,
        typer.Option(
            help="CSV with the columns A, B, anion and the property; a checkout's table of perovskites if not given."
        ),
    ] = None,
    name: Annotated[str, typer.Option("--property", help="Column to predict.")] = "heat_of_formation",
    labels: Annotated[
        int, typer.Option(min=20, help="Labels to learn from, whichever anion is left out.")
    ] = 1000,
    rows: Annotated[int, typer.Option(min=10, help="Rows of each anion, drawn with the seed.")] = 400,
    seed: Annotated[int, typer.Option(min=0, help="Everything random follows from it.")] = 0,
    plot: Annotated[
        Path | None, typer.Option(help="Write a picture (PNG) of error against distance.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Leave each anion of a table of perovskites out, and see what becomes of errors and uncertainties.

    The platform's head learns from the other anions and predicts unseen chemical systems of the same anions
    ("inside") and the anion that it never saw. Distances are to its training set: 1 is typical of an unseen
    chemical system, and what is further than 95 % of them is flagged.
    """
    from catalyst_assets.bench.shift import measure_shift, read_sample
    from catalyst_assets.bench.tables import PEROVSKITES, published_table

    table = published_table(data, PEROVSKITES, "--data")
    with telling(f"describing perovskites of {table} …") as tell:
        sample = read_sample(table, name, rows, seed)
        report = measure_shift(sample, labels, seed, lambda anion: tell(f"learning without {anion} …"))
    if plot is not None:
        from catalyst_assets.learning.uncertainty.figures import draw_error_against_distance

        plot.write_bytes(draw_error_against_distance({report.property: report.bins}))
    answer(report, as_json, _show)


def _show(report: "ShiftReport") -> "Iterator[RenderableType]":
    from catalyst_assets.vocabulary.known import unit_of

    unit = f" ({unit_of(report.property)})" if unit_of(report.property) else ""
    title = f"{report.property}{unit}: unseen chemical systems of the known anions, and the anion left out"
    errors = ("rows", "MAE", "std", "50/80/95 %")
    table = numbers(title, "without", *errors, "area", "distance", "flagged", "rank r")
    for left in report.anions:
        for label, part in (("inside", left.inside), (left.anion, left.left_out)):
            furthest = (f"{part.miscalibration_area:.3f}", f"{part.mean_distance:.2f}", f"{part.flagged:.0%}")
            rank = f"{left.spearman:.2f}" if label == left.anion else ""
            table.add_row(label, *_errors(part), *furthest, rank)
        table.add_section()
    bins = numbers(f"By distance (rank correlation with |error| {report.spearman:.2f})", "distance", *errors)
    for each in report.bins:
        bins.add_row(f"{each.nearest:.2f} to {each.furthest:.2f}", *_errors(each))
    yield table
    yield bins
    yield f"{report.seconds:.0f} s"


def _errors(part: "Judged | DistanceBin") -> tuple[str, str, str, str]:
    coverage = "/".join(f"{100 * share:.0f}" for share in part.coverage.values())
    return str(part.n), f"{part.mae:.3f}", f"{part.mean_std:.3f}", coverage
