"""The socket that an application's processes share."""

import socket
from contextlib import closing

from resources.web.workers import bind


def test_connections_send_at_once_what_is_written() -> None:
    with closing(bind("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        with closing(connection):
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
