"""`catalyst bench`: measurements of the platform on published and shipped data."""

import typer

from catalyst_assets.commands import (
    bench_discovery,
    bench_embed,
    bench_ingest,
    bench_regression,
    bench_rerank,
    bench_shift,
    bench_startup,
    bench_transfer,
)

app = typer.Typer(no_args_is_help=True)
bench_discovery.register(app)
bench_embed.register(app)
bench_ingest.register(app)
bench_regression.register(app)
bench_rerank.register(app)
bench_shift.register(app)
bench_startup.register(app)
bench_transfer.register(app)
