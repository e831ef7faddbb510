"""`/sources`: what came from where, under which licence, when it is asked again, and which files cannot be read."""

import threading
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

import sqlalchemy as sa
from cachetools import TTLCache, cached
from fastapi import APIRouter, Query, Request

from catalyst_assets.ingestion.reference_tables.spec import SPEC as TABLES
from catalyst_assets.ingestion.sources.configured import is_named
from catalyst_assets.ingestion.sources.registry import SOURCES
from catalyst_assets.ingestion.sources.spec import SourceSpec
from dash_app.api.connection import Transaction
from dash_app.api.data.refreshes import Refreshes, read_refreshes
from dash_app.api.dispatch.jobs import LAUNCHABLE
from dash_app.api.problems import problem_responses
from dash_app.data_contract import RawFile, RawFilePage, Source, SourceList
from resources.postgres.database import Database, Role, Row, fetch_all, fetch_one
from resources.settings import Settings

router = APIRouter(prefix="/sources", tags=["data"], responses=problem_responses(422, 503))

SourceName = Annotated[str | None, Query(max_length=200, description="Only of this source.")]
Before = Annotated[
    int | None, Query(ge=1, le=2**63 - 1, description="Older than this number: `next` of a page.")
]
_KEPT_SECONDS: Final = 60.0
_NOTHING_YET: Final[Row] = {
    "fetched_at": None, "n_files": 0, "n_waiting": 0, "n_failed": 0, "n_records": 0, "n_materials": 0, "n_set_aside": 0,
}  # fmt: skip


class CountedSources:
    """What came of each source, in memory until something is fetched, loaded or set aside, and for a minute at most.

    Of a million records the counts take seconds. Of several who ask at once one reads them.
    """

    def __init__(self) -> None:
        kept: TTLCache[Any, list[Row]] = TTLCache(1, _KEPT_SECONDS)
        self._read = cached(
            kept, key=lambda _, state: tuple(state.values()), condition=threading.Condition()
        )(_read_sources)

    def get(self, connection: sa.Connection) -> list[Row]:
        """Return a row a source."""
        return self._read(connection, fetch_one(connection, "app/data/sources_state") or {})


def _read_sources(connection: sa.Connection, _: Row) -> list[Row]:
    return fetch_all(connection, "app/data/sources")


@router.get("", summary="List sources")
def list_sources(request: Request) -> SourceList:
    """List every source of which there is something, or which the sources file names, and how fresh it is."""
    settings: Settings = request.app.state.platform.settings
    database: Database = request.app.state.database
    with database.transaction(Role.APP) as connection:
        rows = request.app.state.sources.get(connection)
    # No connection is held while Dagster is asked.
    refreshes = read_refreshes(
        request.app.state.dagster, [spec.job for spec in SOURCES if spec.job in LAUNCHABLE]
    )
    items = [_describe(row, _spec_of(row["source"]), refreshes, settings) for row in rows]
    there = {_spec_of(row["source"]).name for row in rows}
    for spec in SOURCES:
        if spec.name not in there and is_named(spec.name, settings):
            row = _NOTHING_YET | {"source": spec.name, "licences": [spec.licence]}
            items.append(_describe(row, spec, refreshes, settings))
    return SourceList(items=items, total=len(items), schedules="known" if refreshes.is_known else "unknown")


@router.get("/files", summary="List raw files")
def list_raw_files(
    connection: Transaction,
    source: SourceName = None,
    status: Annotated[
        Literal["pending", "parsed", "failed"] | None, Query(description="Only those that stand so.")
    ] = None,
    current: Annotated[
        bool | None, Query(description="true: only those that no later one has replaced.")
    ] = None,
    before: Before = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Most files on the page.")] = 100,
) -> RawFilePage:
    """List the files that sources gave, the newest first, with why one cannot be read."""
    filters = {"source": clean(source), "status": status, "current": current, "before": before}
    rows = fetch_all(connection, "app/data/raw_files", **filters, limit=limit + 1)
    items = [RawFile.model_validate(row) for row in rows[:limit]]
    return RawFilePage(items=items, next=items[-1].raw_file_id if len(rows) > limit else None)


def clean(text: str | None) -> str | None:
    """Return a text as PostgreSQL can hold it: nothing there has a zero in it."""
    return None if text is None else text.replace("\0", "\ufffd")


def _spec_of(source: str) -> SourceSpec:
    """Return the declaration of a source; several providers, lists and tables go by one."""
    known = (spec for spec in SOURCES if source == spec.name or source.startswith(f"{spec.name}_"))
    return next(known, TABLES)


def _describe(row: Row, spec: SourceSpec, refreshes: Refreshes, settings: Settings) -> Source:
    job = LAUNCHABLE.get(spec.job)
    last, coming = refreshes.last.get(spec.job), refreshes.next.get(spec.job)
    is_late = (
        spec.schedule is not None
        and coming is not None
        and last is not None
        and datetime.now(UTC) - last > spec.schedule.warn_after
    )
    told: dict[str, Any] = {
        "title": spec.title,
        "job": None if job is None else job.name,
        "unavailable": "" if job is None else job.read_config(settings)[1],
        "schedule": spec.schedule.cron if spec.schedule else None,
        "refreshed_at": last,
        "next_refresh_at": coming,
        "is_late": is_late,
    }
    return Source(**row, **told)
