"""How long a change takes from its commit until a subscriber of the API has it."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from queue import Queue
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urlsplit

from catalyst_assets.bench.api.clients import PREFIX
from catalyst_assets.bench.api.pool import CAMPAIGN
from catalyst_assets.errors import CatalystError
from resources.postgres.database import Role, fetch_one

if TYPE_CHECKING:
    from resources.postgres.database import Database

_KIND: Final = "notice.raised"
_PATIENCE_SECONDS: Final = 30.0


def hear_changes(database: "Database", url: str, token: str, times: int) -> Iterator[float]:
    """Make a change so many times, and yield the seconds until each was heard.

    Raises
    ------
    CatalystError
        The API refuses to tell.
    """
    heard: Queue[tuple[float, str]] = Queue()
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=_PATIENCE_SECONDS)
    query = urlencode({"kind": _KIND, "campaign": CAMPAIGN})
    connection.request("GET", f"{PREFIX}/events?{query}", headers={"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    if answer.status != http.client.OK:
        raise CatalystError(f"GET /events was answered {answer.status}: {answer.read(500).decode()}.", "")

    def listen() -> None:
        try:
            while line := answer.readline():
                if line.startswith(b"event: connected"):
                    heard.put((time.perf_counter(), ""))
                elif line.startswith(b"data: ") and len(line) > len(b"data: {}\n"):
                    heard.put((time.perf_counter(), str(json.loads(line[6:])["message"])))
        except (OSError, ValueError, http.client.HTTPException):
            return  # the connection was closed: nothing more is waited for

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    heard.get(timeout=_PATIENCE_SECONDS)
    for number in range(times):
        message = f"bench {time.time_ns()} {number}"
        with database.transaction(Role.PIPELINE) as writing:
            fetch_one(
                writing,
                "loop/notices/raise",
                campaign=CAMPAIGN,
                kind="stalled",
                subject="bench",
                message=message,
                remedy="",
            )
        committed = time.perf_counter()
        at, said = heard.get(timeout=_PATIENCE_SECONDS)
        while said != message:
            at, said = heard.get(timeout=_PATIENCE_SECONDS)
        yield max(at - committed, 0.0)
    if connection.sock is not None:
        # Who reads from it is told that there is no more.
        connection.sock.shutdown(socket.SHUT_RDWR)
    listener.join(_PATIENCE_SECONDS)
    connection.close()
