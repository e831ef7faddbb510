"""`catalyst validation retract`: take results back."""

import getpass
import json
from dataclasses import asdict
from typing import Annotated

import typer

from catalyst_assets.commands.opening import AsJson, Home, open_platform


def retract(
    results: Annotated[list[int] | None, typer.Argument(help="Numbers of results.")] = None,
    candidate: Annotated[
        int | None, typer.Option(help="Number of a candidate, all of whose results are taken back.")
    ] = None,
    reason: Annotated[
        str, typer.Option(help="Why; kept for ever and shown with all that was made from them.")
    ] = "",
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Take results back: they stay in the ledger, and count for nothing from now on.

    What was learned and ranked from them is marked, and their candidates are in validation again. Retracting twice
    changes nothing.
    """
    from catalyst_assets.validation.submissions.retracting import retract_results

    with open_platform(home) as platform:
        done = retract_results(
            platform.database, results or [], candidate, by=getpass.getuser(), reason=reason
        )
    if as_json:
        typer.echo(json.dumps(asdict(done)))
        return
    for line in done.lines():
        typer.echo(line)
