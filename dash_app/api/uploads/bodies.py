"""Bodies of uploads: a form of many files, one file as it is, or formulas as JSON; read, not understood."""

from typing import Annotated, Any, Final

from fastapi import Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from catalyst_assets.ingestion.uploads.bundle import MOST_FILES, UploadedFile
from dash_app.api.bodies import LONGEST_NAME, content_type, file_name, read_json
from dash_app.api.problems import InvalidBodyError
from dash_app.contract import FieldError
from dash_app.upload_contract import NewFormulas

_MULTIPART: Final = "multipart/form-data"
_JSON: Final = "application/json"
# A file of its own, which its name says what it is; some types do, too.
_FILE_TYPES: Final = {
    "chemical/x-cif": "upload.cif",
    "chemical/x-vasp": "POSCAR",
    "text/csv": "formulas.csv",
    "text/plain": "",
    "application/gzip": "",
    "application/zip": "upload.zip",
    "application/octet-stream": "",
}
_BINARY: Final = {"type": "string", "format": "binary"}
BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            _MULTIPART: {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "array", "items": _BINARY, "description": "Any number of files."},
                        "prototype": {"type": "string", "description": "What lists of formulas are put on."},
                    },
                }
            },
            _JSON: {
                "schema": {"$ref": "#/components/schemas/NewFormulas"},
                "examples": {
                    "formulas": {
                        "summary": "Formulas on a prototype",
                        "value": {"prototype": "cubic_perovskite", "formulas": ["SrTiO3", "BaZrO3"]},
                    }
                },
            },
            **{kind: {"schema": _BINARY} for kind in _FILE_TYPES},
        },
    }
}


async def read_upload(
    request: Request,
    filename: Annotated[
        str | None, Query(max_length=LONGEST_NAME, description="Name of a file that is the body itself.")
    ] = None,
    prototype: Annotated[
        str, Query(max_length=60, description="What lists of formulas are put on; a form may say it, too.")
    ] = "",
) -> tuple[list[UploadedFile], str]:
    """Return the files of an upload, and the prototype of its formulas."""
    kind = content_type(request)
    if kind == _MULTIPART:
        return await _of_form(request, prototype)
    if kind == _JSON:
        return await _of_json(request)
    if kind not in _FILE_TYPES:
        raise HTTPException(
            415,
            f"An upload is not taken as {kind or 'content of no type'}. Send a form (`curl -F file=@a.cif -F file=@POSCAR`), "
            f"a file as the body with `?filename=…`, or formulas as {_JSON}.",
        )
    name = filename or _FILE_TYPES[kind]
    if not name:
        raise InvalidBodyError(
            "The file has no name, which says what it is.",
            "Add `?filename=a.cif`, or send a form.",
            [FieldError(field="filename", message="is missing")],
        )
    return [UploadedFile(file_name(name), await request.body())], prototype


async def _of_form(request: Request, prototype: str) -> tuple[list[UploadedFile], str]:
    async with request.form(max_files=MOST_FILES, max_fields=20) as form:
        named = form.get("prototype")
        files = [
            UploadedFile(file_name(item.filename or ""), await item.read())
            for _, item in form.multi_items()
            if isinstance(item, UploadFile)
        ]
    if not files:
        raise InvalidBodyError(
            "The form has no file.",
            "Send at least one: `curl -F file=@a.cif -F file=@POSCAR`.",
            [FieldError(field="file", message="is missing")],
        )
    return files, named if isinstance(named, str) and named else prototype


async def _of_json(request: Request) -> tuple[list[UploadedFile], str]:
    try:
        told = NewFormulas.model_validate(await read_json(request))
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False)
        raise RequestValidationError([{**item, "loc": ("body", *item["loc"])} for item in found]) from None
    return [UploadedFile("formulas.txt", "\n".join(told.formulas).encode())], told.prototype
