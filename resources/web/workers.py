"""One application in several processes that share a port: ``python -m resources.web.workers module:factory --port 8051``.

uvicorn's own ``--workers`` binds a socket for which asyncio leaves Nagle's algorithm on: of an answer whose head and body
are written one after the other the body then waits 40 ms for the head's acknowledgement.
"""

import argparse
import socket
from collections.abc import Sequence

from catalyst_assets.own_servers import SERVER_KEEPS_SECONDS


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket whose connections send at once what is written."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=2048)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # connections inherit it
    return listener


def serve(arguments: Sequence[str] | None = None) -> None:
    """Serve what the command line names until a signal ends the process."""
    import uvicorn
    from uvicorn.supervisors import Multiprocess

    parser = argparse.ArgumentParser()
    parser.add_argument("factory")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args(arguments)
    # What proxies say of a visitor is believed of those that CATALYST_TRUSTED_PROXY names, not of any on this machine.
    config = uvicorn.Config(
        options.factory,
        factory=True,
        workers=options.workers,
        proxy_headers=False,
        timeout_keep_alive=SERVER_KEEPS_SECONDS,
        host=options.host,
        port=options.port,
    )
    listener = bind(options.host, options.port)
    if options.workers > 1:
        Multiprocess(config, sockets=[listener]).run()
    else:
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    serve()
