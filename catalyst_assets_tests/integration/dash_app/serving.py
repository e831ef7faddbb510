"""An ASGI application behind a real socket, for the time of a test."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn
from starlette.types import ASGIApp

from dash_app.server import create_app
from resources.postgres.database import Database, Role
from resources.settings import Settings


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """Serve ``app`` on a free loopback port and yield its URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on"))
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
        thread.join()
        listener.close()


@contextmanager
def api_client(database: Database, settings: Settings | None = None) -> Iterator[httpx.Client]:
    """Serve the app with the role of the app alone, and yield a client of its API."""
    app_only = Database({Role.APP: database.url(Role.APP)})
    with (
        serving(create_app(app_only, settings=settings)) as url,
        httpx.Client(base_url=f"{url}/api/v1", timeout=60, trust_env=False) as client,
    ):
        yield client
    app_only.dispose()
