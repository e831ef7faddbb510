"""Run an ASGI application behind the guard, the only port of it."""

import argparse
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from starlette.types import ASGIApp

from resources.settings import Settings, get_settings
from resources.web.guard import Guard, Hosts


def serve_guarded(
    open_app: Callable[[Settings], AbstractContextManager[ASGIApp]],
    arguments: Sequence[str] | None = None,
    *,
    log_level: str = "info",
) -> None:
    """Serve on the ``--host`` and ``--port`` of the command line until a signal ends the process."""
    import uvicorn

    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args(arguments)
    settings = get_settings()
    with open_app(settings) as app:
        uvicorn.run(Guard(app, Hosts.of(settings)), host=options.host, port=options.port, log_level=log_level)
