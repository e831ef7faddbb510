"""An HTTP server on a free port of loopback, for as long as a test needs it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol


class Served(Protocol):
    """What answers requests; ``port`` is told to it before the first one comes."""

    port: int

    def respond(self, path: str, handler: "Handler") -> None:
        """Answer one GET, or HEAD, of a path with its query."""
        ...


class Handler(BaseHTTPRequestHandler):
    """Hands every GET and HEAD to what is served."""

    server: "_Server"

    def do_GET(self) -> None:
        self.server.served.respond(self.path, self)

    def do_HEAD(self) -> None:
        self.server.served.respond(self.path, self)

    def reply(self, status: int, body: bytes, cut: int = 0, **headers: str) -> None:
        """Send a reply, its last ``cut`` bytes left out."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: len(body) - cut])
        self.close_connection = bool(cut)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, served: Served) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.served = served


@contextmanager
def running(served: Served) -> Iterator[None]:
    """Serve until the block is left."""
    server = _Server(served)
    served.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
