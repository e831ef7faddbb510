"""What commands that execute Dagster runs in their own process share: the bars, the instance, the driver."""

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dagster import DagsterInstance
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn, TaskID

    from catalyst_assets.commands.driver import LoopDriver
    from resources.postgres.database import Database
    from resources.settings import Settings


def run_progress(console: "Console", *columns: "ProgressColumn") -> "Progress":
    """Return bars that go away in the end: what is done, how far it is, ``columns``, and for how long."""
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    described = TextColumn("{task.description}")
    shown = (SpinnerColumn(), described, BarColumn(), *columns, TimeElapsedColumn())
    return Progress(*shown, console=console, transient=True)


@contextmanager
def open_instance(settings: "Settings", database: "Database") -> "Iterator[DagsterInstance]":
    """Open the persistent Dagster instance, which child processes then find too, without runs of dead processes."""
    import dagster as dg

    from catalyst_assets.loop.runs import reap_dead_runs
    from resources.dagster_instance import guard_finished_runs, prepare_dagster_home
    from resources.paths import sweep_scratch
    from resources.settings import get_settings

    sweep_scratch()
    os.environ.update(prepare_dagster_home(settings, database))
    get_settings.cache_clear()
    with dg.DagsterInstance.get() as instance:
        guard_finished_runs(database)
        reap_dead_runs(instance, database)
        yield instance


@contextmanager
def open_driver(settings: "Settings", progress: "Progress", bar: "TaskID") -> "Iterator[LoopDriver]":
    """Open an installation, made or brought up to date where need be, to execute runs; the bar says which step runs.

    Raises
    ------
    DatabaseUnavailableError, SchemaVersionError
        As `connect`.
    """
    _quieten()
    from catalyst_assets.commands.driver import LoopDriver
    from resources.platform import Platform
    from resources.postgres.connection import connect

    with connect(settings, upgrade=True) as database:
        progress.update(bar, description="starting Dagster")
        with open_instance(settings, database) as instance:
            yield LoopDriver(
                Platform(settings, database),
                instance,
                on_step=lambda step: progress.update(bar, description=step.replace("_", " ")),
            )


def _quieten() -> None:
    """Keep what libraries say about themselves out of the progress bar; runs' own logs are in Dagster."""
    import logging
    import warnings

    import dagster as dg

    warnings.filterwarnings("ignore", category=dg.BetaWarning)
    warnings.filterwarnings("ignore", category=dg.PreviewWarning)
    logging.getLogger("dagster").setLevel(logging.ERROR)
