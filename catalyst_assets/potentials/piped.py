"""A potential's worker as a step of Dagster asks it: what the worker says reaches the step's log, by Pipes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from catalyst_assets.errors import UsageError
from resources.paths import scratch_folder
from resources.runs.pipes_messages import FileMessages

if TYPE_CHECKING:
    from catalyst_assets.potentials.client import WorkerPotential
    from resources.settings import Settings

_MESSAGES = "messages"


@contextmanager
def piped_potential(
    context: dg.OpExecutionContext, name: str, settings: "Settings"
) -> "Iterator[WorkerPotential]":
    """Give the potential of a name; every worker that it starts tells the step how far it is.

    Raises
    ------
    UsageError, PotentialError
        There is none of the name, or its environment is not installed.
    """
    from catalyst_assets.potentials.client import WorkerPotential

    WorkerPotential.of(name, settings)  # what is not there needs no session
    with scratch_folder() as folder:
        messages = FileMessages(Path(folder) / _MESSAGES)
        with dg.open_pipes_session(context, dg.PipesEnvContextInjector(), messages) as session:
            environment = dict(session.get_bootstrap_env_vars())
            yield WorkerPotential.of(name, settings, environment, context.log.warning)


@contextmanager
def told_plainly() -> Iterator[None]:
    """Fail a step in the words of our own error, and again only where a worker was killed.

    A missing environment is not there a minute later, and a worker that cannot start cannot then.
    """
    from catalyst_assets.potentials.client import WorkerKilledError
    from catalyst_assets.potentials.environments import PotentialError

    try:
        yield
    except (UsageError, PotentialError) as error:
        raise dg.Failure(str(error), allow_retries=isinstance(error, WorkerKilledError)) from None
