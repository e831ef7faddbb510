"""`catalyst bench`: measurements of the platform on published and shipped data."""

import typer

from catalyst_assets.commands.bench.api import api
from catalyst_assets.commands.bench.celery import celery
from catalyst_assets.commands.bench.chaos import chaos
from catalyst_assets.commands.bench.discovery import discovery
from catalyst_assets.commands.bench.embed import embed
from catalyst_assets.commands.bench.ingest import ingest
from catalyst_assets.commands.bench.loop import loop
from catalyst_assets.commands.bench.potentials import potentials
from catalyst_assets.commands.bench.regression import regression
from catalyst_assets.commands.bench.rerank import rerank
from catalyst_assets.commands.bench.shift import shift
from catalyst_assets.commands.bench.startup import startup
from catalyst_assets.commands.bench.transfer import transfer

app = typer.Typer(no_args_is_help=True)
for command in (
    *(api, celery, chaos, discovery, embed, ingest, loop, potentials),
    *(regression, rerank, shift, startup, transfer),
):
    app.command()(command)
