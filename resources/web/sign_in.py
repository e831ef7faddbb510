"""Nobody gets to pages who is not signed in: the API says who a visitor is, whichever server they reach.

What belongs to signing in itself is the API's business.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from http import HTTPStatus
from typing import Final, Literal
from urllib.parse import quote, urlsplit

import httpx
from cachetools import TTLCache
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from catalyst_assets.errors import UsageError
from catalyst_assets.own_servers import client_of_own_server
from resources.settings import Settings
from resources.web.asking import AskingFor, is_own_page, session_cookie

Need = Literal["open", "read", "admin"]
SIGN_IN_PATH: Final = "/sign-in"
SAFE_METHODS: Final = ("GET", "HEAD", "OPTIONS")
_KNOWN_SECONDS: Final = 3.0
_POLICY_VIOLATION: Final = 1008
# What of a visitor's request says who they are and which page they are on.
VISITORS: Final = ("cookie", "authorization", "host", "origin", "sec-fetch-site")


@dataclass(frozen=True)
class Known:
    """Who is signed in."""

    name: str
    right: str


class Visitors:
    """Asks the API who somebody is; an answer holds for a few seconds.

    Parameters
    ----------
    api_url
        Where the API is; None for the server that is asked itself.
    """

    def __init__(self, api_url: str | None, settings: Settings, asking: AskingFor) -> None:
        self.asking = asking
        self._api_url = api_url
        self._cookie = session_cookie(settings)
        self._known: TTLCache[bytes, Known | None] = TTLCache(1000, _KNOWN_SECONDS)
        self._http: httpx.AsyncClient | None = None

    async def find(self, scope: Scope) -> Known | None:
        """Return who sends a request; None for nobody.

        Raises
        ------
        httpx.HTTPError
            The API does not answer.
        """
        headers = Headers(scope=scope)
        asking = self.asking.read(scope)
        if asking.is_service:
            return Known("catalyst", "admin")
        told = [headers.get(name, "") for name in ("authorization", "cookie")]
        if not told[0] and asking.user is None and self._cookie not in told[1]:
            return None
        key = hashlib.sha256(json.dumps([*told, asking.user]).encode()).digest()
        if key not in self._known:
            self._known[key] = await self._ask(scope, headers)
        return self._known[key]

    async def close(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    async def _ask(self, scope: Scope, headers: Headers) -> Known | None:
        if self._http is None:
            self._http = client_of_own_server(httpx.Timeout(20.0))
        base = self._api_url or serving_url(scope)
        sent = {name: headers[name] for name in ("authorization", "cookie") if name in headers}
        sent |= self.asking.headers(self.asking.read(scope))
        raw = [(name.encode(), value.encode("latin-1")) for name, value in sent.items()]
        answer = await self._http.get(f"{base}/api/v1/session", headers=raw)
        if answer.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return None
        answer.raise_for_status()
        found = answer.json()
        return Known(found["name"], found["right"])


class SignInFirst:
    """ASGI middleware that leads strangers to the sign-in page.

    Parameters
    ----------
    app
        What it stands before.
    visitors
        Knows who is signed in.
    needs
        What a request needs.
    page
        Where the sign-in page is for a request.
    """

    def __init__(
        self,
        app: ASGIApp,
        visitors: Visitors,
        needs: Callable[[Scope], Need],
        page: Callable[[Scope], str] = lambda _: SIGN_IN_PATH,
    ) -> None:
        self._app = app
        self._visitors = visitors
        self._needs = needs
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] not in ("http", "websocket") or self._needs(scope) == "open":
            await self._app(scope, receive, send)
            return
        response = await self._refuse(scope)
        if response is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": "Sign in first."})
        else:
            response.headers["Cache-Control"] = "no-store"
            await response(scope, receive, send)

    async def _refuse(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        try:
            known = await self._visitors.find(scope)
        except httpx.HTTPError as error:
            return PlainTextResponse(
                f"The API does not answer, so nobody can be known: {error or type(error).__name__}.\n"
                "Look whether `catalyst up` still runs, then load the page again.\n",
                HTTPStatus.SERVICE_UNAVAILABLE,
                {"Retry-After": "2"},
            )
        if known is None:
            return self._lead(scope, headers)
        if self._needs(scope) == "admin" and known.right != "admin":
            return PlainTextResponse(
                f"{known.name} may not do this: it is for admins.\n"
                "Ask whoever runs the installation: `catalyst users role NAME admin` changes it.\n",
                HTTPStatus.FORBIDDEN,
            )
        changing = scope["type"] == "websocket" or scope["method"] not in SAFE_METHODS
        if changing and "authorization" not in headers and not self._is_own(scope, headers):
            return PlainTextResponse(
                "The request does not say which page sends it, and is not answered therefore.\n"
                "Send it from a page of this server; a program uses a token.\n",
                HTTPStatus.FORBIDDEN,
            )
        return None

    def _is_own(self, scope: Scope, headers: Headers) -> bool:
        return is_own_page(headers) or self._visitors.asking.read(scope).is_service

    def _lead(self, scope: Scope, headers: Headers) -> Response:
        page = self._page(scope)
        reads = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        if not reads or "text/html" not in headers.get("accept", ""):
            return PlainTextResponse(
                f"Nobody is signed in. Sign in at {page}; a program sends a token as `Authorization: Bearer TOKEN`.\n",
                HTTPStatus.UNAUTHORIZED,
                {"WWW-Authenticate": 'Bearer realm="catalyst"'},
            )
        if headers.get("sec-fetch-site") == "cross-site" and "cookie" not in headers:
            return come_again(_address(scope))
        return RedirectResponse(
            f"{page}?next={quote(self._back(scope, page), safe='')}", HTTPStatus.SEE_OTHER
        )

    def _back(self, scope: Scope, page: str) -> str:
        path = _address(scope)
        if page.startswith("/"):
            return path
        host = Headers(scope=scope).get("host", "")
        return f"{scheme(scope, self._visitors.asking)}://{host}{path}"


def come_again(address: str, message: str = "One moment …") -> HTMLResponse:
    """Answer with a page that goes on to an address: cookies of `SameSite=Strict` come along from our own pages only."""
    target = escape(address, quote=True)
    return HTMLResponse(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Catalyst</title>'
        f'<meta http-equiv="refresh" content="0;url={target}"></head>'
        f'<body><p>{escape(message)} <a href="{target}">Go on</a></p></body></html>',
        headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"},
    )


def scheme(scope: Scope, asking: AskingFor) -> str:
    """Return how a visitor came."""
    return "https" if asking.read(scope).is_secure else "http"


def serving_url(scope: Scope) -> str:
    """Return the address of the socket by which a request came in."""
    host, port = scope.get("server") or ("127.0.0.1", None)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def page_of_app(settings: Settings, asking: AskingFor) -> Callable[[Scope], str]:
    """Return where, for visitors of other servers, the review app's sign-in page is: under the name they use."""

    def page(scope: Scope) -> str:
        name = urlsplit(f"//{Headers(scope=scope).get('host', '')}").hostname or "127.0.0.1"
        name = f"[{name}]" if ":" in name else name
        return f"{scheme(scope, asking)}://{name}:{settings.app_port}{SIGN_IN_PATH}"

    return page


def require_api_url(settings: Settings) -> str:
    """Return where the API is.

    Raises
    ------
    UsageError
        The settings do not say.
    """
    if settings.api_url is None:
        raise UsageError("CATALYST_API_URL is not set.", "Start the servers with `catalyst up`.")
    return settings.api_url.rstrip("/")


def own_address(address: str, host: str, settings: Settings) -> str:
    """Return where to go after signing in, if it is one of our pages; else the first one."""
    if address.startswith("/") and not address.startswith(("//", "/\\")) and "\\" not in address:
        return address if address.isprintable() else "/"
    try:
        parts, own = urlsplit(address), urlsplit(f"//{host}")
        ports = (settings.app_port, settings.dagster_port, settings.mlflow_port)
        if parts.scheme in ("http", "https") and parts.hostname == own.hostname and parts.port in ports:
            return (
                address if address.isprintable() and "\\" not in address and "@" not in parts.netloc else "/"
            )
    except ValueError:
        pass
    return "/"


def _address(scope: Scope) -> str:
    raw = scope.get("raw_path") or quote(scope["path"]).encode()
    query = scope.get("query_string", b"")
    path = "/" + raw.decode("latin-1").partition("?")[0].lstrip("/\\")
    return path + (f"?{query.decode('latin-1')}" if query else "")
