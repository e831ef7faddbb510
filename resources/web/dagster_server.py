"""Dagster's webserver behind guard and sign-in: ``python -m resources.web.dagster_server --port 3000``.

By itself it executes mutations for whoever asks, by GET too, and looks at neither Host nor Origin.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Final

from starlette.applications import Starlette
from starlette.types import Scope

from resources.dagster_instance import workspace_file
from resources.settings import Settings
from resources.web.serving import serve_guarded
from resources.web.sign_in import Need

# As `dagster-webserver` has them.
_STATEMENT_TIMEOUT_MS: Final = 15_000
_POOL_RECYCLE_SECONDS: Final = 3600
_POOL_MAX_OVERFLOW: Final = 20
_POLL_MS: Final = 2000


@contextlib.contextmanager
def open_dagster(settings: Settings) -> Iterator[Starlette]:
    """Open Dagster's application on the instance that ``DAGSTER_HOME`` names."""
    import dagster as dg
    from dagster._core.workspace.context import WorkspaceProcessContext
    from dagster._core.workspace.load_target import WorkspaceFileTarget
    from dagster._utils.interrupts import setup_interrupt_handlers
    from dagster._utils.log import configure_loggers
    from dagster_webserver.app import create_app_from_workspace_process_context
    from dagster_webserver.version import __version__

    configure_loggers()
    setup_interrupt_handlers()
    target = WorkspaceFileTarget([str(workspace_file(settings))])
    with dg.DagsterInstance.get() as instance:
        instance.optimize_for_webserver(_STATEMENT_TIMEOUT_MS, _POOL_RECYCLE_SECONDS, _POOL_MAX_OVERFLOW)
        with WorkspaceProcessContext(instance, version=__version__, workspace_load_target=target) as context:
            yield create_app_from_workspace_process_context(
                context, live_data_poll_rate=_POLL_MS, lifespan=_until_cancelled
            )


@contextlib.asynccontextmanager
async def _until_cancelled(_: Starlette) -> AsyncIterator[None]:
    # uvicorn cancels the lifespan when it ends by a signal.
    with contextlib.suppress(asyncio.CancelledError):
        yield


def needs(scope: Scope) -> Need:
    """Say that Dagster is for admins: who may launch runs may have anything computed. The supervisor asks how it is."""
    return "open" if scope["path"].rstrip("/") == "/server_info" else "admin"


if __name__ == "__main__":
    serve_guarded(open_dagster, needs=needs, log_level="warning")
