"""`catalyst bench ingest`."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from catalyst_assets.commands.bench.reporting import AsJson, answer, facts
from catalyst_assets.commands.stages import telling
from catalyst_assets.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

    from catalyst_assets.bench.beside import BesideReport
    from catalyst_assets.bench.ingest import EnumerationReport, IngestReport


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
    beside: Annotated[
        int | None,
        typer.Option(
            min=1, help="Load a table of four rows beside one of so many, and in an empty installation."
        ),
    ] = None,
    processes: Annotated[int, typer.Option(min=1, help="How many parse.")] = 2,
    as_json: AsJson = False,
) -> None:
    """Time the way from raw bytes to rows, beside a plain loop of pymatgen and pandas and beside COPY alone.

    Everything happens in a new database that is removed afterwards.
    """
    from catalyst_assets.bench.beside import measure_beside
    from catalyst_assets.bench.ingest import measure_enumeration, measure_ingest
    from catalyst_assets.bench.tables import PEROV5, published_table

    if prototypes is not None and beside is not None:
        raise UsageError("--prototypes and --beside measure different things.", "Give one of them.")
    report: IngestReport | EnumerationReport | BesideReport
    with telling("starting PostgreSQL") as tell:
        if beside is not None:
            report = measure_beside(beside, progress=tell)
        elif prototypes is None:
            report = measure_ingest(published_table(data, PEROV5, "--data"), processes, tell)
        else:
            report = measure_enumeration(prototypes, processes, tell)
    answer(report, as_json, _show)


def _show(report: "IngestReport | EnumerationReport | BesideReport") -> "Iterator[Table]":
    values = dataclasses.asdict(report)
    values |= {f"seconds to {stage}": spent for stage, spent in values.pop("seconds_by_stage", {}).items()}
    yield facts("From raw bytes to rows", {name: f"{value:,}" for name, value in values.items()})
