"""The API and the pages as ASGI servers: each a process of its own under `catalyst up`, both in one for tests.

The pages hold no login of the database: what lies below `/api/` they pass on to the API, so that people need one
address. Start them with ``python -m resources.web.workers dash_app.server:create_api_from_environment`` and
``…:create_pages_from_environment``, or with ``uvicorn --factory``.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from http import HTTPStatus

import httpx
from dash import Dash
from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from dash_app.api.door.unknown import UnknownPath, answer_unknown
from dash_app.client import ApiClient, Visits
from dash_app.contract import API_PREFIX
from dash_app.pages.application import add_pages
from dash_app.pages.unknown import PagesThatExist
from dash_app.sign_in.page import sign_in_pages
from resources.platform import Platform
from resources.postgres.database import Database
from resources.settings import Settings, get_settings
from resources.web.asking import AskingFor
from resources.web.body_limit import BodyLimit
from resources.web.end_with_parent import end_with_parent
from resources.web.forward import forward
from resources.web.guard import LOCAL_HOSTS, Guard, Hosts
from resources.web.heads import Heads
from resources.web.security_headers import DATA_POLICY, SecurityHeaders, page_policy
from resources.web.sign_in import VISITORS, Need, SignInFirst, Visitors, require_api_url

# What of the pages anybody may see.
_OPEN = frozenset({"/sign-in", "/sign-out", "/favicon.ico", "/_favicon.ico"})
# Paths that take files.
_FILES = ("/results/files", "/attachments", "/materials/uploads")
_OPEN_BELOW = ("/assets/", f"{API_PREFIX}/")
# Of the first visit, which is our own.
_SETTING_UP = "catalyst.setting_up"


def create_app(
    database: Database, *, hosts: Hosts | None = None, settings: Settings | None = None
) -> FastAPI:
    """Build a server that carries both the API and the pages.

    Parameters
    ----------
    database
        Used by the API only, as the role of the app.
    hosts
        Names by which browsers may call this server; None for this machine's own.
    settings
        Say where files are kept and how large they may be; None for those of the environment.
    """
    # Dash looks into pandas wherever it is loaded, also while a thread of the API is loading it.
    import pandas  # noqa: F401

    settings = settings or get_settings()
    asking = AskingFor(settings)
    api = _api(Platform(settings, database), asking)
    return _pages(settings, asking, api, hosts or Hosts(), api_url=None)


def create_api_server(
    database: Database, settings: Settings, hosts: Hosts, on_shutdown: Callable[[], None] = lambda: None
) -> FastAPI:
    """Build a server that carries the API alone.

    Parameters
    ----------
    on_shutdown
        Called when the server ends.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        on_shutdown()

    server = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)
    server.mount(API_PREFIX, _api(Platform(settings, database), AskingFor(settings)))
    _add_unknown_paths(server)
    _guard(server, settings, hosts, lambda _: DATA_POLICY)
    return server


def create_pages(settings: Settings, hosts: Hosts) -> FastAPI:
    """Build a server that carries the pages, and passes on what is asked of the API.

    Raises
    ------
    UsageError
        The settings do not say where the API is.
    """
    asking, api_url = AskingFor(settings), require_api_url(settings)
    return _pages(settings, asking, forward(api_url, asking), hosts, api_url=api_url)


def create_api_from_environment() -> FastAPI:
    """Build the API's server from the `CATALYST_*` settings; the database connection ends with the server.

    Raises
    ------
    DatabaseUnavailableError
        PostgreSQL cannot be started or reached.
    SchemaVersionError
        The database needs `catalyst db upgrade`, or a newer version of the platform.
    """
    from resources.postgres.connection import connect_app

    end_with_parent()
    settings = get_settings()
    resources = ExitStack()
    database = resources.enter_context(connect_app(settings))
    return create_api_server(database, settings, Hosts.of(settings), resources.close)


def create_pages_from_environment() -> FastAPI:
    """Build the pages' server from the `CATALYST_*` settings; raises as `create_pages`."""
    settings = get_settings()
    return create_pages(settings, Hosts.of(settings))


def _api(platform: Platform, asking: AskingFor) -> FastAPI:
    # Loaded here: the pages' process has no use for it.
    from dash_app.api.application import create_api

    return create_api(platform, asking)


def _pages(
    settings: Settings, asking: AskingFor, api: ASGIApp, hosts: Hosts, *, api_url: str | None
) -> FastAPI:
    client, visitors = ApiClient(api_url), Visitors(api_url, settings, asking)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await _set_up_pages(server)
        yield
        await client.close()
        await visitors.close()

    def tell(scope: Scope) -> Mapping[str, str]:
        headers = Headers(scope=scope)
        told = {name: headers[name] for name in VISITORS if name in headers}
        return told | asking.headers(asking.read(scope))

    server = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)
    server.mount(API_PREFIX, api)
    _add_unknown_paths(server)
    server.include_router(sign_in_pages(client, settings))
    # Browsers ask for it here for what is no page of ours, such as an answer of the API.
    server.add_route("/favicon.ico", lambda _: RedirectResponse("/assets/favicon.ico"))
    pages = add_pages(server, client)
    server.add_middleware(PagesThatExist)
    server.add_middleware(Visits, tell=tell)
    server.add_middleware(SignInFirst, visitors=visitors, needs=_needs)
    _guard(server, settings, hosts, _policies(pages))
    return server


def _add_unknown_paths(server: FastAPI) -> None:
    server.mount("/api", UnknownPath())
    server.add_route("/api", UnknownPath())  # type: ignore[arg-type]  # Starlette takes applications too
    server.add_exception_handler(HTTPStatus.NOT_FOUND, answer_unknown)


def _guard(server: FastAPI, settings: Settings, hosts: Hosts, policy: Callable[[str], str]) -> None:
    server.add_middleware(BodyLimit, most=_limits(settings))
    server.add_middleware(Heads)
    server.add_middleware(Guard, hosts=hosts, problems_below=API_PREFIX)
    server.add_middleware(SecurityHeaders, policy=policy)


def _needs(scope: Scope) -> Need:
    """Say what a page needs; the API looks after itself."""
    path = scope["path"]
    is_open = scope.get(_SETTING_UP) or path in _OPEN or path.startswith(_OPEN_BELOW)
    return "open" if is_open else "read"


def _limits(settings: Settings) -> Callable[[str], int]:
    """Return how large a body may be below each path; the pages send files as text inside of JSON."""
    upload, request = settings.max_upload_bytes, settings.max_request_bytes

    def most(path: str) -> int:
        if not path.startswith(API_PREFIX):
            return upload * 4 // 3 + request
        return upload if path.rstrip("/").endswith(_FILES) else request

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

    async def as_ourselves(scope: Scope, receive: Receive, send: Send) -> None:
        await server({**scope, _SETTING_UP: True}, receive, send)

    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(as_ourselves), base_url=f"http://{LOCAL_HOSTS[0]}"
    ) as visitor:
        (await visitor.get("/")).raise_for_status()
