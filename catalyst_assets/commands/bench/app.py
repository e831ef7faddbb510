"""`catalyst bench`: measurements of the platform on published and shipped data."""

import typer

from catalyst_assets.commands.bench import (
    discovery,
    embed,
    ingest,
    regression,
    rerank,
    shift,
    startup,
    transfer,
)

app = typer.Typer(no_args_is_help=True)
discovery.register(app)
embed.register(app)
ingest.register(app)
regression.register(app)
rerank.register(app)
shift.register(app)
startup.register(app)
transfer.register(app)
