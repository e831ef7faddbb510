"""`/exports`: candidates as files, written while they are read, however many they are.

Each part is a page of its own behind the last one: a slow reader holds no connection, and a part is as of when it was read.
"""

import threading
from collections.abc import Iterator
from http import HTTPStatus
from itertools import chain
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import Field
from starlette.exceptions import HTTPException

from dash_app.api.campaigns import find_document
from dash_app.api.materials.answers import StoredAnswers
from dash_app.api.materials.files import Part, exported_properties, write_cif, write_csv, write_parquet
from dash_app.api.materials.listing import list_page
from dash_app.api.materials.rows import read_candidates
from dash_app.api.problems import problem_responses
from dash_app.candidate_contract import CandidateOrder, CandidateQuery
from resources.postgres.database import Database, Role, fetch_all

router = APIRouter(prefix="/exports", tags=["exports"])

FORMATS: Final = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "cif": "chemical/x-cif",
}
_WRITERS: Final = {"csv": write_csv, "parquet": write_parquet, "cif": write_cif}
# Each part takes a connection of its own, so that slow readers keep nobody waiting.
PATHS: Final = frozenset(f"/exports/candidates.{name}" for name in FORMATS)
_PAGE: Final = 1000
_CIF_PAGE: Final = 100
# They share the few connections that requests leave.
_at_once = threading.BoundedSemaphore(2)


class ExportQuery(CandidateOrder):
    """Which candidates are exported, in which order, and how many at most."""

    limit: int | None = Field(None, ge=1, description="Most candidates; all if not given.")


@router.get(
    "/candidates.{format}",
    summary="Export candidates",
    response_class=StreamingResponse,
    responses=problem_responses(404, 422, 503)
    | {
        200: {
            "description": "The file, sent while it is written.",
            "content": {
                kind.partition(";")[0]: {"schema": {"type": "string", "format": "binary"}}
                for kind in FORMATS.values()
            },
        }
    },
)
def export_candidates(
    format: Annotated[Literal["csv", "parquet", "cif"], Path(description="What the file is.")],  # noqa: A002
    request: Request,
    query: Annotated[ExportQuery, Query()],
) -> StreamingResponse:
    """Export what `GET /candidates` lists by the same filters, on all pages.

    CSV and Parquet have a row a candidate and columns of predictions and measured values by property; CIF has a block a candidate.
    No cell of a CSV is computed by a spreadsheet: a text that begins like a formula has an apostrophe before it.
    """
    claim_turn()
    try:
        database: Database = request.app.state.database
        parts = _Parts(database, request.app.state.answers, query, with_structures=format == "cif")
        # What is wrong with the question is said before anything is sent.
        first = next(parts)
    except BaseException:
        _at_once.release()
        raise
    chunks = _WRITERS[format](first, parts, parts.properties)
    return send_file(chunks, FORMATS[format], f"candidates.{format}")


def claim_turn() -> None:
    """Take one of the turns that :func:`send_file` gives back.

    Raises
    ------
    HTTPException
        All are taken.
    """
    if not _at_once.acquire(blocking=False):
        raise HTTPException(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "Other exports are being written.",
            headers={"Retry-After": "15"},
        )


def send_file(chunks: Iterator[bytes], media_type: str, name: str) -> StreamingResponse:
    """Return a file that is written while it is sent."""
    chunks = _released(chunks)
    # A generator that has begun ends when nobody reads on, and gives its turn back.
    head = next(chunks, b"")
    return StreamingResponse(
        chain([head], chunks),
        media_type=media_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _released(chunks: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from chunks
    finally:
        _at_once.release()


class _Parts(Iterator[Part]):
    """Pages of candidates, each read in a transaction of its own."""

    def __init__(
        self, database: Database, answers: StoredAnswers, query: ExportQuery, *, with_structures: bool
    ) -> None:
        self._database = database
        self._answers = answers
        self._left = query.limit
        self._query = CandidateQuery.model_validate(query.model_dump(exclude={"limit"}))
        self._with_structures = with_structures
        self._ended = False
        with database.transaction(Role.APP) as connection:
            if query.campaign is not None:
                find_document(connection, query.campaign)
            self.properties = exported_properties(connection, query.campaign)

    def __next__(self) -> Part:
        if self._ended:
            raise StopIteration
        size = _CIF_PAGE if self._with_structures else _PAGE
        limit = size if self._left is None else min(size, self._left)
        with self._database.transaction(Role.APP) as connection:
            listed = list_page(connection, self._query.model_copy(update={"limit": limit}), self._answers)
            candidates = read_candidates(connection, listed.candidate_ids)
            structures = {}
            if self._with_structures:
                rows = fetch_all(connection, "app/candidates/structures", candidate_ids=listed.candidate_ids)
                structures = {row["candidate_id"]: row["structure"] for row in rows}
        if self._left is not None:
            self._left -= len(candidates)
        self._ended = listed.next is None or self._left == 0
        self._query = self._query.model_copy(update={"cursor": listed.next})
        return Part(candidates, structures)
