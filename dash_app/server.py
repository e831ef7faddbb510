"""The review app as one ASGI server: the API at `/api/v1` and the pages everywhere else.

Start it with ``uvicorn --factory dash_app.server:create_app_from_environment``. Nobody is asked who they
are, so whoever starts it binds it to 127.0.0.1 or puts a proxy before it.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from typing import Final

import httpx
from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware

from dash_app.api.application import create_api
from dash_app.client import ApiClient, ServingAddress
from dash_app.contract import API_PREFIX
from dash_app.pages.application import add_pages
from resources.postgres.database import Database

LOCAL_HOSTS: Final = ("127.0.0.1", "localhost", "[::1]")


def create_app(
    database: Database,
    *,
    api_url: str | None = None,
    more_hosts: Sequence[str] = (),
    on_shutdown: Callable[[], None] = lambda: None,
) -> FastAPI:
    """Build the server.

    Parameters
    ----------
    database
        Used by the API only, as the role of the app.
    api_url
        Where the pages find the API; None for this same server.
    more_hosts
        Names besides this machine's own by which browsers may call this server. Others are refused, so
        that no web page can reach it under a name of its own (DNS rebinding).
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
    server.add_middleware(
        TrustedHostMiddleware, allowed_hosts=[*LOCAL_HOSTS, *more_hosts], www_redirect=False
    )
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
    from resources.postgres.connection import connect
    from resources.settings import get_settings

    settings = get_settings()
    everywhere = settings.host in {"0.0.0.0", "::"}  # noqa: S104 - compared, not bound
    resources = ExitStack()
    database = resources.enter_context(connect(settings))
    return create_app(
        database,
        api_url=settings.api_url,
        more_hosts=("*",) if everywhere else (settings.host,),
        on_shutdown=resources.close,
    )
