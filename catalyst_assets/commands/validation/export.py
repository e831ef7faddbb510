"""`catalyst validation export`: write the work order of a campaign."""

import json
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from catalyst_assets.commands.opening import AsJson, Home, open_platform

_DELIMITERS: Final = {"comma": ",", "semicolon": ";", "tab": "\t"}


def export(
    campaign: Annotated[str, typer.Argument(help="A campaign that was started.")],
    iteration: Annotated[int | None, typer.Option(min=0, help="Only what this iteration asked for.")] = None,
    output: Annotated[
        Path | None, typer.Option(file_okay=False, help="Folder to write (default CAMPAIGN-work-order here).")
    ] = None,
    delimiter: Annotated[
        Literal["comma", "semicolon", "tab"],
        typer.Option(help="Between cells of the CSV; spreadsheets with decimal commas expect semicolons."),
    ] = "comma",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace tables that are there.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Write what a campaign asks a laboratory for: every candidate that is flagged or in validation.

    A table to fill in (CSV, and the same as .xlsx), which `catalyst validation submit` reads back; the structures as
    CIF; and a sheet to print, one A4 page a candidate, with what is predicted and boxes to write into.
    """
    from catalyst_assets.validation.work_orders.files import write_order
    from catalyst_assets.validation.work_orders.orders import read_order

    with open_platform(home) as platform, platform.database.transaction() as connection:
        order = read_order(connection, campaign, iteration)
    paths = {}
    if order.candidates:
        target = output or Path(f"{campaign}-work-order")
        paths = write_order(order, target.absolute(), delimiter=_DELIMITERS[delimiter], overwrite=overwrite)  # type: ignore[arg-type]
    if as_json:
        files = {kind: str(path) for kind, path in paths.items()}
        numbers = [each.candidate for each in order.candidates]
        typer.echo(json.dumps({"campaign": campaign, "candidates": numbers, "files": files}))
        return
    if not paths:
        typer.echo(f"No candidate of {campaign} waits for an answer: nothing was written.")
        return
    typer.echo(f"{len(order.candidates)} candidates of {campaign}, {len(order.asked)} properties each:")
    for kind, path in paths.items():
        typer.echo(f"  {kind:<11}{path}")
