"""The review app as one ASGI server: the API at `/api/v1` and the pages everywhere else.

Start it with ``uvicorn --factory dash_app.server:create_app_from_environment``. Nobody is asked who they
are, so whoever starts it binds it to 127.0.0.1 or puts a proxy before it.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager

import httpx
from fastapi import FastAPI

from dash_app.api.application import create_api
from dash_app.client import ApiClient, ServingAddress
from dash_app.contract import API_PREFIX
from dash_app.pages.application import add_pages
from resources.postgres.database import Database
from resources.web.guard import LOCAL_HOSTS, Guard, Hosts


def create_app(
    database: Database,
    *,
    api_url: str | None = None,
    hosts: Hosts | None = None,
    on_shutdown: Callable[[], None] = lambda: None,
) -> FastAPI:
    """Build the server.

    Parameters
    ----------
    database
        Used by the API only, as the role of the app.
    api_url
        Where the pages find the API; None for this same server.
    hosts
        Names by which browsers may call this server; None for this machine's own.
    on_shutdown
        Called when the server ends.
    """
    client = ApiClient(api_url)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await _set_up_pages(server)
        yield
        await client.close()
        on_shutdown()

    server = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)
    server.mount(API_PREFIX, create_api(database))
    add_pages(server, client)
    server.add_middleware(ServingAddress)
    server.add_middleware(Guard, hosts=hosts or Hosts(), problems_below=API_PREFIX)
    return server


async def _set_up_pages(server: FastAPI) -> None:
    """Ask for the first page: Dash completes itself on that request only, and a visitor may start deeper."""
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(server), base_url=f"http://{LOCAL_HOSTS[0]}"
    ) as visitor:
        (await visitor.get("/")).raise_for_status()


def create_app_from_environment() -> FastAPI:
    """Build the server from the `CATALYST_*` settings; the database connection ends with the server.

    Raises
    ------
    DatabaseUnavailableError
        PostgreSQL cannot be started or reached.
    SchemaVersionError
        The database needs `catalyst db upgrade`, or a newer version of the platform.
    """
    from resources.postgres.connection import connect_app
    from resources.settings import get_settings

    settings = get_settings()
    resources = ExitStack()
    database = resources.enter_context(connect_app(settings))
    return create_app(
        database,
        api_url=settings.api_url,
        hosts=Hosts.of(settings),
        on_shutdown=resources.close,
    )
