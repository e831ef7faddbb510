"""What browsers may do with answers: load nothing from elsewhere, run no script that is not ours, be framed by nobody.

https://www.w3.org/TR/CSP3/, https://owasp.org/www-project-secure-headers/.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Sequence
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ALWAYS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_ON_HTTPS: Final = "max-age=31536000"
# Answers that are no pages: whatever is in them, nothing of it is loaded or run.
DATA_POLICY: Final = "default-src 'none'; frame-ancestors 'none'; sandbox"


def page_policy(script_hashes: Sequence[str] = ()) -> str:
    """Return the policy of pages, whose inline scripts are those of these hashes alone.

    Components set styles where they stand (plotly, ag-grid), so that inline styles are allowed.
    """
    hashes = "".join(f" '{each.strip(chr(39))}'" for each in script_hashes)
    return (
        f"default-src 'self'; script-src 'self'{hashes}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; object-src 'none'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


def hash_scripts(page: str) -> list[str]:
    """Return the hashes of a page's inline scripts."""
    scripts = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    return [f"sha256-{base64.b64encode(digest).decode()}" for digest in digests]


# Pages of programs that are not ours: their scripts stand in them and are made of texts, but nothing comes from or goes to
# elsewhere, and only their own pages frame what they show.
FOREIGN_POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; frame-src 'self' blob: data:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)


class SecurityHeaders:
    """ASGI middleware that adds them to every answer; what an answer says itself of its content and how it is kept stays.

    Parameters
    ----------
    app
        What it stands before.
    policy
        The content-security policy below a path.
    framed_by
        Who may frame pages: ``DENY`` for nobody, ``SAMEORIGIN`` for pages of the same server.
    """

    def __init__(self, app: ASGIApp, policy: Callable[[str], str], framed_by: str = "DENY") -> None:
        self._app = app
        self._policy = policy
        self._framed_by = framed_by

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _ALWAYS.items():
                    headers[name] = value
                headers["X-Frame-Options"] = self._framed_by
                headers.setdefault("Content-Security-Policy", self._policy(scope["path"]))
                if scope["scheme"] == "https":
                    headers.setdefault("Strict-Transport-Security", _ON_HTTPS)
                if headers.get("content-type", "").startswith("application/"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)
