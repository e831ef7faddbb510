"""`catalyst bench`: measurements of the platform on published and shipped data."""

import typer

from catalyst_assets.commands import bench_discovery, bench_ingest, bench_startup

app = typer.Typer(no_args_is_help=True)
bench_discovery.register(app)
bench_ingest.register(app)
bench_startup.register(app)
