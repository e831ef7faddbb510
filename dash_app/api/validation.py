"""`/candidates/{id}/start` and `/return`: who says that validation of a candidate began, or that it cannot be done now."""

import sqlalchemy as sa
from fastapi import APIRouter

from catalyst_assets.errors import LoopError
from catalyst_assets.vocabulary.validators import VALIDATORS, Answers
from dash_app.api.access import Writer, WriterOf
from dash_app.api.candidates import CandidateId, show_candidate
from dash_app.api.connection import Transaction
from dash_app.api.problems import NotFoundError, problem_responses
from dash_app.contract import CandidateStatus, Transition
from dash_app.result_contract import ReturnRequest, StartRequest
from resources.postgres.database import fetch_one

router = APIRouter(
    prefix="/candidates", tags=["candidates"], responses=problem_responses(401, 403, 404, 409, 413, 422, 503)
)


@router.post("/{candidate_id}/start", summary="Start validation")
def start_validation(
    candidate_id: CandidateId, writer: WriterOf, connection: Transaction, request: StartRequest | None = None
) -> Transition:
    """Say that somebody began to make or measure a flagged candidate; saying it again changes nothing.

    Its campaign waits for results from outside (`validator: laboratory`); the others start by themselves.
    """
    reason = request.reason if request else ""
    return _move(
        connection, candidate_id, CandidateStatus.FLAGGED, CandidateStatus.IN_VALIDATION, writer, reason
    )


@router.post("/{candidate_id}/return", summary="Give back")
def return_candidate(
    candidate_id: CandidateId, request: ReturnRequest, writer: WriterOf, connection: Transaction
) -> Transition:
    """Give back a candidate that cannot be validated now: it is flagged again, with the reason.

    This is no failure: where something was tried and nothing came of it, send a result with `"outcome": "failed"`.
    """
    return _move(
        connection,
        candidate_id,
        CandidateStatus.IN_VALIDATION,
        CandidateStatus.FLAGGED,
        writer,
        request.reason,
    )


def _move(
    connection: sa.Connection,
    candidate_id: int,
    before: CandidateStatus,
    after: CandidateStatus,
    writer: Writer,
    reason: str,
) -> Transition:
    goal = fetch_one(connection, "app/candidate_goal", candidate_id=candidate_id)
    if goal is None:
        raise NotFoundError(f"There is no candidate {candidate_id}.")
    validator = VALIDATORS.get(goal["validator"])
    if validator is None or validator.answers is not Answers.FROM_OUTSIDE:
        raise LoopError(
            f"Candidates of {goal['campaign']} are validated by {goal['validator']}, which starts by itself.",
            "Only what a laboratory validates is started by people.",
        )
    moved = fetch_one(
        connection,
        "app/move_from",
        candidate_id=candidate_id,
        from_status=before.value,
        to_status=after.value,
        actor=writer.name,
        reason=reason,
    )
    return Transition(
        changed=bool(moved and moved["changed"]), candidate=show_candidate(candidate_id, connection)
    )
