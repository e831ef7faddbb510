"""Run an ASGI application behind guard and sign-in, the only port of it."""

import argparse
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from starlette.types import ASGIApp, Scope

from catalyst_assets.own_servers import SERVER_KEEPS_SECONDS
from resources.settings import Settings, get_settings
from resources.web.asking import AskingFor
from resources.web.guard import Guard, Hosts
from resources.web.security_headers import FOREIGN_POLICY, SecurityHeaders
from resources.web.sign_in import Need, SignInFirst, Visitors, page_of_app, require_api_url


def serve_guarded(
    open_app: Callable[[Settings], AbstractContextManager[ASGIApp]],
    arguments: Sequence[str] | None = None,
    *,
    needs: Callable[[Scope], Need],
    log_level: str = "info",
) -> None:
    """Serve on the ``--host`` and ``--port`` of the command line until a signal ends the process.

    Parameters
    ----------
    needs
        What a request needs; the API says who sends it.
    """
    import uvicorn

    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args(arguments)
    settings = get_settings()
    asking = AskingFor(settings)
    visitors = Visitors(require_api_url(settings), settings, asking)
    with open_app(settings) as app:
        known = SignInFirst(app, visitors, needs, page_of_app(settings, asking))
        uvicorn.run(
            SecurityHeaders(Guard(known, Hosts.of(settings)), lambda _: FOREIGN_POLICY, "SAMEORIGIN"),
            host=options.host,
            port=options.port,
            log_level=log_level,
            # uvicorn would believe what any process of this machine says of a visitor.
            proxy_headers=False,
            timeout_keep_alive=SERVER_KEEPS_SECONDS,
        )
