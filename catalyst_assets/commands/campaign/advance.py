"""`catalyst campaign advance`: a person's word that the next iteration opens now."""

from typing import Annotated

import typer

from catalyst_assets.commands.opening import Home, open_platform


def advance(
    name: Annotated[str, typer.Argument(help="A campaign that was started.")],
    home: Home = None,
) -> None:
    """Open the next iteration now, although the batch of the newest one is not answered.

    It learns from what is known by then. Candidates in validation go on: their results come late, and count for a later
    iteration; those that nobody flagged are left. By itself it happens once the batch is answered, or as the campaign's
    `refresh` says. Exit code 2: it has ended, or its newest iteration is not ranked yet.
    """
    from catalyst_assets.loop.asked.requests import request_advance, tell_pending

    with open_platform(home) as platform:
        pending = request_advance(platform.database, name)
    when = "at its next look, within seconds where `catalyst up` runs"
    typer.echo(f"Campaign {name} goes on {when}{tell_pending(pending)}.")
