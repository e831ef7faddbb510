"""`/campaigns/{name}/calculations` and `/calculations/{job_id}`: what validators compute, how far it is, why it failed."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Query, Request

from catalyst_assets.validation.jobs.archive import kept_key
from catalyst_assets.validation.jobs.folder import LOG, job_folder, read_end
from catalyst_assets.vocabulary.known import label_of
from dash_app.api.campaigns import CampaignName, find_document
from dash_app.api.connection import Transaction
from dash_app.api.dispatch.addresses import address_of
from dash_app.api.problems import NotFoundError, problem_responses
from dash_app.work_contract import Calculation, CalculationDetail, CalculationPage
from resources.platform import Platform
from resources.postgres.database import Row, fetch_all, fetch_one

router = APIRouter(tags=["validation"], responses=problem_responses(404, 422, 503))

Status = Literal["waiting", "running", "done", "failed", "cancelled"]
JobId = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="The calculation's name.")]
_LOG_BYTES: Final = 16_000
_LOG_LINES: Final = 60
_REMEDIES: Final = {
    "waiting": "It starts when one of the places for calculations is free (CATALYST_DFT_JOBS), while `catalyst up` runs.",
    "failed": "`catalyst validation retry {job}` tries it again; its log says more.",
    "cancelled": "`catalyst validation retry {job}` asks for it again.",
}


@router.get("/campaigns/{name}/calculations", summary="List a campaign's calculations")
def list_calculations(
    name: CampaignName,
    request: Request,
    connection: Transaction,
    status: Annotated[list[Status] | None, Query(description="Only in one of these.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Most calculations on the page.")] = 100,
    offset: Annotated[int, Query(ge=0, le=100_000, description="Calculations before the page.")] = 0,
) -> CalculationPage:
    """One page of the calculations that answer for candidates of a campaign (`validator: gpaw`, `adsorption` or `command`)."""
    goal = find_document(connection, name)
    rows = fetch_all(
        connection,
        "app/calculations/page",
        campaign=name,
        statuses=status,
        job_id=None,
        limit=limit,
        offset=offset,
    )
    counts = {
        row["status"]: row["n"] for row in fetch_all(connection, "app/calculations/counts", campaign=name)
    }
    typical = fetch_one(
        connection,
        "app/calculations/typical",
        validator=goal.get("validator", ""),
        method=goal.get("method", ""),
    ) or {"seconds": None, "n": 0}
    return CalculationPage(
        items=[Calculation(**_shown(request, row)) for row in rows],
        total=sum(n for each, n in counts.items() if not status or each in status),
        limit=limit,
        offset=offset,
        counts=counts,
        typical_seconds=typical["seconds"],
        typical_of=typical["n"],
    )


@router.get("/calculations/{job_id}", summary="Show a calculation")
def show_calculation(job_id: JobId, request: Request, connection: Transaction) -> CalculationDetail:
    """Show a calculation with the last lines that its program printed, while it runs too."""
    row = fetch_one(
        connection, "app/calculations/page", campaign=None, statuses=None, job_id=job_id, limit=1, offset=0
    )
    if row is None:
        raise NotFoundError(
            f"There is no calculation {job_id[:12]}.", "`GET /campaigns/{name}/calculations` lists them."
        )
    return CalculationDetail(**_shown(request, row), log=_log(request.app.state.platform, row))


def _shown(request: Request, row: Row) -> dict[str, Any]:
    remedy = _REMEDIES.get(row["status"], "").format(job=row["job_id"][:12])
    pages = address_of(request, request.app.state.platform.settings.dagster_port)
    return row | {
        "labels": {name: label_of(name) for name in row["properties"]},
        "remedy": remedy,
        "address": row["run_id"] and f"{pages}/runs/{row['run_id']}",
    }


def _log(platform: Platform, row: Row) -> str:
    """Return the end of a log: as it was kept, or as it grows in the folder where this server sees that."""
    kept = row["files"].get(LOG)
    if kept is not None and platform.objects.exists(kept_key(kept)):
        data = platform.objects.get_bytes(kept_key(kept))[-_LOG_BYTES:]
    else:
        data = read_end(job_folder(platform.settings, row["job_id"]).file(LOG), _LOG_BYTES)
    lines = data.decode("utf-8", "replace").rstrip().splitlines()[-_LOG_LINES:]
    return "\n".join("".join(sign for sign in line if sign.isprintable() or sign == "\t") for line in lines)
