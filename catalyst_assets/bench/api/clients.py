"""Several clients that ask an API at once, and how long each answer took."""

import http.client
import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import numpy as np

from catalyst_assets.errors import CatalystError

PREFIX: Final = "/api/v1"
_TIMEOUT_SECONDS: Final = 120.0
_IDLE_SECONDS: Final = 2.0

Query = dict[str, Any]


@dataclass(frozen=True)
class Endpoint:
    """A request in as many variants as clients are to send.

    Attributes
    ----------
    indexed
        Whether an index answers it; else a filter that nobody foresaw.
    """

    name: str
    paths: tuple[str, ...]
    indexed: bool = True


@dataclass(frozen=True)
class Latency:
    """How long answers took, in milliseconds."""

    p50_ms: float
    p95_ms: float
    longest_ms: float
    n: int


class Client:
    """A connection that is kept, as a browser or a notebook keeps it."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.netloc, timeout=_TIMEOUT_SECONDS)
        self._headers = {"Authorization": f"Bearer {token}"}
        self._used = time.monotonic()

    def get(self, path: str) -> bytes:
        """Return the body of an answer.

        Raises
        ------
        CatalystError
            It is no 200.
        """
        if time.monotonic() - self._used > _IDLE_SECONDS:
            self._connection.close()  # the server closes what is idle; the next request connects again
        self._connection.request("GET", PREFIX + path, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        self._used = time.monotonic()
        if answer.status != http.client.OK:
            raise CatalystError(f"GET {path} was answered {answer.status}: {body[:500].decode()}.", "")
        return body

    def get_json(self, path: str) -> Any:
        """Return what an answer holds."""
        return json.loads(self.get(path))


def path_of(path: str, **query: Any) -> str:
    """Return a path with its query."""
    return f"{path}?{urlencode(query, doseq=True)}" if query else path


def summarise(seconds: Sequence[float]) -> Latency:
    """Return percentiles of some seconds."""
    milliseconds = np.array(seconds) * 1000
    return Latency(
        p50_ms=round(float(np.percentile(milliseconds, 50)), 1),
        p95_ms=round(float(np.percentile(milliseconds, 95)), 1),
        longest_ms=round(float(milliseconds.max()), 1),
        n=len(milliseconds),
    )


def ask(url: str, token: str, paths: Sequence[str], clients: int) -> list[float]:
    """Let clients share some requests, each sending its next one when it has its answer; return every one's seconds."""
    waiting, seconds, failed = list(paths), list[float](), list[BaseException]()
    lock = threading.Lock()

    def work() -> None:
        client = Client(url, token)
        try:
            while True:
                with lock:
                    if not waiting or failed:
                        return
                    path = waiting.pop()
                began = time.perf_counter()
                client.get(path)
                taken = time.perf_counter() - began
                with lock:
                    seconds.append(taken)
        except (OSError, http.client.HTTPException, CatalystError) as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return seconds
