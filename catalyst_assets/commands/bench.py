"""`catalyst bench`: measurements of the platform on published and shipped data."""

import typer

from catalyst_assets.commands import bench_startup

app = typer.Typer(no_args_is_help=True)
bench_startup.register(app)
