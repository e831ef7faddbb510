"""`Idempotency-Key`: a request that is sent again is answered as it was, and does nothing again.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/. A key belongs to who sends it and is kept for a
week. Only answers of success are kept: what was refused changed nothing, and may be corrected under the same key.
"""

import asyncio
import hashlib
import json
import re
from typing import Any, Final
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dash_app.api.problems import problem_response
from resources.postgres.database import Database, Role, Row, execute, fetch_one

# Of users and tokens nothing is kept: their answers hold secrets.
HONOURED_BELOW: Final = ("/results", "/candidates", "/attachments", "/campaigns", "/materials", "/runs")

_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
_MOST_KEPT_BYTES: Final = 4 * 1024 * 1024
_KEPT_HEADERS: Final = frozenset({"content-type", "etag", "location"})


class Idempotency:
    """ASGI middleware that answers a writing request once for each key of its sender.

    Parameters
    ----------
    app
        What it stands before; it writes in a transaction of its own, after this one's.
    database
        Keeps keys, as the role of the app.
    """

    def __init__(self, app: ASGIApp, database: Database) -> None:
        self._app = app
        self._database = database

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        key = _key_of(scope)
        if key is None:
            await self._app(scope, receive, send)
            return
        if _KEY.fullmatch(key) is None:
            refused = problem_response(
                422,
                "invalid-request",
                "Idempotency-Key: has to be 1 to 255 visible characters of ASCII.",
                "Make a UUID for each request.",
            )
            await refused(scope, receive, send)
            return
        body = await _read(receive)
        claim = {"actor": _sender(scope), "key": key}
        held = await asyncio.to_thread(self._claim, claim, _fingerprint(scope, body))
        if held is None:
            await self._answer(scope, body, receive, send, claim)
        else:
            await _again(held, key)(scope, receive, send)

    def _claim(self, claim: dict[str, str], fingerprint: str) -> Row | None:
        """Take the key; return what is held where it was taken before."""
        with self._database.transaction(Role.APP) as connection:
            while fetch_one(connection, "app/door/claim_key", **claim, fingerprint=fingerprint) is None:
                # A statement of its own: that one does not see a row which it waited for.
                held = fetch_one(connection, "app/door/held_key", **claim)
                if held is not None:  # else it was given back in between
                    return held | {"is_same": held["fingerprint"] == fingerprint}
        return None

    async def _answer(
        self, scope: Scope, body: bytes, receive: Receive, send: Send, claim: dict[str, str]
    ) -> None:
        replay = _replaying(body, receive)
        head: Message | None = None
        parts: list[bytes] = []
        is_complete = False

        async def hold_back(message: Message) -> None:
            nonlocal head, is_complete
            if message["type"] == "http.response.start":
                head = message
            else:
                parts.append(message.get("body", b""))
                is_complete = not message.get("more_body", False)

        try:
            await self._app(scope, replay, hold_back)
        finally:
            answer = b"".join(parts)
            is_kept = (
                head is not None
                and is_complete
                and 200 <= head["status"] < 300
                and len(answer) <= _MOST_KEPT_BYTES
            )
            await asyncio.to_thread(self._settle, claim, head if is_kept else None, answer)
        if head is not None:
            await send(head)
            await send({"type": "http.response.body", "body": answer})

    def _settle(self, claim: dict[str, str], head: Message | None, body: bytes) -> None:
        with self._database.transaction(Role.APP) as connection:
            if head is None:
                execute(connection, "app/door/release_key", **claim)
                return
            headers = {
                name: value for name, value in Headers(raw=head["headers"]).items() if name in _KEPT_HEADERS
            }
            execute(
                connection,
                "app/door/keep_answer",
                **claim,
                status=head["status"],
                headers=json.dumps(headers),
                body=body,
            )


def _key_of(scope: Scope) -> str | None:
    if scope["type"] != "http" or scope["method"] != "POST":
        return None
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    is_honoured = any(path == known or path.startswith(f"{known}/") for known in HONOURED_BELOW)
    is_preview = parse_qs(scope["query_string"].decode("latin-1")).get("preview", ["false"])[-1].lower()
    if not is_honoured or is_preview not in ("false", "0", "off", "no", "f", "n"):
        return None
    return Headers(scope=scope).get("idempotency-key")


def _sender(scope: Scope) -> str:
    return str(getattr(scope.get("state", {}).get("person"), "name", ""))


def _fingerprint(scope: Scope, body: bytes) -> str:
    """Hash what was asked; the boundary of a form is another one each time."""
    headers = Headers(scope=scope)
    kind = headers.get("content-type", "")
    boundary = re.search(r'boundary="?([^";]+)', kind)
    if boundary is not None:
        body = body.replace(boundary[1].encode("latin-1"), b"")
        kind = kind.partition(";")[0]
    asked = [scope["method"], scope["path"], scope["query_string"].decode("latin-1"), kind]
    return hashlib.sha256(json.dumps([*asked, headers.get("if-match")]).encode() + body).hexdigest()


def _again(held: Row, key: str) -> Response:
    if not held["is_same"]:
        return problem_response(
            422,
            "key-reused",
            f"Idempotency-Key: {key} came with another request before.",
            "Make a new key for each request; the same request again keeps its key.",
        )
    if held["status"] is None:
        busy = problem_response(
            409, "in-progress", "The same request is being worked on.", "Send it again in a moment."
        )
        busy.headers["Retry-After"] = "1"
        return busy
    headers: dict[str, Any] = held["headers"]
    return Response(bytes(held["body"]), held["status"], {**headers, "Idempotency-Replayed": "true"})


async def _read(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return b"".join(parts)


def _replaying(body: bytes, receive: Receive) -> Receive:
    is_told = False

    async def replay() -> Message:
        nonlocal is_told
        if is_told:
            return await receive()
        is_told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
