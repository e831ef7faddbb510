"""`catalyst validation submit`: hand in a file of results."""

import getpass
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from catalyst_assets.commands.opening import AsJson, Home, open_platform

if TYPE_CHECKING:
    from catalyst_assets.validation.submissions.submitting import ResultFile


def submit(
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV of any dialect, .xlsx, JSON, JSON lines, Parquet, or a ZIP with one of them."
        ),
    ],
    campaign: Annotated[
        str, typer.Option(help="The campaign that the results are of, for rows that name no candidate.")
    ] = "",
    method: Annotated[
        str,
        typer.Option(help="By which method they were obtained, for rows that do not say: experiment, PBE, …"),
    ] = "",
    unit: Annotated[str, typer.Option(help="Unit of values that have none beside or above them.")] = "",
    operator: Annotated[str, typer.Option(help="Who measured them, for rows that do not say.")] = "",
    correction: Annotated[
        str, typer.Option(metavar="WHY", help="Why values that were submitted before are replaced.")
    ] = "",
    decimal: Annotated[
        Literal[".", ","] | None, typer.Option(help="Sign before decimals; found out by itself.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would happen, and record nothing.")
    ] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Hand in a file of results: it is taken whole or refused whole, and the same file again changes nothing.

    A row names its candidate, its material, or a formula (with a structure); and a property, value, unit and method, or
    has a column a property: `band_gap [eV]`. `catalyst validation export` writes a file to fill in. Replicates are kept
    and averaged. What failed is a result as well: `no` in the column synthesis, or `failed` in outcome.

    Exit code 0: taken, or known already. 1: refused; every problem is listed with its line, column and remedy.
    """
    from catalyst_assets.validation.submissions.reading.entries import Defaults
    from catalyst_assets.validation.submissions.reading.problems import RefusedFileError
    from catalyst_assets.validation.submissions.submitting import submit_file

    held = _read(file)
    said = Defaults(campaign, method, unit, operator, correction, decimal)
    with open_platform(home) as platform:
        try:
            outcome = submit_file(platform, held, by=getpass.getuser(), defaults=said, dry_run=dry_run)
        except RefusedFileError as error:
            if not as_json:
                raise
            typer.echo(json.dumps(error.to_json(), ensure_ascii=False))
            raise typer.Exit(1) from None
    if as_json:
        typer.echo(json.dumps(outcome.to_json(), ensure_ascii=False, allow_nan=False))
        return
    for line in outcome.lines():
        typer.echo(line)


def _read(file: Path) -> "ResultFile":
    from catalyst_assets.errors import UsageError
    from catalyst_assets.validation.submissions.reading.opening import MOST_BYTES
    from catalyst_assets.validation.submissions.reading.structures import in_folder
    from catalyst_assets.validation.submissions.submitting import ResultFile

    try:
        if file.stat().st_size > MOST_BYTES:
            raise UsageError(f"{file} has more than {MOST_BYTES:,} bytes.", "Divide it into several files.")
        return ResultFile(file.name, file.read_bytes(), in_folder(file.parent))
    except OSError as error:
        raise UsageError(
            f"Cannot read {file}: {error.strerror}.", "Give the path of a file of results."
        ) from None
