"""`/runs`: what Dagster computes, asked and launched through its webserver."""

from contextlib import AbstractContextManager
from typing import Annotated, Any, Final

import sqlalchemy as sa
from fastapi import APIRouter, Path, Query, Request, Response

from catalyst_assets.constants import CAMPAIGN_TAG, PARTITION_TAG, USER_TAG
from dash_app.api.access import PersonOf
from dash_app.api.dispatch.addresses import address_of
from dash_app.api.dispatch.dagster_runs import Runs
from dash_app.api.dispatch.jobs import LAUNCHABLE, Launchable
from dash_app.api.problems import InvalidBodyError, problem_responses
from dash_app.contract import API_PREFIX, FieldError
from dash_app.dispatch_contract import NewRun, Run, RunList, RunnableJobList, RunStatus
from resources.postgres.database import Database, Role, execute, fetch_all, fetch_one

router = APIRouter(prefix="/runs", tags=["runs"], responses=problem_responses(422, 503))

_RUN_ID: Final = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
_TEXT: Final = "^[ -~]*$"
_CREATED: Final[dict[int | str, dict[str, Any]]] = {
    201: {
        "description": "The run is queued",
        "headers": {"Location": {"description": "The run.", "schema": {"type": "string"}, "required": True}},
    }
}
RunId = Annotated[str, Path(pattern=_RUN_ID, description="The run.")]


@router.get("", summary="List runs")
def list_runs(
    request: Request,
    job: Annotated[str | None, Query(max_length=100, pattern=_TEXT, description="Only of this job.")] = None,
    partition: Annotated[
        str | None, Query(max_length=100, pattern=_TEXT, description="Only of this iteration.")
    ] = None,
    campaign: Annotated[
        str | None,
        Query(max_length=100, pattern=_TEXT, description="Only those that the loop launched for it."),
    ] = None,
    status: Annotated[
        list[RunStatus] | None, Query(description="Only those that stand in one of these.")
    ] = None,
    cursor: Annotated[str | None, Query(pattern=_RUN_ID, description="Only those before this run.")] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="How many at most.")] = 25,
) -> RunList:
    """List what Dagster has computed, computes and will compute, the newest first, with why it failed where it did."""
    tags = {PARTITION_TAG: partition, CAMPAIGN_TAG: campaign}
    wanted = {
        "pipelineName": job,
        "statuses": [each.upper() for each in status] if status else None,
        "tags": [{"key": key, "value": value} for key, value in tags.items() if value is not None] or None,
    }
    wanted = {name: value for name, value in wanted.items() if value is not None}
    found = _runs(request).search(wanted, cursor, limit + 1, _pages(request))
    items = _with_who_stopped(request, found[:limit])
    return RunList(items=items, next=items[-1].run_id if len(found) > limit else None)


@router.get("/jobs", summary="List the jobs that may be launched")
def list_jobs(request: Request) -> RunnableJobList:
    """Which jobs `POST /runs` launches. What else there is, admins launch in Dagster's pages."""
    settings = request.app.state.platform.settings
    items = [job.describe(settings) for job in LAUNCHABLE.values()]
    return RunnableJobList(items=items, total=len(items))


@router.get("/{run_id}", summary="Show a run", responses=problem_responses(404))
def show_run(run_id: RunId, request: Request) -> Run:
    """Show a run: how it stands, since when, who launched it, why it failed."""
    return _with_who_stopped(request, [_runs(request).find(run_id, _pages(request))])[0]


@router.post(
    "",
    summary="Launch a run",
    status_code=201,
    responses=_CREATED | problem_responses(409, 413, 415),
)
def launch_run(body: NewRun, request: Request, response: Response, person: PersonOf) -> Run:
    """Queue a run of a job that `GET /runs/jobs` lists; it carries who launched it."""
    job = _find_job(body, request)
    config, lacking = job.read_config(request.app.state.platform.settings)
    if lacking:
        raise _refused("job", lacking, "See `catalyst ingest --help` and docs/sources.md.")
    tags = {USER_TAG: person.name}
    runs, pages = _runs(request), _pages(request)
    if body.partition is not None:
        tags |= {PARTITION_TAG: body.partition, CAMPAIGN_TAG: body.partition.rpartition("__")[0]}
    going_on = runs.going_on(job.name, body.partition, pages)
    if going_on is not None:
        raise InvalidBodyError(
            f"Run {going_on.run_id} of {job.name} is {going_on.status} already.",
            f"Wait for it, or stop it: {API_PREFIX}/runs/{going_on.run_id}.",
            [],
            status=409,
        )
    run = runs.launch(job.name, config, tags, pages)
    response.headers["Location"] = f"{API_PREFIX}/runs/{run.run_id}"
    return run


@router.post("/{run_id}/stop", summary="Stop a run", responses=problem_responses(404, 409))
def stop_run(run_id: RunId, request: Request, person: PersonOf) -> Run:
    """Have a run ended. What it wrote in whole stays; the loop may ask for the rest again, until its campaign is stopped."""
    runs, pages = _runs(request), _pages(request)
    if not runs.find(run_id, pages).status.has_ended:
        with _transaction(request) as connection:
            execute(connection, "app/runs/note_stop", run_id=run_id, actor=person.name)
    return _with_who_stopped(request, [runs.stop(run_id, pages)])[0]


def _with_who_stopped(request: Request, runs: list[Run]) -> list[Run]:
    stopped = [run.run_id for run in runs if run.status in (RunStatus.CANCELED, RunStatus.CANCELING)]
    if not stopped:
        return runs
    with _transaction(request) as connection:
        rows = fetch_all(connection, "app/runs/stopped_by", run_ids=stopped)
    actors = {row["run_id"]: row["actor"] for row in rows}
    return [run.model_copy(update={"stopped_by": actors.get(run.run_id, "")}) for run in runs]


def _find_job(body: NewRun, request: Request) -> Launchable:
    job = LAUNCHABLE.get(body.job)
    if job is None:
        known = ", ".join(LAUNCHABLE)
        raise _refused("job", f"there is no job {body.job!r} that may be launched", f"Choose among {known}.")
    if job.needs_partition is (body.partition is None):
        message = "is missing: the job is for one iteration" if job.needs_partition else "the job has none"
        raise _refused(
            "partition",
            message,
            "Give an iteration's partition key, such as `oxide-perovskites-demo__0001`, for `iteration` and `validation`.",
        )
    if body.partition is not None and not _has_iteration(request, body.partition):
        raise _refused(
            "partition",
            f"there is no iteration {body.partition!r}",
            "`GET /campaigns/{name}/iterations` lists them.",
        )
    return job


def _has_iteration(request: Request, partition: str) -> bool:
    if "\x00" in partition:
        return False
    with _transaction(request) as connection:
        return fetch_one(connection, "loop/iteration", partition_key=partition) is not None


def _transaction(request: Request) -> AbstractContextManager[sa.Connection]:
    """Open a transaction for the moment: no connection is held while Dagster is asked."""
    database: Database = request.app.state.database
    return database.transaction(Role.APP)


def _refused(field: str, message: str, remedy: str) -> InvalidBodyError:
    error = FieldError(field=field, message=message, pointer=f"/{field}", remedy=remedy)
    return InvalidBodyError(f"{field}: {message}.", remedy, [error])


def _runs(request: Request) -> Runs:
    runs: Runs = request.app.state.runs
    return runs


def _pages(request: Request) -> str:
    return address_of(request, request.app.state.platform.settings.dagster_port)
