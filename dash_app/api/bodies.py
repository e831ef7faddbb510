"""Bodies of requests that no model of FastAPI reads: JSON whose errors say where, and files."""

import json
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from math import isfinite
from pathlib import PurePosixPath
from typing import Annotated, Any, Final

from fastapi import Query, Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from catalyst_assets.vocabulary.people import check_text
from dash_app.api.problems import InvalidBodyError, explain_broken_json, field_error
from dash_app.contract import FieldError

_MULTIPART: Final = "multipart/form-data"
# What files of results are sent as, each with a name for one that has none.
TABLE_TYPES: Final = {
    "text/csv": "results.csv",
    "text/tab-separated-values": "results.tsv",
    "text/plain": "results.csv",
    "application/json": "results.json",
    "application/jsonl": "results.jsonl",
    "application/x-ndjson": "results.jsonl",
    "application/vnd.apache.parquet": "results.parquet",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "results.xlsx",
    "application/vnd.ms-excel": "results.xlsx",
    "application/zip": "results.zip",
    "application/gzip": "results.csv.gz",
    "application/octet-stream": "results",
}
LONGEST_NAME: Final = 255


@dataclass(frozen=True)
class Upload:
    """A file that came."""

    name: str
    data: bytes


async def read_json(request: Request) -> Any:
    """Return what a body of JSON holds.

    Raises
    ------
    HTTPException
        It is declared as something else.
    InvalidBodyError
        It is no JSON.
    """
    kind = content_type(request)
    if kind != "application/json" and not kind.endswith("+json"):
        raise HTTPException(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"Results are taken as application/json, not as {kind or 'content of no type'}; "
            "a file of them goes to /results/files.",
        )
    return parse_json(await request.body())


def parse_json(data: bytes) -> Any:
    """Return what JSON holds.

    Raises
    ------
    InvalidBodyError
        It is no JSON, or holds texts that nobody can read.
    """
    try:
        document = json.loads(data, parse_constant=_refuse_constant, parse_float=_finite)
    except RecursionError:
        raise InvalidBodyError(
            "The body is nested too deeply.", "Send what the operation describes.", []
        ) from None
    except UnicodeDecodeError as error:
        raise InvalidBodyError("The body is not UTF-8.", f"Send it as UTF-8 ({error.reason}).", []) from None
    except json.JSONDecodeError as error:
        raise InvalidBodyError(*explain_broken_json(error.msg, error.pos), []) from None
    except ValueError as error:
        raise InvalidBodyError(
            f"The body is no JSON: {error}.", "Correct it and send it again.", []
        ) from None
    errors = list(_find_unreadable(document, ()))
    if errors:
        raise InvalidBodyError(
            f"{errors[0].field}: {errors[0].message}", "Correct it and send it again.", errors
        )
    return document


def upload_reader(types: dict[str, str]) -> Callable[..., Awaitable[Upload]]:
    """Return a dependency that reads a file: the field `file` of a form, or the body as it is.

    Parameters
    ----------
    types
        What a body may be declared as, each with a name for a file that has none.
    """

    async def read_upload(
        request: Request,
        filename: Annotated[
            str | None, Query(max_length=LONGEST_NAME, description="Name of a file that is the body itself.")
        ] = None,
    ) -> Upload:
        kind = content_type(request)
        if kind == _MULTIPART:
            return await _of_form(request)
        if kind not in types:
            raise HTTPException(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                f"A file is not taken as {kind or 'content of no type'}. Send it as a form "
                "(`curl -F file=@results.csv`), or as the body with its type "
                "(`curl -H 'Content-Type: text/csv' --data-binary @results.csv`).",
            )
        return Upload(file_name(filename or _disposed(request) or types[kind]), await request.body())

    return read_upload


def content_type(request: Request) -> str:
    """Return what a body is declared as, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _of_form(request: Request) -> Upload:
    async with request.form(max_files=1, max_fields=20) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise InvalidBodyError(
                "The form has no file.",
                "Name its field `file`: `curl -F file=@results.csv`.",
                [FieldError(field="file", message="is missing")],
            )
        return Upload(file_name(file.filename or "results"), await file.read())


def _disposed(request: Request) -> str:
    found = re.search(r'filename="?([^";]+)', request.headers.get("content-disposition", ""))
    return found[1] if found else ""


def file_name(text: str) -> str:
    """Return the name of a file that came, without folders.

    Raises
    ------
    InvalidBodyError
        Nobody can read it.
    """
    name = PurePosixPath(text.replace("\\", "/")).name.strip() or "results"
    try:
        return check_text(name)[:LONGEST_NAME]
    except ValueError as error:
        raise InvalidBodyError(
            f"The name of the file {error}.", "Rename it.", [FieldError(field="filename", message=str(error))]
        ) from None


def _find_unreadable(value: Any, location: tuple[int | str, ...]) -> Iterator[FieldError]:
    """Yield the texts, names of fields included, that nobody can read or the database cannot keep."""
    if isinstance(value, str):
        try:
            check_text(value)
        except ValueError as error:
            yield field_error(location, str(error))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _find_unreadable(item, (*location, index))
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _find_unreadable(name, location)
            yield from _find_unreadable(item, (*location, name))


def _finite(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise ValueError(f"{text} is too large a number")
    return value


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no number in JSON")
