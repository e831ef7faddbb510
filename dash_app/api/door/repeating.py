"""A request whose transaction met another one, so that PostgreSQL gave it up, is worked on once more.

Nothing of it was written, and the other is through by then: https://www.postgresql.org/docs/current/mvcc-serialization-failure-handling.html.
"""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dash_app.api.problems import MAY_BE_REPEATED

# A larger body is not kept for it: its sender is told to send it again.
_MOST_KEPT_BYTES: Final = 1024 * 1024


class RepeatOnce:
    """ASGI middleware that repeats such a request before anything of its answer is sent.

    Parameters
    ----------
    app
        What it stands before: each operation is one transaction.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        body = _Kept(receive)
        is_dropped = False

        async def send_unless_repeated(message: Message) -> None:
            nonlocal is_dropped
            if message["type"] == "http.response.start":
                is_dropped = state.pop(MAY_BE_REPEATED, False) and body.is_whole
            if not is_dropped:
                await send(message)

        await self._app(scope, body.receive, send_unless_repeated)
        if is_dropped:
            await self._app(scope, body.repeat(), send)


class _Kept:
    """A request's body, kept while it is read."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._messages: list[Message] = []
        self._n_bytes = 0

    @property
    def is_whole(self) -> bool:
        """Tell whether all that was read is still here."""
        return self._n_bytes <= _MOST_KEPT_BYTES

    async def receive(self) -> Message:
        """Hand on what comes."""
        message = await self._receive()
        self._n_bytes += len(message.get("body", b""))
        if self.is_whole:
            self._messages.append(message)
        else:
            self._messages.clear()
        return message

    def repeat(self) -> Receive:
        """Return what hands on the same again, then what comes after it."""
        messages = iter(self._messages)

        async def receive() -> Message:
            kept = next(messages, None)
            return await self._receive() if kept is None else kept

        return receive
