"""`/attachments`: raw data that results name: spectra, pictures, output of instruments. Kept once, under their hash."""

import datetime as dt
import hashlib
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, Field

from catalyst_assets.errors import UsageError
from dash_app.api.access import PersonOf
from dash_app.api.bodies import Upload, content_type, upload_reader
from dash_app.api.connection import Transaction
from dash_app.api.problems import NotFoundError, problem_responses
from dash_app.contract import API_PREFIX
from resources.postgres.database import execute, fetch_one

router = APIRouter(prefix="/attachments", tags=["results"], responses=problem_responses(422, 503))

_ANY: Final = "application/octet-stream"
_NAMES: Final = {
    _ANY: "attachment", "text/plain": "attachment.txt", "text/csv": "attachment.csv", "image/png": "attachment.png",
    "image/jpeg": "attachment.jpg", "image/tiff": "attachment.tif", "application/pdf": "attachment.pdf",
    "application/zip": "attachment.zip", "application/json": "attachment.json",
}  # fmt: skip
_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}
_BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            },
            **dict.fromkeys(_NAMES, _BINARY),
        },
    }
}
Sha256 = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="Hash of the file.")]


class Attachment(BaseModel):
    """A file of raw data."""

    sha256: str
    name: str = Field(description="Its name where it came from.")
    size_bytes: int
    uploaded_by: str = Field(description="Who sent it first.")
    uploaded_at: dt.datetime
    attachment: str = Field(
        description="Give it as `attachment` of the results; also where the file is read."
    )


@router.post(
    "",
    summary="Send raw data",
    status_code=201,
    responses=problem_responses(413, 415),
    openapi_extra=_BODY,
)
def send_attachment(
    request: Request,
    person: PersonOf,
    connection: Transaction,
    file: Annotated[Upload, Depends(upload_reader(_NAMES))],
) -> Attachment:
    """Keep a file, and return by what name results refer to it. The same file again is kept once."""
    if not file.data:
        raise UsageError("The file is empty.", "Send one that holds something.")
    sha256 = hashlib.sha256(file.data).hexdigest()
    objects = request.app.state.platform.objects
    if not objects.exists(_key(sha256)):
        objects.put_bytes(_key(sha256), file.data)
    execute(
        connection,
        "app/door/add_attachment",
        sha256=sha256,
        name=file.name,
        media_type=content_type(request),
        size_bytes=len(file.data),
        uploaded_by=person.name,
    )
    row = fetch_one(connection, "app/door/attachment", sha256=sha256) or {}
    return Attachment(**row, attachment=f"{API_PREFIX}/attachments/{sha256}")


@router.get(
    "/{sha256}",
    summary="Read raw data",
    response_class=Response,
    responses=problem_responses(404) | {200: {"description": "The file", "content": {_ANY: _BINARY}}},
)
def read_attachment(sha256: Sha256, request: Request, connection: Transaction) -> Response:
    """Return a file as it came; browsers save it, whatever it is."""
    row = fetch_one(connection, "app/door/attachment", sha256=sha256)
    if row is None:
        raise NotFoundError("There is no such attachment.", "Results name theirs as `attachment`.")
    data = request.app.state.platform.objects.get_bytes(_key(sha256))
    disposition = f"attachment; filename*=UTF-8''{quote(row['name'], safe='')}"
    return Response(data, media_type=_ANY, headers={"Content-Disposition": disposition})


def _key(sha256: str) -> str:
    return f"attachments/{sha256[:2]}/{sha256}"
