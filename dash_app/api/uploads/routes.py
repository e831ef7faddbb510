"""`/materials/uploads`: what people upload is kept at once, and read by the pipeline; a preview is read by another process."""

import threading
from collections import Counter
from typing import Annotated, Any, Final

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from starlette.exceptions import HTTPException

from catalyst_assets.ingestion.uploads.bundle import Bundle, UploadedFile
from catalyst_assets.ingestion.uploads.keeping import check_bundle, keep_upload
from catalyst_assets.ingestion.uploads.preview import expect
from catalyst_assets.ingestion.uploads.source import check_prototype
from dash_app.api.access import PersonOf
from dash_app.api.connection import Transaction
from dash_app.api.problems import NotFoundError, problem_responses
from dash_app.api.uploads.bodies import BODY, read_upload
from dash_app.upload_contract import Upload, UploadCandidate, UploadFile, UploadPage, UploadSummary
from resources.postgres.database import Database, Role, fetch_all, fetch_one

router = APIRouter(prefix="/materials/uploads", tags=["materials"], responses=problem_responses(422, 503))

# Of each formula, in a preview; ingestion compares all.
_MOST_COMPARED: Final = 20
_at_once = threading.BoundedSemaphore(1)
Number = Annotated[int, Path(ge=1, le=2**63 - 1, description="The upload's number.")]


@router.post(
    "",
    summary="Upload candidates of your own",
    status_code=201,
    responses=problem_responses(401, 403, 409, 413, 415)
    | {200: {"model": Upload, "description": "The same was uploaded before, or it was a preview."}},
    openapi_extra=BODY,
)
def upload_candidates(
    request: Request,
    response: Response,
    person: PersonOf,
    sent: Annotated[tuple[list[UploadedFile], str], Depends(read_upload)],
    preview: Annotated[
        bool, Query(description="Say what would become of each candidate, and keep nothing.")
    ] = False,
) -> Upload:
    """Upload structures (CIF, POSCAR, JSON of pymatgen; compressed, or in a ZIP) or formulas on a prototype, many at once.

    They are kept under your name and read within seconds; `GET /materials/uploads/{upload_id}` says what became of each.
    One that cannot be read is refused by itself. They belong to the source `uploads`, which campaigns name in their
    `pool`; pools that name no source have them, too. The same files again change nothing.
    """
    files, prototype = sent
    bundle = Bundle.of(person.name, files, prototype)
    check_bundle(bundle)
    check_prototype(prototype)
    database: Database = request.app.state.database
    if preview:
        response.status_code = 200
        return _preview(database, bundle)
    with database.transaction(Role.APP) as connection:
        upload_id, is_new = keep_upload(connection, request.app.state.platform.objects, bundle)
        if not is_new:
            response.status_code = 200
        response.headers["Location"] = f"{request.scope.get('root_path', '')}/materials/uploads/{upload_id}"
        return _read(connection, upload_id)


@router.get("", summary="List uploads")
def list_uploads(
    connection: Transaction,
    author: Annotated[str | None, Query(max_length=200, description="Only what they uploaded.")] = None,
    before: Annotated[
        int | None, Query(ge=1, le=2**63 - 1, description="Older than this number: `next` of a page.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Most uploads on the page.")] = 100,
) -> UploadPage:
    """List what people uploaded, the newest first."""
    author = None if author is None else author.replace("\0", "\ufffd")
    filters = {"upload_id": None, "author": author, "before": before, "limit": limit + 1}
    rows = fetch_all(connection, "app/uploads/page", **filters)
    items = [UploadSummary(**row) for row in rows[:limit]]
    return UploadPage(items=items, next=items[-1].upload_id if len(rows) > limit else None)


@router.get("/{upload_id}", summary="Show an upload", responses=problem_responses(404))
def show_upload(upload_id: Number, connection: Transaction) -> Upload:
    """Show how far an upload is, and what became of each candidate."""
    return _read(connection, upload_id)


def _read(connection: sa.Connection, upload_id: int) -> Upload:
    row = fetch_one(connection, "app/uploads/page", upload_id=upload_id, author=None, before=None, limit=1)
    if row is None:
        raise NotFoundError(f"There is no upload {upload_id}.", "GET /materials/uploads lists them.")
    candidates = [
        UploadCandidate(
            place=each["place"],
            outcome=_outcome(each),
            formula=each["formula"],
            material_id=each["material_id"],
            reason=each["reason"],
        )
        for each in fetch_all(connection, "app/uploads/candidates", upload_id=upload_id)
    ]
    return _with_candidates(UploadSummary(**row), candidates)


def _outcome(row: dict[str, Any]) -> Any:
    if row["material_id"] is not None:
        return "known" if row["is_known"] else "new"
    return "waiting" if row["reason"] is None else "refused"


def _with_candidates(summary: UploadSummary, candidates: list[UploadCandidate]) -> Upload:
    counted = Counter(candidate.outcome for candidate in candidates)
    return Upload(
        **summary.model_dump(),
        n_new=counted["new"],
        n_known=counted["known"],
        n_refused=counted["refused"],
        candidates=candidates,
    )


def _preview(database: Database, bundle: Bundle) -> Upload:
    def find_known(formulas: list[str]) -> list[dict[str, Any]]:
        with database.transaction(Role.APP) as connection:
            return fetch_all(connection, "ingestion/uploads/known", formulas=formulas, most=_MOST_COMPARED)

    if not _at_once.acquire(blocking=False):
        raise HTTPException(503, "Another preview is being made.", headers={"Retry-After": "5"})
    try:
        expected = expect(bundle, find_known)
    finally:
        _at_once.release()
    candidates = [
        UploadCandidate(
            place=each.place,
            outcome=each.outcome,
            formula=each.formula,
            material_id=each.material_id,
            reason=each.reason,
        )
        for each in expected
    ]
    summary = UploadSummary(
        upload_id=None,
        status="preview",
        author=bundle.author,
        uploaded_at=None,
        prototype=bundle.prototype,
        files=[UploadFile(name=file.name, size_bytes=len(file.data)) for file in bundle.files],
        n_candidates=len(candidates),
        problem=None,
    )
    return _with_candidates(summary, candidates)
