"""`/candidates/{id}/start` and `/return`: who says that validation of a candidate began, or that it cannot be done now."""

from collections.abc import Callable

import sqlalchemy as sa
from fastapi import APIRouter

from catalyst_assets.validation import starting
from dash_app.api.access import Person, PersonOf
from dash_app.api.candidates import CandidateId, read_detail
from dash_app.api.connection import Transaction
from dash_app.api.problems import problem_responses
from dash_app.contract import Transition
from dash_app.result_contract import ReturnRequest, StartRequest

router = APIRouter(
    prefix="/candidates", tags=["candidates"], responses=problem_responses(401, 403, 404, 409, 413, 422, 503)
)


@router.post("/{candidate_id}/start", summary="Start validation")
def start_validation(
    candidate_id: CandidateId, person: PersonOf, connection: Transaction, request: StartRequest | None = None
) -> Transition:
    """Say that somebody began to make or measure a flagged candidate; saying it again changes nothing.

    Its campaign waits for results from outside (`validator: laboratory`); the others start by themselves.
    """
    reason = request.reason if request else ""
    return _moved(connection, candidate_id, starting.start_validation, person, reason)


@router.post("/{candidate_id}/return", summary="Give back")
def return_candidate(
    candidate_id: CandidateId, request: ReturnRequest, person: PersonOf, connection: Transaction
) -> Transition:
    """Give back a candidate that cannot be validated now: it is flagged again, with the reason.

    This is no failure: where something was tried and nothing came of it, send a result with `"outcome": "failed"`.
    """
    return _moved(connection, candidate_id, starting.give_back, person, request.reason)


def _moved(
    connection: sa.Connection, candidate_id: int, move: Callable[..., bool], person: Person, reason: str
) -> Transition:
    read_detail(connection, candidate_id)  # says that there is none
    changed = move(connection, candidate_id, by=person.name, reason=reason)
    return Transition(changed=changed, candidate=read_detail(connection, candidate_id))
