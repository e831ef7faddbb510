"""For whom one server of an installation asks another: told in a header that only they can sign.

The first server that a visitor reaches knows the visitor's address, and whether a trusted proxy said who it is; the
others behind it would see that server only.
"""

import ipaddress
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.datastructures import Headers
from starlette.types import Scope

from resources.settings import Settings

HEADER: Final = "X-Catalyst-Asking"
_SECONDS: Final = 60


@dataclass(frozen=True)
class Asking:
    """Who asks, as far as it is known without looking at cookies and tokens.

    Attributes
    ----------
    address
        Where from.
    user
        As whom a trusted proxy signed them in; None where none did.
    is_secure
        Whether they came by https.
    is_service
        Whether it is a server of ours that asks for itself.
    """

    address: str = ""
    user: str | None = None
    is_secure: bool = False
    is_service: bool = False


class AskingFor:
    """Finds out for whom a request is made, and tells it the next server.

    Parameters
    ----------
    settings
        Name the proxies that are trusted and the key that the servers share; without one, this server alone has one.
    """

    def __init__(self, settings: Settings) -> None:
        key = settings.service_secret.get_secret_value() if settings.service_secret else secrets.token_hex(32)
        self._signer = URLSafeTimedSerializer(key, salt="catalyst asking")
        self._header = settings.user_header
        self._proxies = [
            ipaddress.ip_network(part.strip(), strict=False)
            for part in (settings.trusted_proxy or "").split(",")
            if part.strip()
        ]

    @property
    def dropped(self) -> frozenset[str]:
        """Headers that are never passed on as a visitor sent them, in lower case."""
        forwarded = {"x-forwarded-for", "x-forwarded-proto", "forwarded"}
        return frozenset({HEADER.lower(), self._header.lower(), *forwarded})

    def read(self, scope: Scope) -> Asking:
        """Return who asks: as another server of ours tells, else as the connection shows."""
        headers = Headers(scope=scope)
        told = self._told(headers.get(HEADER.lower()))
        if told is not None:
            return told
        address = (scope.get("client") or ("", 0))[0]
        secure = scope.get("scheme") in ("https", "wss")
        if not self._trusts(address):
            return Asking(address, is_secure=secure)
        named = headers.getlist(self._header)
        # Each proxy adds whom it was asked by at the end: the last is what the trusted one saw.
        chain = ",".join(headers.getlist("x-forwarded-for")).split(",")
        return Asking(
            chain[-1].strip() or address,
            named[0].encode("latin-1").decode("utf-8", "replace")
            if len(named) == 1 and named[0].strip()
            else None,
            secure or headers.get("x-forwarded-proto", "").lower() == "https",
        )

    def headers(self, asking: Asking) -> dict[str, str]:
        """Return what tells another server of ours who asks."""
        told = [asking.address, asking.user, asking.is_secure, asking.is_service]
        return {HEADER: str(self._signer.dumps(told))}

    def as_service(self) -> dict[str, str]:
        """Return what lets a server of ours ask another for itself."""
        return self.headers(Asking(is_service=True))

    def _told(self, signed: str | None) -> Asking | None:
        if signed is None or len(signed) > 4000:
            return None
        try:
            return Asking(*self._signer.loads(signed, max_age=_SECONDS))
        except (BadData, TypeError):
            return None

    def _trusts(self, address: str) -> bool:
        try:
            found = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
            found = found.ipv4_mapped
        return any(found in network for network in self._proxies)


def is_own_page(headers: Mapping[str, str]) -> bool:
    """Tell whether a browser says that a page of ours sends a request; whether a named origin is ours the guard knows."""
    return "origin" in headers or headers.get("sec-fetch-site") == "same-origin"


def session_cookie(settings: Settings) -> str:
    """Return the name of the cookie: ports of one machine share cookies, installations must not."""
    return f"catalyst_session_{settings.app_port}"
