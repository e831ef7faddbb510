"""HTTP as outside sources need it: what is transient is asked again with growing pauses, until a deadline.

Transient are a connection that fails, stalls or ends too early, the statuses 429 and 5xx, and a reply with
status 200 that is not JSON (services put their maintenance pages there). Everything else fails at once.
"""

import json
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import httpx
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
    wait_exponential_jitter,
)

from catalyst_assets.errors import SourceError
from catalyst_assets.ingestion.progress import say

LARGEST_REPLY_BYTES: Final = 256 * 1024**2
_TRANSIENT_STATUSES: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_REFUSALS: Final = frozenset({401, 403})
_PERMANENT_ERRORS: Final = (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.TooManyRedirects)
_LONGEST_PAUSE_SECONDS: Final = 60.0
_AGENT: Final = "catalyst-discovery"
_Answer = TypeVar("_Answer")


class TransientError(Exception):
    """Worth asking again; ``pause`` is what the server asked for, in seconds, ``is_general`` as of a SourceError."""

    def __init__(self, reason: str, pause: float = 0.0, *, is_general: bool = False) -> None:
        super().__init__(reason)
        self.pause = pause
        self.is_general = is_general


class Fetcher:
    """Asks over one pool of connections, with patience.

    Parameters
    ----------
    deadline_seconds
        A reply is given up this long after it was first asked for, whatever the server promises.
    attempts
        Most requests for one reply.
    timeout_seconds
        Longest silence of a connection.
    sleep
        What pauses between two attempts.
    """

    def __init__(
        self,
        deadline_seconds: float = 600.0,
        attempts: int = 6,
        timeout_seconds: float = 60.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._deadline = deadline_seconds
        self._attempts = attempts
        self._sleep = sleep
        self._client = httpx.Client(
            timeout=timeout_seconds, follow_redirects=True, headers={"User-Agent": _AGENT}
        )

    def __enter__(self) -> "Fetcher":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get_json(self, url: str, attempts: int | None = None) -> tuple[bytes, Any]:
        """Return a reply as received, and what it says; ``attempts`` as of :meth:`persist`.

        Raises
        ------
        SourceError
            The server refuses, or answers nothing usable before the deadline.
        """
        return self.persist(url, lambda deadline: self._ask_json(url, deadline), attempts)

    def persist(self, url: str, ask: Callable[[float], _Answer], attempts: int | None = None) -> _Answer:
        """Return what ``ask`` does, called again as long as it raises a TransientError and there is time.

        Parameters
        ----------
        ask
            Is told the moment, on the monotonic clock, by which it must be done.
        attempts
            Most requests, if fewer than usual.

        Raises
        ------
        SourceError
            There was no usable answer before the deadline.
        """
        retrying = Retrying(
            retry=retry_if_exception_type(TransientError),
            wait=self._pause,
            stop=stop_after_attempt(min(attempts or self._attempts, self._attempts))
            | stop_after_delay(self._deadline),
            sleep=self._sleep,
            before_sleep=lambda state: self._tell(url, state),
            reraise=True,
        )
        try:
            return retrying(ask, time.monotonic() + self._deadline)
        except TransientError as error:
            raise SourceError(
                f"{url} gives no usable answer: {error}.",
                "Try again later: what was fetched so far is kept, and the refresh goes on from there.",
                is_transient=True,
                is_general=error.is_general,
            ) from None

    @contextmanager
    def open(
        self, url: str, method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> Iterator[httpx.Response]:
        """Send one request; the body is read within the block.

        Raises
        ------
        TransientError
            The connection fails, stalls or ends too early, in the block too.
        SourceError
            The address cannot be asked.
        """
        try:
            with self._client.stream(method, url, headers=headers) as response:
                yield response
        except _PERMANENT_ERRORS as error:
            raise SourceError(f"{url} cannot be asked: {error}.", "Correct the address.") from None
        except httpx.RequestError as error:
            reason = str(error) or type(error).__name__
            raise TransientError(reason, is_general=isinstance(error, httpx.ConnectError)) from None

    def _tell(self, url: str, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        again = (
            f"asked again in {state.upcoming_sleep:.0f} s ({state.attempt_number + 1} of {self._attempts})"
        )
        say(f"{urlsplit(url).netloc}: {error}; {again}")

    def _pause(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.pause if isinstance(error, TransientError) else 0.0
        own = wait_exponential_jitter(initial=1.0, max=_LONGEST_PAUSE_SECONDS)(state)
        return min(max(asked, own), self._deadline)

    def _ask_json(self, url: str, deadline: float) -> tuple[bytes, Any]:
        with self.open(url) as response:
            require_success(response)
            body = read_body(response.iter_bytes(), deadline, f"The reply of {response.url}", "pages")
        return body, decode_json(body, json.loads)


def require_success(response: httpx.Response, accepted: Collection[int] = (httpx.codes.OK,)) -> None:
    """Raise what a status means that is not ``accepted``.

    Raises
    ------
    TransientError
        It may be another one later.
    SourceError
        The server refuses.
    """
    if response.status_code in _TRANSIENT_STATUSES:
        reason = f"status {response.status_code}"
        is_general = response.status_code == httpx.codes.TOO_MANY_REQUESTS
        raise TransientError(reason, _retry_after(response), is_general=is_general)
    if response.status_code not in accepted:
        detail = " ".join(response.read()[:300].decode("utf-8", "replace").split())
        raise SourceError(
            f"{response.url} answers with status {response.status_code}: {detail}",
            "Check the address, the filter and the access rights; asking again would not help.",
            is_general=response.status_code in _REFUSALS,
        )


def read_body(chunks: Iterable[bytes], deadline: float, what: str, parts: str) -> bytes:
    """Return a reply that comes in chunks.

    Parameters
    ----------
    deadline
        On the monotonic clock.
    what, parts
        What messages call the reply, and what is to be asked for in smaller ones.

    Raises
    ------
    SourceError
        It is too large.
    TransientError
        It is still coming at the deadline.
    """
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > LARGEST_REPLY_BYTES:
            raise SourceError(
                f"{what} is larger than {LARGEST_REPLY_BYTES} bytes.", f"Ask for smaller {parts}."
            )
        if time.monotonic() > deadline:
            raise TransientError("the reply was still coming when its time was over")
    return bytes(body)


def decode_json(body: bytes, loads: Callable[[bytes], Any]) -> Any:
    """Return what a reply says.

    Raises
    ------
    TransientError
        It is not JSON: services put their maintenance pages in its place.
    """
    try:
        return loads(body)
    except ValueError:
        shown = " ".join(body[:80].decode("utf-8", "replace").split())
        raise TransientError(f"the reply is not JSON but {shown!r}") from None


def _retry_after(response: httpx.Response) -> float:
    try:
        return max(0.0, float(response.headers.get("Retry-After", "0")))
    except ValueError:  # a date: our own pauses will do
        return 0.0
