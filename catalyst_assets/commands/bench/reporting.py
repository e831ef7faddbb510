"""What the commands of `catalyst bench` share: options of several, and a report as one JSON object or as tables."""

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from catalyst_assets.commands.tables import facts_table, narrow_table
from catalyst_assets.constants import Accelerator, Architecture

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
CampaignName = Annotated[str, typer.Option(help="A YAML file, or the name of a shipped campaign.")]
CrystalTables = Annotated[
    Path | None,
    typer.Option(help="Folder of *.csv or *.csv.gz with a column cif; a checkout's Perov-5 if not given."),
]
ArchitectureOption = Annotated[Architecture, typer.Option(help="mace, schnet or dimenet.")]
PotentialOption = Annotated[
    str | None,
    typer.Option(
        "--potential", help="Take the features of this one, as `catalyst potentials list` names it."
    ),
]
AcceleratorOption = Annotated[Accelerator, typer.Option(help="auto, cpu or gpu.")]
_Report = TypeVar("_Report")


def answer(report: _Report, as_json: bool, show: "Callable[[_Report], Iterable[RenderableType]]") -> None:
    """Print a report, a dataclass.

    Parameters
    ----------
    as_json
        As one JSON object; else as the tables and lines that ``show`` makes of it.
    """
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(report)))  # type: ignore[call-overload]
        return
    from rich.console import Console

    console = Console()
    for part in show(report):
        console.print(part)


def facts(title: str, values: Mapping[str, object]) -> "Table":
    """Return a table of names and what they are."""
    table = facts_table(title)
    for name, value in values.items():
        shown = " to ".join(map(str, value)) if isinstance(value, tuple) else str(value)
        table.add_row(name.replace("_", " "), shown)
    return table


def numbers(title: str, names: str, *columns: str) -> "Table":
    """Return an empty table: a column of names, then columns of numbers."""
    table = narrow_table(title, [], [])
    table.add_column(names, no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table
