"""The gate before the API: bounded work, a bounded queue, and slow clients that keep nobody waiting."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from dash_app.api.door import gate
from dash_app.api.door.gate import Gate, Lane


class Work:
    """An application whose requests work until they are let go, and note how many did at once."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self.done = asyncio.Event()
        self.app = Starlette(routes=[Route("/{path:path}", self.answer, methods=["GET", "POST"])])

    async def answer(self, request: Request) -> Response:
        self.now += 1
        self.most = max(self.most, self.now)
        await self.done.wait()
        self.now -= 1
        return Response(await request.body())


async def settle() -> None:
    for _ in range(200):
        await asyncio.sleep(0)


def client_of(app: Callable[[Scope, Receive, Send], Awaitable[None]]) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


def test_as_many_work_as_may_some_wait_and_the_others_are_told_when_to_come_back() -> None:
    async def run() -> None:
        work = Work()
        async with client_of(Gate(work.app, lane=Lane(working=2, waiting=3))) as client:
            asked = [asyncio.create_task(client.get("/x")) for _ in range(9)]
            await settle()
            assert work.now == 2
            refused = [task.result() for task in asked if task.done()]
            work.done.set()
            served = [answer for answer in await asyncio.gather(*asked) if answer.status_code == 200]
            assert (len(served), work.most) == (5, 2)
            assert [answer.status_code for answer in refused] == [503] * 4
            assert {answer.headers["content-type"] for answer in refused} == {"application/problem+json"}
            assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
            assert (await client.get("/x")).status_code == 200

    asyncio.run(run())


def test_who_waits_too_long_is_told_to_come_back() -> None:
    async def run() -> None:
        work = Work()
        async with client_of(Gate(work.app, lane=Lane(working=1, waiting=3, seconds=0.01))) as client:
            first = asyncio.create_task(client.get("/x"))
            await settle()
            assert (await client.get("/x")).status_code == 503
            work.done.set()
            assert (await first).status_code == 200

    asyncio.run(run())


def test_health_is_told_while_everybody_waits_and_open_paths_are_not_counted() -> None:
    async def run() -> None:
        work = Work()
        gated = Gate(work.app, frozenset({"/events"}), frozenset({"/health"}), Lane(working=1, waiting=0))
        async with client_of(gated) as client:
            paths = ["/x", "/health", "/health", "/events", "/events", "/events"]
            asked = [asyncio.create_task(client.get(path)) for path in paths]
            await settle()
            assert work.now == 6
            assert (await client.get("/x")).status_code == 503
            work.done.set()
            assert {answer.status_code for answer in await asyncio.gather(*asked)} == {200}

    asyncio.run(run())


def test_a_body_that_comes_slowly_holds_no_place() -> None:
    async def run() -> None:
        work = Work()
        work.done.set()
        rest = asyncio.Event()

        async def slow() -> AsyncIterator[bytes]:
            yield b"a" * 1000
            await rest.wait()
            yield b"b" * 300_000

        async with client_of(Gate(work.app, lane=Lane(working=1, waiting=1))) as client:
            sending = asyncio.create_task(client.post("/x", content=slow()))
            await settle()
            assert (await client.post("/x", content=b"quick")).content == b"quick"
            rest.set()
            assert (await sending).content == b"a" * 1000 + b"b" * 300_000

    asyncio.run(run())


def test_a_client_that_falls_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        work = Work()
        work.done.set()

        async def stuck() -> AsyncIterator[bytes]:
            yield b"a"
            await asyncio.sleep(10)

        async with client_of(Gate(work.app, lane=Lane(working=1, waiting=0))) as client:
            answer = await client.post("/x", content=stuck())
            assert (answer.status_code, answer.headers["connection"]) == (408, "close")
            assert (await client.get("/x")).status_code == 200

    monkeypatch.setattr(gate, "_SILENCE_SECONDS", 0.01)
    asyncio.run(run())


def test_an_answer_that_is_complete_is_taken_as_slowly_as_the_client_likes() -> None:
    async def run() -> None:
        work = Work()
        work.done.set()
        taken = asyncio.Event()

        async def receive() -> dict[str, object]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def slow_send(_: object) -> None:
            await taken.wait()

        gated = Gate(work.app, lane=Lane(working=1, waiting=0))
        scope = {"type": "http", "method": "GET", "path": "/x", "headers": [], "query_string": b""}
        reading = asyncio.create_task(gated(scope, receive, slow_send))  # type: ignore[arg-type]
        await settle()
        second = asyncio.create_task(gated(dict(scope), receive, slow_send))  # type: ignore[arg-type]
        await settle()
        taken.set()
        await asyncio.gather(reading, second)
        assert work.most == 1
        async with client_of(gated) as client:
            assert (await client.get("/x")).status_code == 200

    asyncio.run(run())
