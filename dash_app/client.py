"""How the pages reach the API: over HTTP, with no database credentials, wherever the API runs."""

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel
from starlette.types import ASGIApp, Receive, Scope, Send

from catalyst_assets.errors import CatalystError
from dash_app.contract import API_PREFIX, FieldError, Problem

Model = TypeVar("Model", bound=BaseModel)

_serving_at: ContextVar[tuple[str, int | None] | None] = ContextVar("serving_at", default=None)


class ApiError(CatalystError):
    """The API refused, failed or could not be reached.

    Parameters
    ----------
    message, remedy
        As the API explains it.
    status
        Its HTTP status; 0 when there was no answer.
    errors
        Each field that was refused.
    """

    def __init__(
        self, message: str, remedy: str = "", status: int = 0, errors: Sequence[FieldError] = ()
    ) -> None:
        super().__init__(message, remedy)
        self.status = status
        self.errors = tuple(errors)


class ServingAddress:
    """ASGI middleware that remembers the socket a request came in by.

    The socket's own address, not the ``Host`` header: that one is the client's to choose.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "http":
            _serving_at.set(scope.get("server"))
        await self._app(scope, receive, send)


class ApiClient:
    """The API's operations as the pages use them.

    Parameters
    ----------
    base_url
        Where the API's server is, such as ``http://api:8050``; None for the server that also serves the
        page being answered.
    page_token
        What results are written with; browsers never see it.
    """

    def __init__(self, base_url: str | None = None, page_token: str = "") -> None:
        self._base_url = base_url
        self._page_token = page_token
        self._http: httpx.AsyncClient | None = None

    async def get(self, model: type[Model], path: str, **query: Any) -> Model:
        """Read ``path``, such as ``/campaigns``; query values of None are left out.

        Raises
        ------
        ApiError
            The API refused, failed or could not be reached.
        """
        parameters = {name: value for name, value in query.items() if value is not None}
        return await self._send(model, "GET", path, params=parameters)

    async def post(self, model: type[Model], path: str, body: Any) -> Model:
        """Send ``body`` to ``path``.

        Raises
        ------
        ApiError
            The API refused, failed or could not be reached.
        """
        return await self._send(model, "POST", path, json=body)

    async def write(
        self,
        model: type[Model],
        path: str,
        *,
        reviewer: str | None,
        body: Any = None,
        file: tuple[str, bytes] | None = None,
        **query: Any,
    ) -> Model:
        """Send results, or what is said of validation, on behalf of a reviewer.

        Parameters
        ----------
        body
            Sent as JSON.
        file
            Name and bytes, sent instead.

        Raises
        ------
        ApiError
            The API refused, failed or could not be reached.
        """
        content: dict[str, Any] = {"json": body} if file is None else {"files": {"file": file}}
        parameters = {name: value for name, value in query.items() if value not in (None, "")}
        return await self._send(
            model,
            "POST",
            path,
            params=parameters | {"on_behalf_of": reviewer or ""},
            headers={"Authorization": f"Bearer {self._page_token}"},
            **content,
        )

    async def close(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    async def _send(self, model: type[Model], method: str, path: str, **content: Any) -> Model:
        if self._http is None:
            # The API is a neighbour: proxies that the environment names are for the world outside.
            self._http = httpx.AsyncClient(timeout=30.0, trust_env=False)
        url = f"{self._base()}{API_PREFIX}{path}"
        try:
            response = await self._http.request(method, url, **content)
        except httpx.HTTPError as error:
            raise ApiError(
                f"The API at {self._base()} does not answer: {error or type(error).__name__}.",
                "Look whether `catalyst up` still runs, then load the page again.",
            ) from error
        if response.is_success:
            return model.model_validate_json(response.content)
        raise _explain(response)

    def _base(self) -> str:
        if self._base_url is not None:
            return self._base_url.rstrip("/")
        server = _serving_at.get()
        if server is None or server[1] is None:
            raise ApiError(
                "The pages do not know where the API is: this server has no address of its own.",
                "Set CATALYST_API_URL to the API's address.",
            )
        host, port = server
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _explain(response: httpx.Response) -> ApiError:
    try:
        problem = Problem.model_validate_json(response.content)
    except ValueError:
        return ApiError(
            f"The API answered {response.status_code} without saying why.", "", response.status_code
        )
    return ApiError(problem.detail, problem.remedy, problem.status, problem.errors)
