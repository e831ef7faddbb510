"""The one door of every server: whose request is answered. Sign-in belongs here too.

A page that a person has open elsewhere can send requests to servers on this machine. What it sends names its
origin, or a host that is not ours (DNS rebinding): https://fetch.spec.whatwg.org/#origin-header,
https://www.w3.org/TR/fetch-metadata/.
"""

import ipaddress
import json
import socket
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from resources.settings import Settings

LOCAL_HOSTS: Final = ("127.0.0.1", "localhost", "::1")
_EVERYWHERE: Final = ("0.0.0.0", "::")  # noqa: S104 - compared, not bound
_DEFAULT_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_READING: Final = ("GET", "HEAD")
_GRAPHQL_TYPES: Final = ("application/json", "application/graphql")
_POLICY_VIOLATION: Final = 1008


@dataclass(frozen=True)
class Refusal:
    """Why a request is not answered."""

    status: HTTPStatus
    message: str
    remedy: str


@dataclass(frozen=True)
class Hosts:
    """Names under which a server is called.

    Attributes
    ----------
    names
        Without a port: any port will do.
    further
        Of reverse proxies before it, ``name`` or ``name:port`` as browsers show it; their pages are ours.
    any_address
        Whether any IP address will do. A name that an attacker rebinds is never one.
    """

    names: frozenset[str] = frozenset(LOCAL_HOSTS)
    further: frozenset[str] = frozenset()
    any_address: bool = False

    @classmethod
    def of(cls, settings: Settings) -> "Hosts":
        """Return the names that follow from ``CATALYST_HOST`` and ``CATALYST_ALLOWED_HOSTS``."""
        host = settings.host.lower()
        own = (socket.gethostname().lower(), socket.getfqdn().lower()) if host in _EVERYWHERE else (host,)
        return cls(
            frozenset({*LOCAL_HOSTS, *own}),
            frozenset(settings.allowed_host_names),
            any_address=host not in LOCAL_HOSTS,
        )

    def know(self, authority: str) -> bool:
        """Tell whether a ``Host`` header names this server."""
        name, port = _split(authority)
        if name is None:
            return False
        if name in self.names or name in self.further or f"{name}:{port}" in self.further:
            return True
        return self.any_address and _is_address(name)

    def own(self, origin: str, authority: str) -> bool:
        """Tell whether pages of ``origin`` come from the server that ``authority`` names, or from its proxy."""
        parts = urlsplit(origin)
        default = _DEFAULT_PORTS.get(parts.scheme)
        name, port = _split(parts.netloc)
        if name is None or default is None:
            return False
        host, host_port = _split(authority)
        if (name, port or default) == (host, host_port or default):
            return True
        shown = name if port in (None, default) else f"{name}:{port}"
        return shown in self.further


def explain_reach(host: str) -> str | None:
    """Say what it means that a server is bound to more than this machine; None where it is not."""
    if host.lower() in LOCAL_HOSTS:
        return None
    where = "every network that this machine is in" if host in _EVERYWHERE else f"the network of {host}"
    return (
        f"Warning: the services can be reached from {where}, and what is sent to them is not encrypted: passwords and "
        "tokens can be read on the way. Any IP address is taken as their host. Bind 127.0.0.1 and put a proxy with TLS "
        "before them, or see to it that only people you trust can reach these ports."
    )


class Guard:
    """ASGI middleware that answers only what people and programs ask of this server themselves.

    Refused are hosts that are not ours, whatever another origin's page sends but a link that is followed,
    WebSockets of another origin, and GraphQL in a form that a page of another origin can send unasked.

    Parameters
    ----------
    app
        What it stands before.
    hosts
        Names under which the server is called.
    problems_below
        Path below which refusals are problem details (RFC 9457); elsewhere they are plain text.
    """

    def __init__(self, app: ASGIApp, hosts: Hosts, problems_below: str | None = None) -> None:
        self._app = app
        self._hosts = hosts
        self._problems_below = problems_below

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = find_refusal(scope, self._hosts)
        if refusal is not None:
            await self._refuse(scope, receive, send, refusal)
            return

        async def send_unframed(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).setdefault("X-Frame-Options", "SAMEORIGIN")
            await send(message)

        await self._app(scope, receive, send_unframed)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, refusal: Refusal) -> None:
        if self._problems_below is not None and scope["path"].startswith(self._problems_below):
            kind = "application/problem+json"
            problem = {
                "type": "urn:catalyst:problem:refused",
                "title": refusal.status.phrase,
                "status": refusal.status,
                "detail": refusal.message,
                "remedy": refusal.remedy,
            }
            body = json.dumps(problem).encode()
        else:
            kind = "text/plain; charset=utf-8"
            body = f"{refusal.message}\n{refusal.remedy}\n".encode()
        headers = [
            (b"content-type", kind.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
        ]
        before = ""
        if scope["type"] == "websocket":
            await receive()
            if "websocket.http.response" not in scope.get("extensions", {}):
                await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": refusal.message})
                return
            before = "websocket."
        await send({"type": f"{before}http.response.start", "status": refusal.status, "headers": headers})
        await send({"type": f"{before}http.response.body", "body": body})


def find_refusal(scope: Scope, hosts: Hosts) -> Refusal | None:
    """Return why a request must not be answered, or None."""
    headers = Headers(scope=scope)
    named = headers.getlist("host")
    if len(named) != 1 or not hosts.know(named[0]):
        called = f"the name {named[0]!r}" if len(named) == 1 else "one name"
        return Refusal(
            HTTPStatus.FORBIDDEN if named else HTTPStatus.BAD_REQUEST,
            f"This server does not go by {called}, so the request was not answered.",
            "Use the address that `catalyst up` shows. If a proxy gives it this name, "
            "put the name into CATALYST_ALLOWED_HOSTS.",
        )
    origins = headers.getlist("origin")
    if any(not hosts.own(origin, named[0]) for origin in origins):
        return _foreign(f"a page of {origins[0][:200]!r}", named[0])
    site = headers.get("sec-fetch-site", "none")
    if not origins and site not in ("same-origin", "none") and not _is_followed_link(scope, headers):
        return _foreign("a page of another origin", named[0])
    if scope["type"] == "http" and scope["path"].rstrip("/").endswith("/graphql"):
        return _refuse_simple_graphql(scope, headers)
    return None


def _foreign(who: str, host: str) -> Refusal:
    return Refusal(
        HTTPStatus.FORBIDDEN,
        f"The request comes from {who}, which may neither read nor start anything here.",
        f"Open http://{host} itself. If that page is this server behind a proxy, "
        "put the proxy's name into CATALYST_ALLOWED_HOSTS.",
    )


def _is_followed_link(scope: Scope, headers: Headers) -> bool:
    return (
        scope.get("method") in _READING
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
    )


def _refuse_simple_graphql(scope: Scope, headers: Headers) -> Refusal | None:
    """Refuse GraphQL that needs no leave of the browser: an address, or a form's content types."""
    if scope["method"] in _READING:
        if "query" in parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True):
            return Refusal(
                HTTPStatus.METHOD_NOT_ALLOWED,
                "GraphQL is not answered by GET, which any link or picture can send.",
                "Send it by POST as application/json.",
            )
    elif scope["method"] == "POST":
        kind = headers.get("content-type", "").split(";")[0].strip().lower()
        if kind not in _GRAPHQL_TYPES:
            return Refusal(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                f"GraphQL is not answered as {kind or 'content of no type'}, which any form can send.",
                "Send it as application/json.",
            )
    return None


def _split(authority: str) -> tuple[str | None, int | None]:
    """Return name and port; no name when it is no authority."""
    try:
        parts = urlsplit(f"//{authority}")
        name, port = parts.hostname, parts.port
    except ValueError:
        return None, None
    if not name or parts.path or parts.query or parts.fragment or "@" in authority:
        return None, None
    return name.rstrip("."), port


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
