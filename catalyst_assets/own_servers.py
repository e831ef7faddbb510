"""HTTP from one server of the installation to another."""

from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final

import httpx

SERVER_KEEPS_SECONDS: Final = 30
# Much shorter than a server keeps an idle connection: one that it is just closing would take a request and not answer.
_CLIENT_KEEPS_SECONDS: Final = 2.0


def client_of_own_server(timeout: httpx.Timeout, max_connections: int | None = 100) -> httpx.AsyncClient:
    """Return what one server of ours asks another with: by no proxy, and keeping no visitor's cookie for the next.

    Parameters
    ----------
    max_connections
        At once; None for as many as are asked for.
    """
    limits = httpx.Limits(
        max_connections=max_connections, max_keepalive_connections=20, keepalive_expiry=_CLIENT_KEEPS_SECONDS
    )
    # Proxies that the environment names are for the world outside.
    kept = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    return httpx.AsyncClient(timeout=timeout, limits=limits, trust_env=False, cookies=kept)
