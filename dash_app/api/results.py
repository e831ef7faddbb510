"""`/results`: what laboratories send, and the ledger that it goes into."""

import datetime as dt
import json
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import TypeAdapter, ValidationError

from catalyst_assets.errors import LoopError, UsageError
from catalyst_assets.validation.results.ledger import retract
from dash_app.api.access import Person, PersonOf
from dash_app.api.bodies import TABLE_TYPES, Upload, read_json, upload_reader
from dash_app.api.campaigns import find_document
from dash_app.api.connection import Transaction
from dash_app.api.ledger import read_result, read_results
from dash_app.api.problems import InvalidBodyError, field_error, problem_responses
from dash_app.api.recording import Said, record
from dash_app.result_contract import (
    NewResult,
    Recorded,
    ResultDetail,
    ResultId,
    ResultPage,
    Retracted,
    Retraction,
)
from resources.postgres.database import fetch_one

router = APIRouter(prefix="/results", tags=["results"], responses=problem_responses(422, 503))

_MOST_AT_ONCE: Final = 10_000
_Number = Annotated[ResultId, Path(description="The result's number.")]
_Preview = Annotated[bool, Query(description="Say what would happen, and write nothing.")]
_ROWS: Final = TypeAdapter(list[NewResult])
_EXAMPLE: Final = {
    "candidate": 12,
    "property": "band_gap",
    "value": 1.62,
    "unit": "eV",
    "standard_deviation": 0.04,
    "method": "experiment",
    "sample": "S-1",
    "operator": "Ada Lovelace",
    "date": "2026-03-31",
    "conditions": {"T": "300 K"},
}
_WRITING: Final = problem_responses(401, 403, 409, 413, 415) | {
    200: {"model": Recorded, "description": "All was there already, or it was a preview."}
}


def _body(content: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": content}}


_JSON_BODY: Final = _body(
    {
        "application/json": {
            "schema": {
                "anyOf": [
                    {"$ref": "#/components/schemas/NewResult"},
                    {"type": "array", "items": {"$ref": "#/components/schemas/NewResult"}, "minItems": 1},
                ]
            },
            "examples": {
                "one": {"summary": "One measurement", "value": _EXAMPLE},
                "failed": {
                    "summary": "A material that could not be made",
                    "value": [
                        {"formula": "SrTiO3", "method": "experiment", "synthesis": "failed", "note": "melts"}
                    ],
                },
            },
        }
    }
)
_FILE_BODY: Final = _body(
    {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": {"type": "string", "format": "binary"}},
            }
        },
        **{kind: {"schema": {"type": "string", "format": "binary"}} for kind in TABLE_TYPES},
    }
)


@router.post(
    "",
    summary="Send results",
    status_code=201,
    responses=_WRITING,
    openapi_extra=_JSON_BODY,
)
def send_results(
    request: Request,
    response: Response,
    person: PersonOf,
    body: Annotated[Any, Depends(read_json)],
    preview: _Preview = False,
) -> Recorded:
    """Send one result, or a list that is taken whole or not at all.

    Each names its material by `candidate`, `material_id`, or `formula` (with `structure` where that is ambiguous).
    The same results again change nothing; another value of the same sample and replicate needs `correction`: why.
    """
    rows = body if isinstance(body, list) else [body]
    if not rows or len(rows) > _MOST_AT_ONCE:
        raise InvalidBodyError(
            f"The list holds {len(rows):,} results.", f"Send 1 to {_MOST_AT_ONCE:,}, or a file of them.", []
        )
    try:
        parsed = _ROWS.validate_json(json.dumps(rows))
    except ValidationError as error:
        raise _not_understood(error, is_list=isinstance(body, list)) from None
    said = Said.of_rows(parsed, is_list=isinstance(body, list))
    return _record(request, response, person, said, preview)


@router.post(
    "/files",
    summary="Send a file of results",
    status_code=201,
    responses=_WRITING,
    openapi_extra=_FILE_BODY,
)
def send_file(
    request: Request,
    response: Response,
    person: PersonOf,
    file: Annotated[Upload, Depends(upload_reader(TABLE_TYPES))],
    preview: _Preview = False,
    campaign: Annotated[str, Query(max_length=60, description="Of every row that names none.")] = "",
    method: Annotated[str, Query(max_length=100, description="Likewise.")] = "",
    unit: Annotated[str, Query(max_length=40, description="Likewise.")] = "",
    operator: Annotated[str, Query(max_length=100, description="Likewise.")] = "",
    correction: Annotated[str, Query(max_length=500, description="Likewise.")] = "",
    decimal: Annotated[
        str | None, Query(pattern="^[.,]$", description="Sign before decimals; found out if not given.")
    ] = None,
) -> Recorded:
    """Send a table of results: CSV (Excel's too), .xlsx, JSON, JSON lines or Parquet, taken whole or not at all.

    It is read as `catalyst validation submit` reads it; every row that is wrong is listed by line and column.
    """
    defaults = {
        "campaign": campaign, "method": method, "unit": unit, "operator": operator, "correction": correction,
        "decimal": decimal,
    }  # fmt: skip
    return _record(request, response, person, Said.of_file(file.name, file.data, defaults), preview)


@router.get("", summary="List results", responses=problem_responses(404))
def list_results(
    connection: Transaction,
    campaign: Annotated[
        str | None,
        Query(
            description="Only answers to this campaign, and results of its candidates that no iteration asked for."
        ),
    ] = None,
    iteration: Annotated[int | None, Query(ge=0, le=2**31 - 1, description="Only to this iteration.")] = None,
    candidate: Annotated[
        ResultId | None, Query(description="Of the candidate's material, as far as its campaign may see it.")
    ] = None,
    material: Annotated[str | None, Query(max_length=300, description="Of this material.")] = None,
    since: Annotated[dt.datetime | None, Query(description="Submitted then or later.")] = None,
    before: Annotated[ResultId | None, Query(description="Older than this number: `next` of a page.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Most results on the page.")] = 100,
) -> ResultPage:
    """One page of the ledger, the newest first: corrections and retractions too, and what does not count with why."""
    if campaign is not None:
        find_document(connection, campaign)
    if since is not None:
        since = _in_utc(since)
    filters = {
        "campaign": campaign,
        "iteration": iteration,
        "candidate_id": candidate,
        "material_id": None if material is None else material.replace("\0", "\ufffd"),
        "since": since,
    }
    items = read_results(connection, **filters, before=before, limit=limit + 1)
    total = (fetch_one(connection, "app/count_results", **filters) or {"total": 0})["total"]
    more = items[limit:]
    return ResultPage(
        items=items[:limit], total=total, limit=limit, next=items[limit - 1].result_id if more else None
    )


@router.get("/{result_id}", summary="Show a result", responses=problem_responses(404))
def show_result(result_id: _Number, connection: Transaction) -> ResultDetail:
    """Show a result with all that corrected or retracted it."""
    return read_result(connection, result_id)


@router.post(
    "/{result_id}/retract",
    summary="Retract a result",
    responses=problem_responses(401, 403, 404, 409, 413),
)
def retract_result(
    result_id: _Number, person: PersonOf, connection: Transaction, request: Retraction
) -> Retracted:
    """Withdraw a result: it stays in the ledger and is not learned from again. Doing it again changes nothing."""
    fetch_one(connection, "validation/lock_results")
    held = read_result(connection, result_id)
    newest = held.chain[-1]
    if newest.outcome != "retracted" and newest.result_id != result_id:
        raise LoopError(
            f"Result {result_id} was corrected by result {newest.result_id}.",
            f"Retract {newest.result_id} instead.",
        )
    changed = newest.outcome != "retracted" and retract(
        connection, result_id, by=person.name, reason=request.reason
    )
    return Retracted(changed=changed, result=read_result(connection, result_id))


def _in_utc(time: dt.datetime) -> dt.datetime:
    """Return a time in UTC: PostgreSQL knows fewer time zones than ISO 8601 allows."""
    try:
        return time.replace(tzinfo=dt.UTC) if time.tzinfo is None else time.astimezone(dt.UTC)
    except OverflowError:
        raise UsageError("since: is outside of the years that there are.", "Write it in UTC.") from None


def _record(request: Request, response: Response, person: Person, said: Said, preview: bool) -> Recorded:
    recorded = record(request.app.state.platform, said, person, preview=preview)
    if preview or recorded.outcome == "unchanged":
        response.status_code = 200
    return recorded


def _not_understood(error: ValidationError, *, is_list: bool) -> InvalidBodyError:
    errors = []
    for item in error.errors(include_url=False, include_context=False):
        index, *within = item["loc"]
        found = field_error([index, *within] if is_list else within, item["msg"])
        found.field = ".".join(str(part) for part in within)
        found.index = int(index)
        errors.append(found)
    first = errors[0]
    place = f"Result {first.index}: " if is_list else ""
    more = f" And {len(errors) - 1} more." if len(errors) > 1 else ""
    return InvalidBodyError(
        f"{place}{first.field + ': ' if first.field else ''}{first.message}.{more}",
        "Correct what is listed and send it again: nothing was taken.",
        errors,
    )
