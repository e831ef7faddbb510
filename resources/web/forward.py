"""Passing requests on to the API, as they come and as it answers: bodies are never held whole, streams stay open."""

import json
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Final

import anyio
import httpx
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from catalyst_assets.own_servers import client_of_own_server
from resources.web.asking import AskingFor

# https://www.rfc-editor.org/rfc/rfc9110#name-message-forwarding
_HOP_BY_HOP: Final = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding",
     "upgrade", "expect"}
)  # fmt: skip

# This server says these itself.
_OWN: Final = frozenset({"date", "server"})


def forward(api_url: str, asking: AskingFor) -> ASGIApp:
    """Return an application that has the API at ``api_url`` answer, and tells it for whom it asks."""
    # Streams stay open for as long as they are listened to, and how many requests come at once the API's gate decides.
    client = client_of_own_server(httpx.Timeout(None, connect=5.0), max_connections=None)
    kept_back = _HOP_BY_HOP | asking.dropped

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        sent = [
            (name, value) for name, value in headers.raw if name.decode("latin-1").lower() not in kept_back
        ]
        sent += [
            (name.encode(), value.encode()) for name, value in asking.headers(asking.read(scope)).items()
        ]
        raw = scope.get("raw_path") or scope["path"].encode()
        url = httpx.URL(api_url).copy_with(raw_path=raw.partition(b"?")[0] + _query(scope))
        finished = anyio.Event()
        has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
        if not has_body:
            finished.set()
        body = _body(receive, finished) if has_body else None
        request = httpx.Request(
            "HEAD" if scope.get("is_head") else scope["method"], url, headers=sent, content=body
        )
        refusal: HTTPException | None = None

        async with anyio.create_task_group() as group:

            async def watch() -> None:
                await finished.wait()
                while (await receive())["type"] != "http.disconnect":
                    pass
                group.cancel_scope.cancel()

            group.start_soon(watch)
            try:
                await _pass_on(client, request, send)
            except HTTPException as error:
                refusal = error
            except httpx.ConnectError:
                refusal = HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, "The API does not answer.")
            group.cancel_scope.cancel()
        if refusal is not None:
            await _refuse(send, refusal)

    return app


async def _pass_on(client: httpx.AsyncClient, request: httpx.Request, send: Send) -> None:
    response = await client.send(request, stream=True)
    try:
        headers = [
            pair
            for pair in response.headers.raw
            if pair[0].decode("latin-1").lower() not in _HOP_BY_HOP | _OWN
        ]
        await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        async for chunk in response.aiter_raw():
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        await response.aclose()


async def _body(receive: Receive, finished: anyio.Event) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        more = message.get("more_body", False)
        yield message.get("body", b"")
    finished.set()


def _query(scope: Scope) -> bytes:
    query: bytes = scope.get("query_string", b"")
    return b"?" + query if query else b""


async def _refuse(send: Send, error: HTTPException) -> None:
    too_large = error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    problem = {
        "type": f"urn:catalyst:problem:{'too-large' if too_large else 'unavailable'}",
        "title": HTTPStatus(error.status_code).phrase,
        "status": error.status_code,
        "detail": error.detail,
        "remedy": "Send it in parts."
        if too_large
        else "Look whether `catalyst up` still runs, then try again.",
        "errors": [],
    }
    body = json.dumps(problem).encode()
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
    headers += [] if too_large else [(b"retry-after", b"2")]
    await send({"type": "http.response.start", "status": error.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": body})
