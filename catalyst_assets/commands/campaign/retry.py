"""`catalyst campaign retry`: a person's word that what failed is to be tried again at once."""

from typing import Annotated

import typer

from catalyst_assets.commands.opening import Home, open_platform


def retry(
    name: Annotated[str, typer.Argument(help="A campaign that was started.")],
    home: Home = None,
) -> None:
    """Try again at once what failed: an iteration, a validation, or features that it waits for.

    By itself it is tried again when materials, features, settings or the code have changed, and after pauses of ten
    minutes to four hours. Exit code 2: nothing of it failed, or it has ended.
    """
    from catalyst_assets.commands.campaign.show import waiting_lines
    from catalyst_assets.loop.asked.requests import request_retry

    with open_platform(home) as platform:
        waiting = request_retry(platform.database, name)
    for line in waiting_lines(waiting)[:2] if waiting else ():
        typer.echo(line)
    typer.echo(f"Campaign {name} tries again at its next look, within seconds where `catalyst up` runs.")
