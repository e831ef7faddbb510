"""How many requests work at once: as many as there are connections for; some wait, the others are told to come back.

A request comes to work once its body is here, and leaves when its answer is ready, so that slow clients keep nobody waiting.
"""

import asyncio
import math
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import IO, Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dash_app.api.problems import problem_response
from resources.postgres.database import MOST_CONNECTIONS

# Beside those who work, the health of the API is told and who reads files slowly is served.
_BESIDE: Final = 2
_MOST_WAITING: Final = 512
_MOST_SECONDS: Final = 30.0
# A larger body is kept on disk until its turn, and few of them come at a time.
_LARGE_BYTES: Final = 256 * 1024
_MOST_LARGE: Final = 2
_CHUNK_BYTES: Final = 64 * 1024
# Of a body: a client that sends nothing for so long has left.
_SILENCE_SECONDS: Final = 30.0
_LONGEST_RETRY: Final = 30


class BusyError(Exception):
    """More is asked than can wait."""


@dataclass
class Lane:
    """A bounded queue before a bounded number of workers.

    Attributes
    ----------
    working
        Most requests that work at once.
    waiting
        Most that wait.
    seconds
        Longest that one waits.
    """

    working: int
    waiting: int = _MOST_WAITING
    seconds: float = _MOST_SECONDS
    _inside: int = 0
    _mean_seconds: float = 0.05
    _places: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._places = asyncio.Semaphore(self.working)

    @property
    def is_full(self) -> bool:
        """Tell whether nobody else may wait."""
        return self._inside >= self.working + self.waiting

    @property
    def retry_after(self) -> int:
        """Seconds after which those who wait now should have been served."""
        queue = max(self._inside - self.working, 0)
        return min(max(math.ceil(queue * self._mean_seconds / self.working), 1), _LONGEST_RETRY)

    @asynccontextmanager
    async def queued(self) -> AsyncIterator[None]:
        """Count among those who wait or work.

        Raises
        ------
        BusyError
            The queue is full.
        """
        if self.is_full:
            raise BusyError
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1

    async def take(self) -> None:
        """Wait for a place.

        Raises
        ------
        BusyError
            None came free in time.
        """
        try:
            async with asyncio.timeout(self.seconds):
                await self._places.acquire()
        except TimeoutError:
            raise BusyError from None

    def leave(self, began: float) -> None:
        """Give a place back that was taken at ``began``, by the monotonic clock."""
        self._mean_seconds += 0.1 * (time.monotonic() - began - self._mean_seconds)
        self._places.release()


class Gate:
    """ASGI middleware that lets at most as many requests work as there are connections for.

    Parameters
    ----------
    app
        The API. None of its operations takes two connections at once.
    open_paths
        Paths within the API whose operations use no connection, or one of their own.
    own_lane
        Paths that are answered beside the queue, a few at a time: the supervisor asks there whether the API works.
    lane
        Of all others.
    """

    def __init__(
        self,
        app: ASGIApp,
        open_paths: frozenset[str] = frozenset(),
        own_lane: frozenset[str] = frozenset(),
        lane: Lane | None = None,
    ) -> None:
        self._app = app
        self._open_paths = open_paths
        self._own_paths = own_lane
        self._lane = lane or Lane(MOST_CONNECTIONS - _BESIDE)
        self._own_lane = Lane(_BESIDE)
        self._large = asyncio.Semaphore(_MOST_LARGE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"].removeprefix(scope.get("root_path", "")).rstrip("/")
        if path in self._open_paths:
            await self._app(scope, receive, send)
            return
        lane = self._own_lane if path in self._own_paths else self._lane
        try:
            async with lane.queued(), _Body(receive, self._large, lane.seconds) as body:
                await body.read()
                await self._work(lane, scope, body, send)
            return
        except ClientLeftError:
            return
        except SilentClientError:
            response = problem_response(408, "timeout", "The body did not come in time.", "Send it again.")
        except BusyError:
            response = problem_response(
                503, "busy", "More is asked at the moment than is answered.", "Send it again a little later."
            )
            response.headers["Retry-After"] = str(lane.retry_after)
        except _BodyRefusedError as error:
            response = problem_response(error.status, "too-large", error.message, "Send it in parts.")
        # What is left of the body is not read.
        response.headers["Connection"] = "close"
        await response(scope, receive, send)

    async def _work(self, lane: Lane, scope: Scope, body: "_Body", send: Send) -> None:
        await lane.take()
        began: float | None = time.monotonic()
        head: Message | None = None

        def leave() -> None:
            nonlocal began
            if began is not None:
                lane.leave(began)
                began = None

        async def send_and_leave(message: Message) -> None:
            nonlocal head
            if message["type"] == "http.response.start":
                head = message
                return
            if head is not None:
                # An answer that is complete needs no connection any more, however slowly it is taken.
                if not message.get("more_body", False):
                    leave()
                await send(head)
                head = None
            await send(message)

        try:
            await self._app(scope, body.receive, send_and_leave)
        finally:
            leave()


class ClientLeftError(Exception):
    """Nobody waits for an answer any more."""


class SilentClientError(Exception):
    """The rest of a body does not come."""


class _BodyRefusedError(Exception):
    """A body is larger than it may be."""

    def __init__(self, error: HTTPException) -> None:
        super().__init__(error.detail)
        self.status = error.status_code
        self.message = error.detail


class _Body:
    """A request's body, read before it is worked on; a large one waits on disk."""

    def __init__(self, receive: Receive, large: asyncio.Semaphore, seconds: float) -> None:
        self._receive = receive
        self._large = large
        self._seconds = seconds
        self._holds_large = False
        self._is_told = False
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(_LARGE_BYTES)  # noqa: SIM115 - __aexit__ closes it

    async def __aenter__(self) -> "_Body":
        return self

    async def __aexit__(self, *_: object) -> None:
        self._file.close()
        if self._holds_large:
            self._large.release()

    async def read(self) -> None:
        """Read all of it.

        Raises
        ------
        SilentClientError
            The client sends nothing more.
        BusyError
            It is large, and others are.
        ClientLeftError
            The client closed the connection.
        """
        size = 0
        while True:
            try:
                async with asyncio.timeout(_SILENCE_SECONDS):
                    message = await self._receive()
            except TimeoutError:
                raise SilentClientError from None
            except HTTPException as error:
                raise _BodyRefusedError(error) from None
            if message["type"] == "http.disconnect":
                raise ClientLeftError
            size += self._file.write(message.get("body", b""))
            if size > _LARGE_BYTES and not self._holds_large:
                await self._take_large()
            if not message.get("more_body", False):
                break
        self._file.seek(0)

    async def receive(self) -> Message:
        """Give it to the application part by part, then what comes from the client after it."""
        if self._is_told:
            return await self._receive()
        part = self._file.read(_CHUNK_BYTES)
        self._is_told = len(part) < _CHUNK_BYTES
        return {"type": "http.request", "body": part, "more_body": not self._is_told}

    async def _take_large(self) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                await self._large.acquire()
        except TimeoutError:
            raise BusyError from None
        self._holds_large = True
