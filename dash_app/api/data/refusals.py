"""`/quarantine`: records that were set aside instead of loaded, counted by reason and one by one; and all of them as a file."""

import json
from collections.abc import Iterator
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from catalyst_assets.validation.work_orders.files import as_text_cell
from dash_app.api.connection import Transaction
from dash_app.api.data.sources import Before, SourceName, clean
from dash_app.api.materials.exporting import claim_turn, send_file
from dash_app.api.materials.files import csv_text
from dash_app.api.problems import problem_responses
from dash_app.data_contract import Refusal, RefusalPage, RefusalReason, RefusalReasonList
from resources.postgres.database import Database, Role, Row, fetch_all

router = APIRouter(tags=["data"], responses=problem_responses(422, 503))

EXPORT: Final = "/exports/quarantine.csv"
_PAGE: Final = 1000
_COLUMNS: Final = ("quarantine_id", "source", "record", "reason", "seen_at", "raw_sha256", "payload")
Kind = Annotated[
    str | None,
    Query(
        max_length=300, description="Only for this reason, as `GET /quarantine/reasons` names it in `kind`."
    ),
]


@router.get("/quarantine/reasons", summary="Count why records were set aside")
def count_reasons(connection: Transaction, source: SourceName = None) -> RefusalReasonList:
    """Count the records that were set aside, by source and reason; numbers and names in a reason make no difference."""
    rows = fetch_all(connection, "app/data/reasons", source=clean(source))
    items = [RefusalReason.model_validate(row) for row in rows]
    return RefusalReasonList(items=items, total=sum(each.n for each in items))


@router.get("/quarantine", summary="List records that were set aside")
def list_refusals(
    connection: Transaction,
    source: SourceName = None,
    kind: Kind = None,
    before: Before = None,
    limit: Annotated[int, Query(ge=1, le=_PAGE, description="Most records on the page.")] = 100,
) -> RefusalPage:
    """List records that could not be used, each with the reason and with what it said, the newest first."""
    filters = {"source": clean(source), "kind": clean(kind), "before": before}
    rows = fetch_all(connection, "app/data/refusals", **filters, limit=limit + 1)
    items = [Refusal.model_validate(row) for row in rows[:limit]]
    return RefusalPage(items=items, next=items[-1].quarantine_id if len(rows) > limit else None)


@router.get(
    EXPORT,
    summary="Export records that were set aside",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "The file, sent while it is written.",
            "content": {"text/csv": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
def export_refusals(request: Request, source: SourceName = None, kind: Kind = None) -> StreamingResponse:
    """Export what `GET /quarantine` lists by the same filters, on all pages; `payload` is JSON."""
    claim_turn()
    pages = _pages(request.app.state.database, clean(source), clean(kind))
    return send_file(_write(pages), "text/csv; charset=utf-8", "quarantine.csv")


def _pages(database: Database, source: str | None, kind: str | None) -> Iterator[list[Row]]:
    """Yield the records page by page, each page in a transaction of its own."""
    before: int | None = None
    while True:
        with database.transaction(Role.APP) as connection:
            rows = fetch_all(
                connection, "app/data/refusals", source=source, kind=kind, before=before, limit=_PAGE
            )
        yield rows
        if len(rows) < _PAGE:
            return
        before = rows[-1]["quarantine_id"]


def _write(pages: Iterator[list[Row]]) -> Iterator[bytes]:
    yield csv_text([_COLUMNS])
    for rows in pages:
        yield csv_text(_cells(row) for row in rows)


def _cells(row: Row) -> list[str]:
    payload = "" if row["payload"] is None else json.dumps(row["payload"], ensure_ascii=False)
    plain = row | {"payload": payload, "seen_at": row["seen_at"].isoformat()}
    return [as_text_cell(str(plain[name])) for name in _COLUMNS]
