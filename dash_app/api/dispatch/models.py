"""`/campaigns/{name}/models` and `/campaigns/{name}/report`: what a campaign's model became, and its report as a file.

Versions are told as the database notes them beside MLflow, so that reading needs neither its login nor its libraries.
"""

import datetime as dt
from email.utils import format_datetime
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from dash_app.api.access import PersonOf
from dash_app.api.campaigns import CampaignName, find_document
from dash_app.api.connection import Transaction
from dash_app.api.dispatch.addresses import address_of
from dash_app.api.dispatch.requests import ACCEPTED, ask
from dash_app.api.problems import NotFoundError, problem_responses
from dash_app.api.superseded import superseded_in
from dash_app.dispatch_contract import CampaignRequest, Model, ModelList
from resources.postgres.database import fetch_all, fetch_one

router = APIRouter(prefix="/campaigns", tags=["campaigns"], responses=problem_responses(404, 422, 503))

_FILE: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The report, one page that needs nothing else",
        "content": {"text/html": {"schema": {"type": "string"}}},
        "headers": {
            "Last-Modified": {"description": "When it was written.", "schema": {"type": "string"}},
        },
    }
}


@router.get("/{name}/models", summary="List the versions of a campaign's model")
def list_models(name: CampaignName, request: Request, connection: Transaction) -> ModelList:
    """Each registered version, the newest first: what it was trained on, its errors, and which is champion."""
    find_document(connection, name)
    pages = address_of(request, request.app.state.platform.settings.mlflow_port)
    model = f"{pages}/#/models/{name}"
    superseded = superseded_in(connection, name)
    items = [
        Model(
            **row,
            superseded=superseded.get(row["partition_key"], []),
            address=f"{model}/versions/{row['version']}",
        )
        for row in fetch_all(connection, "app/models", campaign=name)
    ]
    champion = next((each.version for each in items if each.is_champion), None)
    return ModelList(items=items, total=len(items), champion=champion, address=model)


@router.post(
    "/{name}/report",
    summary="Have a campaign's report written",
    status_code=202,
    responses=ACCEPTED,
)
def write_report(
    name: CampaignName, response: Response, person: PersonOf, connection: Transaction
) -> CampaignRequest:
    """Have the report written as the campaign stands now, by a run; `GET` sends it once the request is done."""
    find_document(connection, name)
    return ask(response, connection, person.name, "report", name)


@router.get("/{name}/report", summary="Read a campaign's report", response_class=Response, responses=_FILE)
def read_report(name: CampaignName, request: Request, connection: Transaction) -> Response:
    """Send the report that was written last, as `catalyst campaign report` writes it."""
    find_document(connection, name)
    written = fetch_one(connection, "app/requests/report", campaign=name)
    if written is None:
        raise NotFoundError(
            f"No report of campaign {name} was written yet.",
            f"Ask for one: POST /campaigns/{name}/report; the request says when it is there.",
        )
    data = request.app.state.platform.objects.get_bytes(written["key"])
    at: dt.datetime = written["answered_at"]
    headers = {
        "Content-Disposition": f'attachment; filename="{name}.html"',
        "Last-Modified": format_datetime(at.astimezone(dt.UTC), usegmt=True),
    }
    return Response(data, media_type="text/html", headers=headers)
