"""`catalyst campaign`: start a discovery goal and see how the goals stand."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Start campaigns and see how they stand.")

_HOME = typer.Option(
    file_okay=False, help="Folder of the embedded database and object store (default .catalyst)."
)


@app.command("start")
def start(
    campaign: Annotated[str, typer.Argument(help="A YAML file, or the name of a shipped campaign.")],
    home: Annotated[Path | None, _HOME] = None,
) -> None:
    """Store a campaign and freeze its test set; `catalyst up` then turns its loop.

    Its pool must be loaded: materialize `materials` first. A campaign that exists may change its stop
    rules, acquisition, review and description only.
    """
    from catalyst_assets.campaigns.library import check_known, load_campaign
    from catalyst_assets.loop.campaigns import start_campaign
    from resources.connection import connect
    from resources.settings import load_settings

    goal = load_campaign(campaign)
    check_known(goal)
    with connect(load_settings(home=home), upgrade=True) as database:
        start_campaign(database, goal)
    typer.echo(f"Campaign {goal.name} is active. `catalyst up` turns its loop.")


@app.command("list")
def list_(home: Annotated[Path | None, _HOME] = None) -> None:
    """List the campaigns of this home with their iterations, evaluations and state."""
    from rich.console import Console
    from rich.table import Table

    from resources.connection import connect
    from resources.postgres import Role, fetch_all
    from resources.settings import load_settings

    with connect(load_settings(home=home)) as database, database.transaction(Role.PIPELINE) as connection:
        rows = fetch_all(connection, "campaigns/overview")
    if not rows:
        typer.echo("No campaign yet: `catalyst campaign start FILE`, or `catalyst demo`.")
        return
    table = Table()
    for name in ("campaign", "status", "iterations", "evaluated", "why it ended"):
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(
            row["name"],
            row["status"],
            str(row["n_iterations"]),
            str(row["n_evaluated"]),
            row["stop_reason"] or "",
        )
    Console().print(table)
