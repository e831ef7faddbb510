"""What each operation of the API needs: the one table, which the entrance enforces and the OpenAPI document tells."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import compile_path

from dash_app.api.access import Right
from dash_app.api.problems import problem_responses

# What anybody may ask who has not signed in.
OPEN: Final = frozenset({"GET /health", "POST /session", "DELETE /session"})
RIGHTS: Final[dict[str, Right]] = {
    "GET /docs": Right.READ,
    "GET /docs/{file}": Right.READ,
    "GET /openapi.json": Right.READ,
    "GET /session": Right.READ,
    "GET /events": Right.READ,
    "GET /campaigns": Right.READ,
    "POST /campaigns": Right.ADMIN,
    "GET /campaigns/{name}": Right.READ,
    "POST /campaigns/{name}/stop": Right.ADMIN,
    "POST /campaigns/{name}/next": Right.ADMIN,
    "POST /campaigns/{name}/retry": Right.ADMIN,
    "GET /campaigns/{name}/discovery": Right.READ,
    "GET /campaigns/{name}/evaluations": Right.READ,
    "GET /campaign-choices": Right.READ,
    "POST /campaign-preview": Right.READ,
    "GET /campaigns/{name}/models": Right.READ,
    "GET /campaigns/{name}/report": Right.READ,
    "POST /campaigns/{name}/report": Right.REVIEW,
    "GET /campaign-requests": Right.READ,
    "GET /campaign-requests/{request_id}": Right.READ,
    "GET /runs": Right.READ,
    "POST /runs": Right.ADMIN,
    "GET /runs/jobs": Right.READ,
    "GET /runs/{run_id}": Right.READ,
    "POST /runs/{run_id}/stop": Right.ADMIN,
    "GET /waits": Right.READ,
    "GET /sources": Right.READ,
    "GET /sources/files": Right.READ,
    "GET /quarantine": Right.READ,
    "GET /quarantine/reasons": Right.READ,
    "GET /exports/quarantine.csv": Right.READ,
    "GET /campaigns/{name}/calculations": Right.READ,
    "GET /calculations/{job_id}": Right.READ,
    "GET /campaigns/{name}/work-order": Right.READ,
    "GET /campaigns/{name}/work-order/{file}": Right.READ,
    "GET /campaigns/{name}/iterations": Right.READ,
    "GET /campaigns/{name}/iterations/{key}/rerank": Right.READ,
    "GET /campaigns/{name}/iterations/{key}/map": Right.READ,
    "GET /candidates": Right.READ,
    "GET /candidates/{candidate_id}": Right.READ,
    "POST /candidates/decisions": Right.REVIEW,
    "GET /materials/uploads": Right.READ,
    "POST /materials/uploads": Right.REVIEW,
    "GET /materials/uploads/{upload_id}": Right.READ,
    "GET /materials/{material_id}": Right.READ,
    "GET /materials/{material_id}/cif": Right.READ,
    "GET /materials/{material_id}/neighbours": Right.READ,
    "GET /materials/{material_id}/notes": Right.READ,
    "POST /materials/{material_id}/notes": Right.REVIEW,
    "GET /exports/candidates.{format}": Right.READ,
    "POST /candidates/{candidate_id}/flag": Right.REVIEW,
    "POST /candidates/{candidate_id}/reject": Right.REVIEW,
    "POST /candidates/{candidate_id}/restore": Right.REVIEW,
    "POST /candidates/{candidate_id}/start": Right.RESULTS,
    "POST /candidates/{candidate_id}/return": Right.RESULTS,
    "GET /attachments/{sha256}": Right.READ,
    "POST /attachments": Right.RESULTS,
    "GET /results": Right.READ,
    "POST /results": Right.RESULTS,
    "POST /results/files": Right.RESULTS,
    "GET /results/{result_id}": Right.READ,
    "POST /results/{result_id}/retract": Right.RESULTS,
}
_WHO: Final = {
    Right.READ: "anybody who is signed in",
    Right.RESULTS: "a laboratory's token, reviewers and admins",
    Right.REVIEW: "reviewers and admins",
    Right.ADMIN: "admins",
}


@dataclass(frozen=True)
class Operation:
    """What a request asks for.

    Attributes
    ----------
    name
        Verb and path, as in the table; empty where there is nothing.
    needs
        None for what is open.
    """

    name: str
    needs: Right | None


class Operations:
    """The operations of an API, found by what a request asks for.

    One that the table does not name is for admins, so that nothing is open by being forgotten.
    """

    def __init__(self, app: FastAPI) -> None:
        found = []
        for route in iter_route_contexts(app.routes):
            path, methods = getattr(route, "path", None), getattr(route, "methods", None)
            if path and methods:
                pattern, _, parameters = compile_path(path)
                found += [(len(parameters), method, path, pattern) for method in methods]
        # A path that is written out comes before one with a parameter in its place.
        self._known = sorted(found, key=lambda each: each[0])

    @property
    def names(self) -> set[str]:
        """Verb and path of each."""
        return {f"{method} {path}" for _, method, path, _ in self._known}

    def find(self, method: str, path: str) -> Operation:
        """Return what a request asks for; whoever is signed in may be told that there is nothing."""
        for _, known, template, pattern in self._known:
            if known == method and pattern.match(path):
                name = f"{'GET' if method == 'HEAD' else method} {template}"
                return Operation(name, None if name in OPEN else RIGHTS.get(name, Right.ADMIN))
        if method == "HEAD":
            return self.find("GET", path)
        return Operation("", Right.READ)


def describe_rights(document: dict[str, Any]) -> None:
    """Write into an OpenAPI document who may do what, and what the others are answered."""
    document.setdefault("components", {})["securitySchemes"] = {
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "A token that `catalyst tokens create NAME --may …` printed.",
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "catalyst_session",
            "description": "What signing in leaves in a browser; the port of the review app follows the name. A page "
            "of this origin is needed to change anything with it.",
        },
    }
    for path, verbs in document["paths"].items():
        for verb, operation in verbs.items():
            name = f"{verb.upper()} {path}"
            if name in OPEN:
                operation["security"] = []
                continue
            needs = RIGHTS.get(name, Right.ADMIN)
            operation["security"] = [{"token": []}, {"session": []}]
            operation["x-right"] = needs.name.lower()
            told = operation.get("description", "")
            operation["description"] = f"{told}\n\nFor {_WHO[needs]}.".strip()
            _describe_refusals(
                operation["responses"], [401] if needs is Right.READ and verb == "get" else [401, 403]
            )


def _describe_refusals(responses: dict[str, Any], statuses: Sequence[int]) -> None:
    for status in statuses:
        described = problem_responses(status)[status] | {"description": HTTPStatus(status).phrase}
        responses.setdefault(str(status), described)
