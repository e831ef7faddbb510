"""What the API does not know is refused, and what it does know is named: query parameters and paths."""

import difflib
from http import HTTPStatus

from fastapi import HTTPException, Request
from fastapi.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from dash_app.api.problems import InvalidBodyError, problem_response
from dash_app.contract import API_PREFIX, FieldError


def refuse_unknown_parameters(request: Request) -> None:
    """Refuse query parameters that an operation does not read, and one value of them given twice.

    Raises
    ------
    HTTPException
        The path has other methods.
    InvalidBodyError
        Names each of them, and what may be asked.
    """
    path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    if path != request.scope["route"].path and path in request.app.openapi()["paths"]:
        # The path is written out elsewhere, for other methods: here its last part would be taken for a number.
        raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED)
    if not request.scope["query_string"]:
        return
    known = _known_parameters(request)
    errors = []
    for name in request.query_params:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"; {near[0]} may be meant" if near else ""
            errors.append(FieldError(field=name, message=f"is no parameter here{hint}"))
        elif not known[name] and len(request.query_params.getlist(name)) > 1:
            errors.append(FieldError(field=name, message="is given more than once"))
    if errors:
        raise InvalidBodyError(
            "; ".join(f"{error.field}: {error.message}" for error in errors),
            f"Parameters here: {', '.join(sorted(known)) or 'none'}.",
            errors,
        )


def _known_parameters(request: Request) -> dict[str, bool]:
    """Return the query parameters that the document names, each with whether it may be given more than once."""
    document = request.app.openapi()
    operations = document["paths"].get(request.scope["route"].path, {})
    operation = operations.get(request.method.lower(), {})
    return {
        parameter["name"]: any(
            shape.get("type") == "array"
            for shape in (parameter["schema"], *parameter["schema"].get("anyOf", ()))
        )
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "query"
    }


class UnknownPath:
    """ASGI application that answers what is asked below ``/api`` and belongs to no version of it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        response = await answer_unknown(Request(scope))
        await response(scope, receive, send)


async def answer_unknown(request: Request, _: Exception | None = None) -> JSONResponse:
    """Answer that there is nothing: also of a path with a line break, at which no mounted application is found."""
    return problem_response(
        HTTPStatus.NOT_FOUND,
        "not-found",
        f"There is nothing at {request.scope['path']}.",
        f"See {API_PREFIX}/docs.",
    )
