"""Errors as RFC 9457 problem details: one shape for refused input, illegal steps and failures.

The database's own messages are passed on: it enforces the lifecycle, so it explains it best.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import sqlalchemy as sa
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from catalyst_assets.errors import (
    CatalystError,
    DagsterUnavailableError,
    DatabaseBusyError,
    DatabaseUnavailableError,
    LoopError,
    TransactionConflictError,
    UsageError,
)
from dash_app.api.access import ForbiddenError, UnauthorizedError
from dash_app.contract import FieldError, Problem
from resources.access.attempts import TooManyAttemptsError
from resources.access.sessions import NotSignedInError

_CHECK_VIOLATION: Final = "23514"
_NO_DATA_FOUND: Final = "P0002"
# Of our own making: somebody decided since.
_STALE: Final = "CF003"
_PARTITION: Final = re.compile(r"(?:iteration )?\b([a-z0-9][a-z0-9-]*)__0*(\d+)\b")
# What a request's state says where nothing of it was written because another was in its way.
MAY_BE_REPEATED: Final = "may_be_repeated"
# Seconds, where nobody knows better.
_RETRY_AFTER: Final = "5"


class NotFoundError(CatalystError):
    """What a request names does not exist."""


class InvalidBodyError(CatalystError):
    """A body of which nothing was taken.

    Parameters
    ----------
    message, remedy
        All that is wrong with it in a few words, and what to do.
    errors
        Each field that was refused.
    status
        Of the answer: 422, or 409 where it is sound and contradicts what is held.
    """

    def __init__(self, message: str, remedy: str, errors: Sequence[FieldError], status: int = 422) -> None:
        super().__init__(message, remedy)
        self.errors = list(errors)
        self.status = status


class NobodyAnswersError(CatalystError):
    """So much waits for others that they seem to stand still."""


_PLATFORM_PROBLEMS: Final = {
    UnauthorizedError: (401, "unauthorized"),
    NotSignedInError: (401, "not-signed-in"),
    TooManyAttemptsError: (429, "too-many-attempts"),
    ForbiddenError: (403, "forbidden"),
    NotFoundError: (404, "not-found"),
    DatabaseBusyError: (503, "busy"),
    DatabaseUnavailableError: (503, "database-unavailable"),
    DagsterUnavailableError: (503, "dagster-unavailable"),
    NobodyAnswersError: (503, "nobody-answers"),
    UsageError: (422, "invalid-request"),
    LoopError: (409, "conflict"),
}


# One answer of each status, for OpenAPI: its kind, what it says and the remedy.
_EXAMPLES: Final = {
    401: ("unauthorized", "Nobody is signed in.", "Sign in, or send a token."),
    403: ("forbidden", "Ada Lovelace is a viewer, and deciding about candidates is for reviewers.", ""),
    404: ("not-found", "There is no campaign oxides.", "GET /campaigns lists them."),
    405: ("method-not-allowed", "/api/v1/campaigns does not answer DELETE.", "See /api/v1/docs."),
    408: ("timeout", "The body did not come in time.", "Send it again."),
    409: ("conflict", "SrTiO3 is validated already: it cannot be flagged.", ""),
    412: ("stale", "Ada Lovelace flagged SrTiO3 since you looked.", "Look at it again."),
    413: ("too-large", "The body is larger than 1,048,576 bytes.", "Send it in parts."),
    415: ("unsupported-media-type", "The body is taken as application/json, not as text/plain.", ""),
    422: ("invalid-request", "limit: must be at least 1", "Correct these fields and send it again."),
    429: ("too-many-attempts", "Too many failures to sign in.", "Try again in 15 minutes."),
    503: ("busy", "Every connection to the database is in use.", "Send it again a little later."),
}


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the problems an operation may answer, for OpenAPI."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {
                "application/problem+json": {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "example": _problem(status, *_EXAMPLES[status]).model_dump(mode="json"),
                }
            },
        }
        for status in statuses
    }


def install_problem_handlers(app: FastAPI) -> None:
    """Answer every error of ``app`` as a problem."""
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(sa.exc.DBAPIError, _database_error)
    app.add_exception_handler(sa.exc.TimeoutError, answer_busy)
    app.add_exception_handler(CatalystError, answer_error)
    app.add_exception_handler(Exception, _unexpected)


def problem_response(
    status: int, kind: str, detail: str, remedy: str = "", errors: list[FieldError] | None = None
) -> JSONResponse:
    """Return an answer that is a problem."""
    problem = _problem(status, kind, detail, remedy, errors)
    headers = {"Retry-After": _RETRY_AFTER} if status == HTTPStatus.SERVICE_UNAVAILABLE else None
    return JSONResponse(problem.model_dump(mode="json"), status, headers, "application/problem+json")


def _problem(
    status: int, kind: str, detail: str, remedy: str = "", errors: list[FieldError] | None = None
) -> Problem:
    return Problem(
        type=f"urn:catalyst:problem:{kind}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        remedy=remedy,
        errors=errors or [],
    )


async def _invalid_request(request: Request, error: Exception) -> JSONResponse:
    problems = error.errors() if isinstance(error, RequestValidationError) else []
    broken = next((item for item in problems if item["type"] == "json_invalid"), None)
    if broken is not None:
        return problem_response(
            422, "invalid-json", *explain_broken_json(broken["ctx"]["error"], broken["loc"][-1])
        )
    if any(tuple(item["loc"]) == ("body",) for item in problems):
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if not await request.body():
            return problem_response(
                422, "invalid-request", "The request has no body.", "Send it as application/json."
            )
        if kind != "application/json" and not kind.endswith("+json"):
            return problem_response(
                415,
                "unsupported-media-type",
                f"The body is taken as application/json, not as {kind or 'content of no type'}.",
                "Send it with the header `Content-Type: application/json`.",
            )
    fields = [_refused(item["loc"], item["msg"]) for item in problems]
    detail = "; ".join(f"{item.field}: {item.message}" for item in fields) or "The request is not valid."
    return problem_response(422, "invalid-request", detail, "Correct these fields and send it again.", fields)


def _refused(location: Sequence[int | str], message: str) -> FieldError:
    where, *within = location
    found = field_error(within or location, message)
    if where != "body" or not within:
        found.pointer = ""
    return found


def field_error(location: Sequence[int | str], message: str) -> FieldError:
    """Return what pydantic found wrong at a place of a body."""
    return FieldError(
        field=".".join(str(part) for part in location),
        message=message.removeprefix("Value error, "),
        pointer=json_pointer(location),
    )


def json_pointer(location: Sequence[int | str]) -> str:
    """Return a place of a body as RFC 6901 writes it."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in location)


def explain_broken_json(reason: str, position: object) -> tuple[str, str]:
    """Say that a body is no JSON, and what to do."""
    return (
        f"The body is no JSON: {reason} (character {position}).",
        "Have it written by a program that writes JSON.",
    )


def _explain_unreadable(cause: BaseException) -> tuple[str, str]:
    if isinstance(cause, RecursionError):
        return "The body is nested too deeply.", "Send what the operation describes."
    if isinstance(cause, UnicodeDecodeError):
        return "The body is not UTF-8.", f"Send it as UTF-8 ({cause.reason})."
    return f"The body cannot be read: {cause}.", "Have it written by a program."


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == HTTPStatus.BAD_REQUEST and error.__cause__ is not None:
        return problem_response(422, "invalid-json", *_explain_unreadable(error.__cause__))
    if status == HTTPStatus.BAD_REQUEST:
        return problem_response(
            422, "invalid-request", str(getattr(error, "detail", error)), "Send the form as `curl -F` does."
        )
    known = {
        404: ("not-found", f"There is nothing at {request.url.path}."),
        405: ("method-not-allowed", f"{request.url.path} does not answer {request.method}."),
        413: ("too-large", str(getattr(error, "detail", error))),
        415: ("unsupported-media-type", str(getattr(error, "detail", error))),
    }
    kind, detail = known.get(status, ("http", str(getattr(error, "detail", error))))
    response = problem_response(status, kind, detail, f"See {request.scope.get('root_path', '')}/docs.")
    response.headers.update(getattr(error, "headers", None) or {})
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        response.headers["Allow"] = ", ".join(_methods_of(request)) or "GET"
    return response


def _methods_of(request: Request) -> list[str]:
    """Return the methods of a path: the routes that have some of them each name their own only."""
    path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    paths = request.app.openapi()["paths"]
    known = [path] if path in paths else [each for each in paths if compile_path(each)[0].match(path)]
    return sorted({verb.upper() for each in known for verb in paths[each]})


@dataclass(frozen=True)
class Refusal:
    """Why the database refused a step."""

    status: int
    kind: str
    message: str
    remedy: str


def explain_database_error(error: Exception) -> Refusal | None:
    """Return why the database refused a step; None where it did not refuse but failed."""
    cause = error.orig if isinstance(error, sa.exc.DBAPIError) else None
    code = getattr(cause, "pgcode", None)
    if code not in (_CHECK_VIOLATION, _NO_DATA_FOUND, _STALE):
        return None
    diagnosis = getattr(cause, "diag", None)
    message = _sentence(getattr(diagnosis, "message_primary", None) or str(cause))
    if code == _NO_DATA_FOUND:
        return Refusal(404, "not-found", message, "")
    hint = getattr(diagnosis, "message_hint", None)
    kind = "stale" if code == _STALE else "conflict"
    return Refusal(409, kind, message, _sentence(hint) if hint else "")


async def _database_error(request: Request, error: Exception) -> JSONResponse:
    refusal = explain_database_error(error)
    if refusal is None:
        raise error  # the server's own handler answers and logs it
    is_precondition = refusal.kind == "stale" and "if-match" in request.headers
    status = 412 if is_precondition else refusal.status
    return problem_response(status, refusal.kind, refusal.message, refusal.remedy)


async def answer_busy(_: Request, __: Exception) -> JSONResponse:
    """Answer that no connection came free."""
    return problem_response(
        503, "busy", "Every connection to the database is in use.", "Send it again a little later."
    )


async def answer_error(request: Request, error: Exception) -> JSONResponse:
    """Answer one of our own errors."""
    if isinstance(error, TransactionConflictError):
        request.scope.setdefault("state", {})[MAY_BE_REPEATED] = True
    if isinstance(error, InvalidBodyError):
        kind = "conflict" if error.status == HTTPStatus.CONFLICT else "invalid-request"
        return problem_response(error.status, kind, error.message, error.remedy, error.errors)
    status, kind = next(
        (answer for cause, answer in _PLATFORM_PROBLEMS.items() if isinstance(error, cause)), (500, "failure")
    )
    remedy = error.remedy if isinstance(error, CatalystError) else ""
    response = problem_response(status, kind, getattr(error, "message", str(error)), remedy)
    if isinstance(error, UnauthorizedError):
        response.headers["WWW-Authenticate"] = error.challenge
    elif isinstance(error, NotSignedInError):
        response.headers["WWW-Authenticate"] = 'Bearer realm="catalyst"'
    elif isinstance(error, TooManyAttemptsError):
        response.headers["Retry-After"] = str(error.seconds)
    return response


async def _unexpected(_: Request, error: Exception) -> JSONResponse:
    return problem_response(
        500,
        "internal",
        f"The server failed unexpectedly ({type(error).__name__}).",
        "The server's log has the details.",
    )


def _sentence(message: str) -> str:
    """Write what the database says for people: iterations and statuses are called as pages call them."""
    text = _PARTITION.sub(r"iteration \2 of \1", message).replace("in_validation", "in validation")
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."
