"""`/campaigns` and `/campaign-requests`: asking the loop to start, stop or go on with a campaign.

The API's role may not do it: it notes who asked for what, and the loop carries it out and answers.
"""

import datetime as dt
import json
from typing import Annotated, Any, Final

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Path, Query, Response

from catalyst_assets.errors import InvalidCampaignError
from catalyst_assets.validation.registry import check_goal
from dash_app.api.access import PersonOf
from dash_app.api.campaigns import CampaignName, find_document
from dash_app.api.connection import Transaction
from dash_app.api.dispatch.goals import GOAL_BODY, read_goal, refused_goal
from dash_app.api.problems import NobodyAnswersError, NotFoundError, problem_responses
from dash_app.contract import API_PREFIX
from dash_app.dispatch_contract import (
    CampaignRequest,
    CampaignRequestList,
    ReasonedRequest,
    RequestStatus,
    StopRequest,
)
from resources.postgres.database import Row, fetch_all, fetch_one

router = APIRouter(tags=["campaigns"], responses=problem_responses(422, 503))

# Where nobody answers, asking more does not help.
_MOST_WAITING: Final = 1000
_PATIENCE: Final = dt.timedelta(minutes=1)
_NOBODY: Final = "Look whether `catalyst up` runs, and its service dagster-daemon: it carries requests out."
_LARGEST: Final = 2**63 - 1
ACCEPTED: Final[dict[int | str, dict[str, Any]]] = {
    202: {
        "description": "The loop is asked; where its answer will be",
        "headers": {
            "Location": {"description": "The request.", "schema": {"type": "string"}, "required": True}
        },
    }
}


@router.post(
    "/campaigns",
    summary="Start a campaign, or change one that runs",
    status_code=202,
    responses=ACCEPTED | problem_responses(413, 415),
    openapi_extra=GOAL_BODY,
)
def start_campaign(
    response: Response,
    person: PersonOf,
    connection: Transaction,
    document: Annotated[dict[str, Any], Depends(read_goal)],
    dry_run: Annotated[
        bool,
        Query(description="Only say whether it can run here, as `catalyst campaign validate` does."),
    ] = False,
) -> CampaignRequest:
    """Have a campaign started, as `catalyst campaign start` does.

    What is wrong with the document itself is answered at once (422), each field with a pointer. Whether the installation
    holds what it needs, the answer of the request says. One that exists may change its stop rules, refresh, validation,
    acquisition, review, failures and description only; one that has ended goes on.
    """
    try:
        campaign = check_goal(document, _name_of(document))
    except InvalidCampaignError as error:
        raise refused_goal(error) from None
    kind = "validate" if dry_run else "start"
    return ask(response, connection, person.name, kind, campaign.name, document=campaign.document)


@router.post(
    "/campaigns/{name}/stop",
    summary="End a campaign",
    status_code=202,
    responses=ACCEPTED | problem_responses(404),
)
def stop_campaign(
    name: CampaignName, body: StopRequest, response: Response, person: PersonOf, connection: Transaction
) -> CampaignRequest:
    """Have a campaign ended, as `catalyst campaign stop` does: what is being computed or validated still comes in."""
    find_document(connection, name)
    return ask(response, connection, person.name, "stop", name, reason=body.reason)


@router.post(
    "/campaigns/{name}/next",
    summary="Open a campaign's next iteration now",
    status_code=202,
    responses=ACCEPTED | problem_responses(404),
)
def open_next_iteration(
    name: CampaignName,
    response: Response,
    person: PersonOf,
    connection: Transaction,
    body: ReasonedRequest | None = None,
) -> CampaignRequest:
    """Have the next iteration opened although the batch is not answered, as `catalyst campaign advance` does."""
    find_document(connection, name)
    return ask(response, connection, person.name, "next", name, reason=body.reason if body else "")


@router.post(
    "/campaigns/{name}/retry",
    summary="Try again what failed",
    status_code=202,
    responses=ACCEPTED | problem_responses(404),
)
def retry_campaign(
    name: CampaignName,
    response: Response,
    person: PersonOf,
    connection: Transaction,
    body: ReasonedRequest | None = None,
) -> CampaignRequest:
    """Have tried again at once what failed of a campaign, as `catalyst campaign retry` does."""
    find_document(connection, name)
    return ask(response, connection, person.name, "retry", name, reason=body.reason if body else "")


@router.get("/campaign-requests", summary="List what was asked of campaigns")
def list_requests(
    connection: Transaction,
    campaign: Annotated[
        str | None, Query(max_length=100, pattern="^[^\\x00]*$", description="Only of this campaign.")
    ] = None,
    status: Annotated[RequestStatus | None, Query(description="Only those that stand so.")] = None,
    before: Annotated[int | None, Query(ge=1, le=_LARGEST, description="Only older ones than this.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="How many at most.")] = 100,
) -> CampaignRequestList:
    """Who asked for what, and what became of it: the newest first. A campaign's history of what people did to it."""
    rows = fetch_all(
        connection, "app/requests/list", campaign=campaign, status=status, before=before, limit=limit + 1
    )
    items = [_shown(row) for row in rows[:limit]]
    return CampaignRequestList(items=items, next=items[-1].request_id if len(rows) > limit else None)


@router.get(
    "/campaign-requests/{request_id}",
    summary="Tell what became of a request about a campaign",
    responses=problem_responses(404),
)
def show_request(
    request_id: Annotated[int, Path(ge=1, le=_LARGEST, description="Its number.")], connection: Transaction
) -> CampaignRequest:
    """Say whether it waits, was done, or was refused and what can be done then. The event `request.*` tells when."""
    row = fetch_one(connection, "app/requests/one", request_id=request_id)
    if row is None:
        raise NotFoundError(f"There is no request {request_id}.", "`GET /campaign-requests` lists them.")
    return _shown(row)


def _shown(row: Row) -> CampaignRequest:
    request = CampaignRequest.model_validate(row)
    late = dt.datetime.now(dt.UTC) - request.asked_at > _PATIENCE
    if request.status is RequestStatus.WAITING and late:
        return request.model_copy(update={"remedy": _NOBODY})
    return request


def ask(
    response: Response,
    connection: sa.Connection,
    actor: str,
    kind: str,
    campaign: str,
    *,
    document: dict[str, Any] | None = None,
    reason: str = "",
) -> CampaignRequest:
    """Note what somebody asks, and say where the answer will be; a report that is being written is not asked for again.

    Raises
    ------
    NobodyAnswersError
        So much waits already that nobody seems to answer.
    """
    again = (
        fetch_one(connection, "app/requests/report_asked", campaign=campaign) if kind == "report" else None
    )
    added = again or _add(connection, actor, kind, campaign, document, reason)
    response.headers["Location"] = f"{API_PREFIX}/campaign-requests/{added['request_id']}"
    return show_request(added["request_id"], connection)


def _add(
    connection: sa.Connection,
    actor: str,
    kind: str,
    campaign: str,
    document: dict[str, Any] | None,
    reason: str,
) -> Row:
    waiting = fetch_one(connection, "app/requests/waiting") or {"n": 0}
    if waiting["n"] >= _MOST_WAITING:
        raise NobodyAnswersError(
            f"{waiting['n']} requests wait for the loop already.",
            _NOBODY,
        )
    added = fetch_one(
        connection,
        "app/requests/add",
        kind=kind,
        campaign=campaign,
        document=None if document is None else json.dumps(document),
        reason=reason,
        actor=actor,
    )
    return added or {}


def _name_of(document: dict[str, Any]) -> str:
    name = document.get("name")
    return name if isinstance(name, str) and 0 < len(name) <= 60 else "in the body"
