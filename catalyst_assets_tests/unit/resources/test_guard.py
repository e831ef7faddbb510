"""The guard as a client meets it, before an application that answers whatever it is asked."""

import asyncio
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from resources.settings import load_settings
from resources.web.guard import Guard, Hosts, explain_reach


class Client:
    """Asks a server in this process, as `httpx` does."""

    def __init__(self, server: Guard) -> None:
        self._server = server

    def request(self, method: str, path: str, **content: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self._server)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost:3000") as client:
                return await client.request(method, path, **content)

        return asyncio.run(ask())

    def get(self, path: str, **content: Any) -> httpx.Response:
        return self.request("GET", path, **content)

    def post(self, path: str, **content: Any) -> httpx.Response:
        return self.request("POST", path, **content)

    def websocket(self, path: str, *, extended: bool = True, **headers: str) -> list[dict[str, Any]]:
        """Return what the server sends to one who opens a WebSocket and says nothing."""
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "websocket.connect"}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "websocket",
            "path": path,
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "extensions": {"websocket.http.response": {}} if extended else {},
        }
        asyncio.run(self._server(scope, receive, send))
        return sent


def guarded(**settings: object) -> Client:
    """Return a client of a guarded server."""

    async def answer(_: Request) -> PlainTextResponse:
        return PlainTextResponse("done")

    async def talk(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text("done")
        await websocket.close()

    routes = [Route("/{path:path}", answer, methods=["GET", "POST"]), WebSocketRoute("/graphql", talk)]
    hosts = Hosts.of(load_settings(**settings))
    return Client(Guard(Starlette(routes=routes), hosts))


@pytest.fixture
def client() -> Client:
    return guarded()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"host": "127.0.0.1:3000"},
        {"host": "[::1]:3000", "origin": "http://[::1]:3000"},
        {"origin": "http://localhost:3000", "sec-fetch-site": "same-origin"},
        {"host": "LOCALHOST.:3000"},
    ],
)
def test_its_own_pages_and_programs_are_answered(client: Client, headers: dict[str, str]) -> None:
    assert client.post("/start", headers=headers).text == "done"


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "10.evil.example", "evil@localhost", "localhost/x", "192.0.2.1", ":80", "localhost:port"],
)  # fmt: skip
def test_a_host_that_is_not_ours_is_refused_in_words(client: Client, host: str) -> None:
    refused = client.get("/", headers={"host": host})
    assert refused.status_code == 403
    assert f"does not go by the name {host!r}" in refused.text
    assert "CATALYST_ALLOWED_HOSTS" in refused.text


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:8050"},
        {"origin": "https://localhost:3000.evil.example"},
        {"origin": "file://"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"},
        {"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "empty"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"},
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_another_origin_starts_nothing(client: Client, method: str, headers: dict[str, str]) -> None:
    refused = client.request(method, "/start", headers=headers)
    assert refused.status_code == 403
    assert "may neither read nor start anything here" in refused.text


def test_a_link_from_elsewhere_is_followed_but_a_form_is_not(client: Client) -> None:
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    page = client.get("/runs", headers=link)
    assert page.text == "done"
    assert page.headers["x-frame-options"] == "SAMEORIGIN"
    assert client.post("/runs", headers=link).status_code == 403


def test_graphql_is_asked_only_as_no_link_or_form_can_ask(client: Client) -> None:
    asked = {"query": "mutation { launch }"}
    assert client.get("/graphql", params=asked).status_code == 405
    assert client.get("/graphql/", params=asked).status_code == 405
    assert client.get("/graphql").text == "done"
    assert client.post("/graphql", params=asked).status_code == 415
    assert client.post("/graphql", data=asked).status_code == 415
    refused = client.post("/graphql", content='{"query": "mutation"}', headers={"content-type": "text/plain"})
    assert (refused.status_code, "application/json" in refused.text) == (415, True)
    assert client.post("/graphql", json=asked).text == "done"


def test_a_web_socket_is_opened_for_its_own_pages_only(client: Client) -> None:
    opened = client.websocket("/graphql", host="localhost:3000", origin="http://localhost:3000")
    assert [message["type"] for message in opened][:2] == ["websocket.accept", "websocket.send"]
    for headers in ({"host": "localhost:3000", "origin": "http://evil.example"}, {"host": "evil.example"}):
        start, body = client.websocket("/graphql", **headers)
        assert (start["type"], start["status"]) == ("websocket.http.response.start", 403)
        assert b"CATALYST_ALLOWED_HOSTS" in body["body"]
        closed = client.websocket("/graphql", extended=False, **headers)
        assert [(message["type"], message["code"]) for message in closed] == [("websocket.close", 1008)]


def test_a_proxy_that_is_named_is_believed_and_no_other() -> None:
    client = guarded(allowed_hosts="Catalyst.example, lab.example:8443")
    for host, origin in [
        ("catalyst.example", "https://catalyst.example"),
        ("lab.example:8443", "https://lab.example:8443"),
        ("localhost:3000", "https://catalyst.example"),
        ("127.0.0.1:3000", "https://lab.example:8443"),
    ]:
        assert client.post("/start", headers={"host": host, "origin": origin}).text == "done"
    for host, origin in [
        ("localhost:3000", "https://catalyst.example:9"),
        ("localhost:3000", "https://lab.example"),
        ("other.example", "https://other.example"),
    ]:
        assert client.post("/start", headers={"host": host, "origin": origin}).status_code == 403


def test_a_server_for_everybody_goes_by_addresses_but_by_no_name_that_can_be_rebound() -> None:
    client = guarded(host="0.0.0.0")  # noqa: S104
    assert client.get("/", headers={"host": "192.0.2.1:3000"}).text == "done"
    assert client.get("/", headers={"host": "evil.example"}).status_code == 403
    named = guarded(host="lab-server")
    assert named.get("/", headers={"host": "lab-server:3000"}).text == "done"


def test_binding_more_than_this_machine_is_warned_of() -> None:
    assert [explain_reach(host) for host in ("127.0.0.1", "localhost", "::1")] == [None, None, None]
    assert "every network" in (explain_reach("0.0.0.0") or "")  # noqa: S104 - not bound
    assert "the network of 10.0.0.7" in (explain_reach("10.0.0.7") or "")
