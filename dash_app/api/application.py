"""The API as one ASGI application, to be mounted at `/api/v1` by whichever server carries it."""

import threading
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from fastapi import Depends, FastAPI

from dash_app.api import campaigns, candidates, rankings, reference, results, validation
from dash_app.api.connection import Transaction
from dash_app.api.data import refusals, sources
from dash_app.api.dispatch import models, preview, requests, runs
from dash_app.api.dispatch.dagster_runs import Runs
from dash_app.api.dispatch.pools import Previews
from dash_app.api.door import attachments, decisions
from dash_app.api.door.gate import Gate
from dash_app.api.door.idempotency import HONOURED_BELOW, Idempotency
from dash_app.api.door.repeating import RepeatOnce
from dash_app.api.door.unknown import refuse_unknown_parameters
from dash_app.api.events import routes as events
from dash_app.api.events.feed import Feed
from dash_app.api.materials import exporting, neighbours, pool_map
from dash_app.api.materials import routes as materials
from dash_app.api.materials.answers import StoredAnswers
from dash_app.api.outside import calculations, work_orders
from dash_app.api.people import sessions
from dash_app.api.people.entrance import Entrance, Threshold
from dash_app.api.people.identity import Identity
from dash_app.api.people.rights import describe_rights
from dash_app.api.problems import install_problem_handlers, problem_responses
from dash_app.api.progress import routes as progress
from dash_app.api.standing import Standings
from dash_app.api.uploads import routes as uploads
from dash_app.contract import Health, Problem
from dash_app.result_contract import NewResult
from dash_app.upload_contract import NewFormulas
from resources.platform import Platform
from resources.postgres.database import fetch_one
from resources.services import dagster_address
from resources.web.asking import AskingFor
from resources.web.asking_dagster import DagsterServer

_DESCRIPTION: Final = """Campaigns, the candidates their rankings suggest, decisions about them, and the results of
validation. Requests carry a token, which `catalyst tokens create NAME` prints, in the header `Authorization: Bearer TOKEN`, or
the cookie of a browser that signed in; each operation says for whom it is. Errors are problem details (RFC 9457). The
lifecycle is ranked → flagged → in_validation → validated, or
rejected from any but validated, and back to ranked from a withdrawn or failed one; the database enforces it and keeps
who decided, why and when. [Review app](/) · [OpenAPI document](/api/v1/openapi.json)"""

# They use one only to learn who asks, or one of their own.
_WITHOUT_CONNECTION: Final = reference.PATHS | {"/openapi.json", "/events"}

_IDEMPOTENCY_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Made by the sender for each request. The same request with the same key again, within a week, does "
    "nothing and is answered as it was (with the header Idempotency-Replayed).",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$", "title": "Idempotency-Key"},
}


def create_api(platform: Platform, asking: AskingFor) -> FastAPI:
    """Build the API.

    Parameters
    ----------
    platform
        Its database needs the role of the app only.
    asking
        Says for whom other servers of the installation ask.
    """
    app = FastAPI(
        title="Catalyst discovery",
        version=_version(),
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(refuse_unknown_parameters)],
    )
    app.state.platform = platform
    app.state.database = platform.database
    app.state.asking = asking
    app.state.rankings = rankings.StoredRankings()
    app.state.dagster = DagsterServer(dagster_address(platform.settings), asking)
    app.state.runs = Runs(app.state.dagster)
    app.state.answers = StoredAnswers()
    app.state.standings = Standings()
    app.state.previews = Previews()
    app.state.sources = sources.CountedSources()
    app.state.feed = Feed(platform.database)
    install_problem_handlers(app)
    app.include_router(events.router)
    app.include_router(sessions.router)
    app.include_router(campaigns.router)
    app.include_router(campaigns.waits)
    app.include_router(progress.router)
    app.include_router(preview.router)
    app.include_router(requests.router)
    app.include_router(models.router)
    app.include_router(runs.router)
    app.include_router(rankings.router)
    app.include_router(pool_map.router)
    app.include_router(candidates.router)
    app.include_router(uploads.router)
    app.include_router(materials.router)
    app.include_router(neighbours.router)
    app.include_router(exporting.router)
    app.include_router(sources.router)
    app.include_router(refusals.router)
    app.include_router(validation.router)
    app.include_router(calculations.router)
    app.include_router(work_orders.router)
    app.include_router(results.router)
    app.include_router(decisions.router)
    app.include_router(attachments.router)
    app.include_router(reference.router)

    @app.get(
        "/health", tags=["health"], summary="Tell whether the API works", responses=problem_responses(503)
    )
    def health(connection: Transaction) -> Health:
        """Answer "ok" when the database answers."""
        row = fetch_one(connection, "app/health") or {}
        return Health(status="ok", version=_version(), database=row["server_version"], role=row["role"])

    _describe_problems(app)
    # From the inside out: to look who somebody is takes a connection, so it is done in their turn.
    identity = Identity(platform.database, platform.settings, asking)
    app.add_middleware(RepeatOnce)
    app.add_middleware(Idempotency, database=platform.database)
    app.add_middleware(Entrance, api=app, identity=identity)
    app.add_middleware(
        Gate,
        open_paths=_WITHOUT_CONNECTION | exporting.PATHS | {refusals.EXPORT},
        own_lane=frozenset({"/health"}),
    )
    app.add_middleware(Threshold, api=app, identity=identity)
    return app


def _describe_problems(app: FastAPI) -> None:
    """Put the shape of a problem into the OpenAPI document in place of FastAPI's own error shape."""
    generate = app.openapi
    # Requests in several threads look into it, and the first of them makes it.
    making = threading.Lock()

    def openapi() -> dict[str, object]:
        with making:
            return described()

    def described() -> dict[str, object]:
        document = generate()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        if "Problem" not in schemas:
            for model in (Problem, NewResult, NewFormulas):
                shape = model.model_json_schema(ref_template="#/components/schemas/{model}")
                schemas.update(shape.pop("$defs", {}), **{model.__name__: shape})
            schemas.pop("HTTPValidationError", None)
            schemas.pop("ValidationError", None)
            for path, verbs in document["paths"].items():
                for verb, operation in verbs.items():
                    if verb != "get" and path.startswith(HONOURED_BELOW):
                        operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
                        operation["responses"].setdefault("409", problem_responses(409)[409])
                    _add_common_problems(operation)
            describe_rights(document)
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def _add_common_problems(operation: dict[str, Any]) -> None:
    """Name the problems that any operation may answer: those of the door before it."""
    common = (403, 422, 503, *((408, 413, 415) if "requestBody" in operation else ()))
    answers = operation["responses"]
    for status, answer in problem_responses(*common).items():
        answers.setdefault(str(status), answer)
    operation["responses"] = dict(sorted(answers.items()))


def _version() -> str:
    try:
        return version("catalyst-discovery")
    except PackageNotFoundError:
        return "0"
