"""`/sign-in` and `/sign-out`: forms that need no script, and the link that signs in by being opened."""

import re
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import parse_qs

import httpx
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup, escape

from dash_app.client import ApiClient, ApiError, explain
from dash_app.people_contract import Visitor
from resources.settings import Settings
from resources.web.sign_in import SIGN_IN_PATH, come_again, own_address

_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=select_autoescape()
)
_LARGEST_FORM: Final = 20_000


def _with_commands(text: str) -> Markup:
    """Write what stands between backquotes as code."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped before


_TEMPLATES.filters["with_commands"] = _with_commands


def sign_in_pages(client: ApiClient, settings: Settings) -> APIRouter:
    """Return the routes; whoever is answered by them is a stranger still."""
    router = APIRouter(include_in_schema=False)

    @router.get(SIGN_IN_PATH)
    async def show(
        request: Request,
        link: Annotated[str, Query(max_length=500)] = "",
        next: Annotated[str, Query(max_length=2000)] = "/",  # noqa: A002 - as everywhere on the web
    ) -> Response:
        """Show the form; a link signs in at once, but not where it is only fetched ahead of time."""
        target = own_address(next, request.headers.get("host", ""), settings)
        if link:
            if request.scope.get("is_head") or _is_ahead_of_time(request):
                return Response(status_code=HTTPStatus.NO_CONTENT, headers={"Cache-Control": "no-store"})
            return await _sign_in(client, {"link": link}, target)
        try:
            await client.get(Visitor, "/session")
        except ApiError as error:
            unreachable = error if error.status != HTTPStatus.UNAUTHORIZED else None
            status = HTTPStatus.SERVICE_UNAVAILABLE if unreachable else HTTPStatus.OK
            return _form(target, error=unreachable, status=status)
        return RedirectResponse(target, HTTPStatus.SEE_OTHER)

    @router.post(SIGN_IN_PATH)
    async def take(request: Request) -> Response:
        """Sign in with what the form holds."""
        form = await _read_form(request)
        target = own_address(form.get("next", "/"), request.headers.get("host", ""), settings)
        given = {"name": form.get("name", ""), "password": form.get("password", "")}
        return await _sign_in(client, given, target, name=given["name"])

    @router.post("/sign-out")
    async def leave() -> Response:
        """End the session and come back to the form."""
        response = RedirectResponse(SIGN_IN_PATH, HTTPStatus.SEE_OTHER)
        _pass_cookies(await client.exchange("DELETE", "/session"), response)
        return response

    return router


async def _sign_in(client: ApiClient, given: dict[str, str], target: str, name: str = "") -> Response:
    try:
        answer = await client.exchange("POST", "/session", json=given)
    except ApiError as error:
        return _form(target, name, error, HTTPStatus.SERVICE_UNAVAILABLE)
    if not answer.is_success:
        refused = _form(target, name, explain(answer), answer.status_code)
        if "retry-after" in answer.headers:
            refused.headers["Retry-After"] = answer.headers["retry-after"]
        return refused
    response = come_again(target, "You are signed in.")
    _pass_cookies(answer, response)
    return response


def _form(
    target: str, name: str = "", error: ApiError | None = None, status: int = HTTPStatus.OK
) -> HTMLResponse:
    known: dict[str, Any] = {"target": target, "name": name, "error": error}
    page = _TEMPLATES.get_template("page.html").render(**known)
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "same-origin"}
    return HTMLResponse(page, status, headers)


async def _read_form(request: Request) -> dict[str, str]:
    data = b""
    async for chunk in request.stream():
        data += chunk
        if len(data) > _LARGEST_FORM:
            return {}
    return {name: values[0] for name, values in parse_qs(data.decode("utf-8", "replace")).items()}


def _is_ahead_of_time(request: Request) -> bool:
    told = request.headers.get("sec-purpose", request.headers.get("purpose", ""))
    return "prefetch" in told or "preview" in told


def _pass_cookies(answer: httpx.Response, response: Response) -> None:
    for cookie in answer.headers.get_list("set-cookie"):
        response.headers.append("set-cookie", cookie)
