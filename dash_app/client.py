"""How the pages reach the API: over HTTP, with no database credentials, wherever the API runs."""

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel
from starlette.types import ASGIApp, Receive, Scope, Send

from catalyst_assets.errors import CatalystError
from catalyst_assets.own_servers import client_of_own_server
from dash_app.contract import API_PREFIX, FieldError, Problem

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class _Visit:
    """A request that is being answered: by which socket it came, and what tells the API whose it is."""

    server: tuple[str, int | None] | None
    headers: Mapping[str, str]


_visit: ContextVar[_Visit | None] = ContextVar("visit", default=None)


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


class Visits:
    """ASGI middleware that remembers by which socket a request came in, and who sent it.

    The socket's own address, not the ``Host`` header: that one is the client's to choose.

    Parameters
    ----------
    app
        What it stands before.
    tell
        Returns the headers by which the API knows whose request it is.
    """

    def __init__(self, app: ASGIApp, tell: Callable[[Scope], Mapping[str, str]]) -> None:
        self._app = app
        self._tell = tell

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "http":
            _visit.set(_Visit(scope.get("server"), self._tell(scope)))
        await self._app(scope, receive, send)


class ApiClient:
    """The API's operations as the pages use them, each for the visitor whose request is being answered.

    Parameters
    ----------
    base_url
        Where the API's server is, such as ``http://api:8050``; None for the server that also serves the
        page being answered.
    """

    def __init__(self, base_url: str | None = None) -> None:
        self._base_url = base_url
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

    async def post(
        self,
        model: type[Model],
        path: str,
        body: Any = None,
        *,
        file: tuple[str, bytes] | None = None,
        **query: Any,
    ) -> Model:
        """Send something to ``path``; query values that are empty are left out.

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
        return await self._send(model, "POST", path, params=parameters, **content)

    async def exchange(self, method: str, path: str, **content: Any) -> httpx.Response:
        """Return the API's answer as it is.

        Raises
        ------
        ApiError
            It could not be reached.
        """
        if self._http is None:
            self._http = client_of_own_server(httpx.Timeout(30.0))
        visit = _visit.get()
        headers = (
            [] if visit is None else [(k.encode(), v.encode("latin-1")) for k, v in visit.headers.items()]
        )
        try:
            return await self._http.request(
                method, f"{self._base()}{API_PREFIX}{path}", headers=headers, **content
            )
        except httpx.HTTPError as error:
            raise ApiError(
                f"The API at {self._base()} does not answer: {error or type(error).__name__}.",
                "Look whether `catalyst up` still runs, then load the page again.",
            ) from error

    async def close(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    async def _send(self, model: type[Model], method: str, path: str, **content: Any) -> Model:
        response = await self.exchange(method, path, **content)
        if response.is_success:
            return model.model_validate_json(response.content)
        raise explain(response)

    def _base(self) -> str:
        if self._base_url is not None:
            return self._base_url.rstrip("/")
        visit = _visit.get()
        server = None if visit is None else visit.server
        if server is None or server[1] is None:
            raise ApiError(
                "The pages do not know where the API is: this server has no address of its own.",
                "Set CATALYST_API_URL to the API's address.",
            )
        host, port = server
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def explain(response: httpx.Response) -> ApiError:
    """Return what the API says of a refusal."""
    try:
        problem = Problem.model_validate_json(response.content)
    except ValueError:
        return ApiError(
            f"The API answered {response.status_code} without saying why.", "", response.status_code
        )
    return ApiError(problem.detail, problem.remedy, problem.status, problem.errors)
