"""A page that does not exist is 404: Dash answers every address with its frame, which fills itself afterwards."""

import re
from http import HTTPStatus

import dash
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class PagesThatExist:
    """ASGI middleware that says by its status whether there is such a page; what is shown stays."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD") or _is_page(scope["path"]):
            await self._app(scope, receive, send)
            return

        routed = dict(scope)

        async def send_not_found(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_frame(routed):
                message = {**message, "status": HTTPStatus.NOT_FOUND}
            await send(message)

        await self._app(routed, receive, send_not_found)


def _is_frame(scope: Scope) -> bool:
    """Tell whether what answers is what Dash has for every address that nothing else answers."""
    return getattr(scope.get("route"), "path", "").strip("/") == "{path:path}"


def _is_page(path: str) -> bool:
    return any(
        re.fullmatch(re.sub(r"<[^/>]+>", "[^/]+", page["path_template"] or page["path"]), path)
        for page in dash.page_registry.values()
        if page["path"] is not None and page["module"] != "not_found_404"
    )
