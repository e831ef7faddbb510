"""The review app as one ASGI server: the API at `/api/v1` and the pages everywhere else.

Start it with ``uvicorn --factory dash_app.server:create_app_from_environment``. Who opens the pages is not asked who
they are, so whoever starts it binds it to 127.0.0.1 or puts a proxy before it. The pages write results with a token of
their own, which is made at start and never leaves the server.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager

import httpx
from dash import Dash
from fastapi import FastAPI

from dash_app.api.application import create_api
from dash_app.api.door.unknown import UnknownPath
from dash_app.client import ApiClient, ServingAddress
from dash_app.contract import API_PREFIX
from dash_app.pages.application import add_pages
from dash_app.pages.unknown import PagesThatExist
from resources.platform import Platform
from resources.postgres.database import Database
from resources.settings import Settings, get_settings
from resources.web.body_limit import BodyLimit
from resources.web.guard import LOCAL_HOSTS, Guard, Hosts
from resources.web.heads import Heads
from resources.web.security_headers import DATA_POLICY, SecurityHeaders, page_policy
from resources.web.tokens import new_secret


def create_app(
    database: Database,
    *,
    api_url: str | None = None,
    hosts: Hosts | None = None,
    settings: Settings | None = None,
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
    settings
        Say where files are kept and how large they may be; None for those of the environment.
    on_shutdown
        Called when the server ends.
    """
    settings = settings or get_settings()
    page_token = settings.page_token.get_secret_value() if settings.page_token else new_secret()
    client = ApiClient(api_url, page_token)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await _set_up_pages(server)
        yield
        await client.close()
        on_shutdown()

    server = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)
    server.mount(API_PREFIX, create_api(Platform(settings, database), page_token))
    server.mount("/api", UnknownPath())
    server.add_route("/api", UnknownPath())  # type: ignore[arg-type]  # Starlette takes applications too
    pages = add_pages(server, client)
    server.add_middleware(PagesThatExist)
    server.add_middleware(ServingAddress)
    server.add_middleware(BodyLimit, most=_limits(settings))
    server.add_middleware(Heads)
    server.add_middleware(Guard, hosts=hosts or Hosts(), problems_below=API_PREFIX)
    server.add_middleware(SecurityHeaders, policy=_policies(pages))
    return server


def _limits(settings: Settings) -> Callable[[str], int]:
    """Return how large a body may be below each path; the pages send files as text inside of JSON."""
    upload, request = settings.max_upload_bytes, settings.max_request_bytes

    def most(path: str) -> int:
        if not path.startswith(API_PREFIX):
            return upload * 4 // 3 + request
        return upload if path.rstrip("/").endswith(("/results/files", "/attachments")) else request

    return most


def _policies(pages: Dash) -> Callable[[str], str]:
    """Return which content-security policy holds below each path."""

    def policy(path: str) -> str:
        if path.startswith("/api"):
            return DATA_POLICY
        return page_policy(pages.csp_hashes())  # Dash adds scripts of its own with the first page

    return policy


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

    settings = get_settings()
    resources = ExitStack()
    database = resources.enter_context(connect_app(settings))
    return create_app(
        database,
        api_url=settings.api_url,
        hosts=Hosts.of(settings),
        settings=settings,
        on_shutdown=resources.close,
    )
