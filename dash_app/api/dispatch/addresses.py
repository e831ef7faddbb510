"""Where the pages of other servers are, under the name by which a visitor reaches this one."""

from urllib.parse import urlsplit

from fastapi import Request

from resources.web.sign_in import scheme


def address_of(request: Request, port: int) -> str:
    """Return the address of another server of the installation."""
    name = urlsplit(f"//{request.headers.get('host', '')}").hostname or "127.0.0.1"
    name = f"[{name}]" if ":" in name else name
    return f"{scheme(request.scope, request.app.state.asking)}://{name}:{port}"
