"""How servers of the installation ask each other."""

import asyncio

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from catalyst_assets.own_servers import SERVER_KEEPS_SECONDS, client_of_own_server
from catalyst_assets_tests.integration.dash_app.serving import serving


async def told(request: Request) -> PlainTextResponse:
    """Answer by which connection the request came, and with which cookies; leave one."""
    assert request.client is not None
    answer = PlainTextResponse(f"{request.client.port} {request.cookies}")
    answer.set_cookie("catalyst_session", "of a visitor")
    return answer


def test_a_connection_is_used_again_at_once_but_not_when_the_server_may_be_closing_it() -> None:
    async def ask(url: str) -> list[str]:
        client = client_of_own_server(httpx.Timeout(20.0))
        said = []
        for pause in (0.0, 0.0, 2.2):
            await asyncio.sleep(pause)
            said.append((await client.get(url)).text)
        await client.aclose()
        return said

    with serving(Starlette(routes=[Route("/", told)])) as url:
        first, at_once, later = asyncio.run(ask(url))

    assert at_once == first
    assert later.split()[0] != first.split()[0]
    assert {said.split(maxsplit=1)[1] for said in (first, at_once, later)} == {"{}"}
    assert SERVER_KEEPS_SECONDS > 20
