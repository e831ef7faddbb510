"""An ASGI application behind a real socket, for the time of a test."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn
from starlette.types import ASGIApp

from dash_app.server import create_app
from resources.access.sessions import create_link
from resources.access.users import UserRole, ensure_user
from resources.postgres.database import Database, Role
from resources.settings import Settings
from resources.web.tokens import Scope, create_token

_PATIENCE_SECONDS = 3.0


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """Serve ``app`` on a free loopback port and yield its URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on", proxy_headers=False))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        while not server.started:
            thread.join(0.02)
            if not thread.is_alive():
                raise RuntimeError("The server ended before it served.")
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(_PATIENCE_SECONDS)
        server.force_exit = True  # a browser that follows events is not waited for
        thread.join()
        listener.close()


@contextmanager
def api_client(
    database: Database, settings: Settings | None = None, by: str = "Ada Lovelace", may: Scope = "review"
) -> Iterator[httpx.Client]:
    """Serve the app with the role of the app alone, and yield a client of its API with a token of its own."""
    app_only = Database({Role.APP: database.url(Role.APP)})
    with (
        serving(create_app(app_only, settings=settings)) as url,
        httpx.Client(base_url=f"{url}/api/v1", timeout=60, trust_env=False) as client,
    ):
        client.headers.update(bearer(database, by, may))
        yield client
    app_only.dispose()


def bearer(database: Database, name: str, *may: Scope) -> dict[str, str]:
    """Make a token and return the header that carries it."""
    return {"Authorization": f"Bearer {create_token(database, name, may)}"}


def sign_in_address(database: Database, name: str = "Ada Lovelace", role: UserRole = "reviewer") -> str:
    """Make a user and return the path that signs a browser in as them, once."""
    ensure_user(database, name, role)
    return f"/sign-in?link={create_link(database, name)}"
