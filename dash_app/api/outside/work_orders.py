"""`/campaigns/{name}/work-order`: what laboratories are asked for, as files to fill in, and what other systems were told."""

from collections import defaultdict
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from catalyst_assets.campaigns.library import read_stored
from catalyst_assets.errors import UsageError
from catalyst_assets.validation.work_orders.files import order_table, order_workbook
from catalyst_assets.validation.work_orders.messages import MOST_ATTEMPTS
from catalyst_assets.validation.work_orders.orders import read_order
from catalyst_assets.validation.work_orders.sheet import render_sheet
from catalyst_assets.vocabulary.known import label_of, unit_of
from dash_app.api.campaigns import CampaignName, find_document
from dash_app.api.connection import Transaction
from dash_app.api.problems import NotFoundError, problem_responses
from dash_app.work_contract import Asked, OutInIteration, WorkOrder, WorkOrderMessage
from resources.postgres.database import fetch_all

router = APIRouter(prefix="/campaigns", tags=["validation"], responses=problem_responses(404, 409, 422, 503))

_MOST_MESSAGES: Final = 100
# A table that somebody fills in, and a sheet of so many pages; of more one takes an iteration.
_MOST_CANDIDATES: Final = 2000
_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class OrderFile(StrEnum):
    """The files of a work order."""

    TABLE = "results.csv"
    WORKBOOK = "results.xlsx"
    SHEET = "work-order.html"


_MEDIA_TYPES: Final = {
    OrderFile.TABLE: "text/csv; charset=utf-8",
    OrderFile.WORKBOOK: _XLSX,
    OrderFile.SHEET: "text/html; charset=utf-8",
}
_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}
_SIGNS: Final = {"comma": ",", "semicolon": ";", "tab": "\t"}


@router.get("/{name}/work-order", summary="Show what a campaign asks for")
def show_work_order(name: CampaignName, request: Request, connection: Transaction) -> WorkOrder:
    """Show what waits for an answer, what each is measured for, the files to fill in, and what other systems were told."""
    goal = read_stored(find_document(connection, name))
    iterations = _out(connection, name)
    n = sum(each.flagged + each.in_validation for each in iterations)
    root = request.scope.get("root_path", "")
    files = {file.value: f"{root}/campaigns/{name}/work-order/{file}" for file in OrderFile} if n else {}
    if n:
        files["structures.cif"] = (
            f"{root}/exports/candidates.cif?campaign={name}&status=flagged&status=in_validation"
        )
    messages = fetch_all(
        connection,
        "app/work_orders/messages",
        campaign=name,
        most_attempts=MOST_ATTEMPTS,
        limit=_MOST_MESSAGES,
    )
    return WorkOrder(
        campaign=name,
        validator=goal.validator,
        method=goal.method,
        asked=[
            Asked(property=each, label=label_of(each), unit=unit_of(each)) for each in goal.learned_properties
        ],
        candidates=n,
        iterations=iterations,
        files=files,
        is_announced=bool(request.app.state.platform.settings.work_order_webhook),
        messages=[WorkOrderMessage(**row) for row in messages],
    )


@router.get(
    "/{name}/work-order/{file}",
    summary="Download a work order",
    response_class=Response,
    responses={
        200: {
            "description": "The file.",
            "content": {kind.partition(";")[0]: _BINARY for kind in _MEDIA_TYPES.values()},
        }
    },
)
def read_work_order(
    name: CampaignName,
    file: Annotated[
        OrderFile, Path(description="A table to fill in, as CSV or workbook, or a sheet to print.")
    ],
    connection: Transaction,
    iteration: Annotated[
        int | None, Query(ge=0, le=2**31 - 1, description="Only what this iteration asked for.")
    ] = None,
    delimiter: Annotated[
        Literal["comma", "semicolon", "tab"], Query(description="Between the columns of the CSV.")
    ] = "comma",
) -> Response:
    """Send a file of the work order, as `catalyst validation export` writes it; `POST /results/files` takes it filled in."""
    find_document(connection, name)
    _check_size(name, _out(connection, name), iteration)
    order = read_order(connection, name, iteration)
    if file is OrderFile.TABLE:
        data = order_table(order, _SIGNS[delimiter])
    elif file is OrderFile.WORKBOOK:
        data = order_workbook(order)
    else:
        data = render_sheet(order).encode()
    disposition = f'attachment; filename="{name}-{file}"'
    return Response(data, media_type=_MEDIA_TYPES[file], headers={"Content-Disposition": disposition})


def _out(connection: sa.Connection, name: str) -> list[OutInIteration]:
    found: defaultdict[int, dict[str, Any]] = defaultdict(lambda: {"flagged": 0, "in_validation": 0})
    for row in fetch_all(connection, "app/work_orders/out", campaign=name):
        its = found[row["iteration"]]
        its[row["status"]] = row["n"]
        its["since"] = min(row["since"], its.get("since", row["since"]))
    return [OutInIteration(iteration=number, **its) for number, its in found.items()]


def _check_size(name: str, out: list[OutInIteration], iteration: int | None) -> None:
    n = sum(each.flagged + each.in_validation for each in out if iteration in (None, each.iteration))
    if not n:
        of = "" if iteration is None else f" of iteration {iteration}"
        raise NotFoundError(f"No candidate{of} of {name} waits for an answer.", "Flag some first.")
    if n > _MOST_CANDIDATES:
        raise UsageError(
            f"{n:,} candidates wait for an answer; a file holds {_MOST_CANDIDATES:,} at most.",
            "Ask for one iteration, or write them with `catalyst validation export`.",
        )
