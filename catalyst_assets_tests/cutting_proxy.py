"""A TCP proxy before a server on loopback that cuts connections in the middle of what they carry."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

_CHUNK_BYTES = 64 * 1024


@dataclass
class CuttingProxy:
    """Passes on what comes, and ends a connection once it has carried so many bytes.

    Attributes
    ----------
    url
        Where it listens.
    direction
        Whether bytes to the server are counted, or those from it.
    after_bytes
        How many a connection may carry.
    spared
        How many connections may carry more before the first is cut.
    left
        How many are still cut; later ones are let be.
    cut
        How many were.
    """

    url: str
    direction: Literal["to", "from"] = "to"
    after_bytes: int = 0
    spared: int = 0
    left: int = 0
    cut: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def has_to_cut(self) -> bool:
        """Tell whether a connection that has carried more ends now, and count it."""
        with self._lock:
            if self.spared > 0:
                self.spared -= 1
                return False
            if self.left == 0:
                return False
            self.left -= 1
            self.cut += 1
            return True


@contextmanager
def cutting_proxy(endpoint: str) -> Iterator[CuttingProxy]:
    """Stand before ``endpoint``; cuts nothing until it is told to."""
    target = urlsplit(endpoint)
    assert target.hostname
    assert target.port
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = CuttingProxy(f"http://127.0.0.1:{listener.getsockname()[1]}")
        where = (target.hostname, target.port)
        threading.Thread(target=_accept, args=(listener, where, proxy), daemon=True).start()
        yield proxy


def _accept(listener: socket.socket, where: tuple[str, int], proxy: CuttingProxy) -> None:
    with contextlib.suppress(OSError):  # the listener was closed
        while True:
            client, _ = listener.accept()
            server = socket.create_connection(where)
            for source, sink, direction in ((client, server, "to"), (server, client, "from")):
                threading.Thread(target=_carry, args=(source, sink, direction, proxy), daemon=True).start()


def _carry(source: socket.socket, sink: socket.socket, direction: str, proxy: CuttingProxy) -> None:
    carried, is_judged = 0, False
    with contextlib.suppress(OSError):
        while data := source.recv(_CHUNK_BYTES):
            carried += len(data)
            if direction == proxy.direction and carried > proxy.after_bytes and not is_judged:
                is_judged = True
                if proxy.has_to_cut():
                    break
            sink.sendall(data)
    for side in (source, sink):
        with contextlib.suppress(OSError):
            side.shutdown(socket.SHUT_RDWR)
        side.close()
