"""`/candidates`: what the rankings suggest, page by page, and a reviewer's decisions about it."""

from typing import Annotated, Final

import sqlalchemy as sa
from fastapi import APIRouter, Path, Query, Request, Response

from catalyst_assets.campaigns.rejections import RejectionKind
from catalyst_assets.vocabulary.known import label_of
from dash_app.api.access import PersonOf
from dash_app.api.campaigns import find_document
from dash_app.api.connection import Transaction, as_json
from dash_app.api.door.versions import EXPECTS_VERSION
from dash_app.api.materials.explanations import explain_candidate
from dash_app.api.materials.listing import list_page
from dash_app.api.materials.rows import read_candidates
from dash_app.api.problems import NotFoundError, problem_responses
from dash_app.candidate_contract import CandidatePage, CandidateQuery
from dash_app.contract import (
    CandidateDetail,
    CandidateEvent,
    CandidateStatus,
    FlagRequest,
    RejectRequest,
    RestoreRequest,
    Transition,
)
from resources.postgres.database import fetch_all, fetch_one

router = APIRouter(prefix="/candidates", tags=["candidates"], responses=problem_responses(404, 422, 503))

_LARGEST_ID: Final = 2**63 - 1
_STALE: Final = problem_responses(409, 412)
CandidateId = Annotated[int, Path(ge=1, le=_LARGEST_ID, description="The candidate's number.")]


@router.get("", summary="List candidates", response_model=CandidatePage)
def list_candidates(
    request: Request, connection: Transaction, query: Annotated[CandidateQuery, Query()]
) -> Response:
    """One page of candidates, filtered and sorted."""
    if query.campaign is not None:
        find_document(connection, query.campaign)
    listed = list_page(connection, query, request.app.state.answers)
    page = CandidatePage(
        items=read_candidates(connection, listed.candidate_ids),
        total=listed.total,
        total_is_exact=listed.total_is_exact,
        limit=query.limit,
        offset=query.offset,
        next=listed.next,
    )
    return as_json(page)


@router.get("/{candidate_id}", summary="Show a candidate", response_model=CandidateDetail)
def show_candidate(candidate_id: CandidateId, connection: Transaction) -> Response:
    """Show a candidate with its predictions, answers, history and structure."""
    detail = read_detail(connection, candidate_id)
    return as_json(detail, {"ETag": f'"{detail.version}"'})


@router.post(
    "/{candidate_id}/flag", summary="Flag for validation", responses=_STALE, dependencies=[EXPECTS_VERSION]
)
def flag_candidate(
    candidate_id: CandidateId, person: PersonOf, connection: Transaction, request: FlagRequest | None = None
) -> Transition:
    """Send a ranked candidate to validation; flagging it again changes nothing.

    Refused while another iteration of the campaign evaluates the same material, or once one has validated it.
    """
    return _move(
        connection, candidate_id, CandidateStatus.FLAGGED, person.name, request.reason if request else ""
    )


@router.post("/{candidate_id}/reject", summary="Reject", responses=_STALE, dependencies=[EXPECTS_VERSION])
def reject_candidate(
    candidate_id: CandidateId, request: RejectRequest, person: PersonOf, connection: Transaction
) -> Transition:
    """Take a candidate out of the loop; a validated one stays. Again with another kind corrects the kind."""
    return _move(
        connection, candidate_id, CandidateStatus.REJECTED, person.name, request.reason, request.kind
    )


@router.post("/{candidate_id}/restore", summary="Restore", responses=_STALE, dependencies=[EXPECTS_VERSION])
def restore_candidate(
    candidate_id: CandidateId, request: RestoreRequest, person: PersonOf, connection: Transaction
) -> Transition:
    """Put a withdrawn or failed candidate back to ranked, so that it may be flagged or suggested again."""
    return _move(connection, candidate_id, CandidateStatus.RANKED, person.name, request.reason)


def _move(
    connection: sa.Connection,
    candidate_id: int,
    status: CandidateStatus,
    by: str,
    reason: str,
    kind: RejectionKind | None = None,
) -> Transition:
    moved = fetch_one(
        connection,
        "app/transition_candidate",
        candidate_id=candidate_id,
        status=status.value,
        actor=by,
        reason=reason,
        kind=kind and kind.value,
    )
    return Transition(
        changed=bool(moved and moved["changed"]), candidate=read_detail(connection, candidate_id)
    )


def read_detail(connection: sa.Connection, candidate_id: int) -> CandidateDetail:
    """Return a candidate with its predictions, answers, history and structure.

    Raises
    ------
    NotFoundError
        There is none of this number.
    """
    found = read_candidates(connection, [candidate_id])
    if not found:
        raise NotFoundError(f"There is no candidate {candidate_id}.")
    (candidate,) = found
    named = [answer.property for answer in candidate.validated]
    events = fetch_all(connection, "app/candidate_events", candidate_id=candidate_id)
    kept = fetch_one(connection, "app/candidate_structure", candidate_id=candidate_id) or {"structure": {}}
    return CandidateDetail(
        **candidate.model_dump(),
        labels={name: label_of(name) for name in (*candidate.predicted, *named)},
        explanation=explain_candidate(connection, candidate_id),
        events=[CandidateEvent(**row) for row in events],
        structure=kept["structure"],
    )
