"""No body of a request is larger than its path allows."""

import json
from collections.abc import Callable
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyLimit:
    """ASGI middleware that refuses larger bodies before they are read, or where they turn out to be larger.

    Parameters
    ----------
    app
        What it stands before; it answers the `HTTPException` that its reading may meet.
    most
        Most bytes below a path.
    """

    def __init__(self, app: ASGIApp, most: Callable[[str], int]) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._most(scope["path"])
        told = Headers(scope=scope).get("content-length", "0")
        if told.isdigit() and int(told) > most:
            await _refuse(send, most)
            return
        taken = 0

        async def receive_some() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > most:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, explain(most))
            return message

        await self._app(scope, receive_some, send)


def explain(most: int) -> str:
    """Say how large a body may be."""
    return f"The body is larger than {most:,} bytes, which is the most that is taken here."


async def _refuse(send: Send, most: int) -> None:
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    problem = {
        "type": "urn:catalyst:problem:too-large",
        "title": status.phrase,
        "status": status,
        "detail": explain(most),
        "remedy": "Send it in parts; CATALYST_MAX_REQUEST_BYTES and CATALYST_MAX_UPLOAD_BYTES set the limits.",
        "errors": [],
    }
    body = json.dumps(problem).encode()
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
