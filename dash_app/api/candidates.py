"""`/candidates`: what the rankings suggest, page by page, and a reviewer's decisions about it."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import sqlalchemy as sa
from fastapi import APIRouter, Path, Query

from catalyst_assets.campaigns.evaluations import judge_hits
from catalyst_assets.campaigns.rejections import KINDS_WITHOUT_LABELS, RejectionKind
from catalyst_assets.vocabulary.known import label_of
from dash_app.api.access import PersonOf
from dash_app.api.campaigns import find_document
from dash_app.api.connection import Transaction
from dash_app.api.discovery import parse_document
from dash_app.api.door.versions import EXPECTS_VERSION, TELLS_VERSION
from dash_app.api.explanations import explain_candidate
from dash_app.api.problems import NotFoundError, problem_responses
from dash_app.api.superseded import count_in
from dash_app.contract import (
    Candidate,
    CandidateDetail,
    CandidateEvent,
    CandidatePage,
    CandidateStatus,
    FlagRequest,
    RejectRequest,
    RestoreRequest,
    Transition,
)
from resources.postgres.database import Row, fetch_all, fetch_one

router = APIRouter(prefix="/candidates", tags=["candidates"], responses=problem_responses(404, 422, 503))

_LARGEST_ID: Final = 2**63 - 1
_PLAIN_KEYS: Final = "rank|iteration|acquisition|feasibility|updated_at|formula|status"
_PROPERTY_KEYS: Final = "predicted|uncertainty|validated"
_FILTERS: Final = ("campaign", "iteration", "statuses", "candidate_id")
_FIRST_OF_ALL: Final = dict.fromkeys(_FILTERS) | {"limit": 1, "offset": 0}

_STALE: Final = problem_responses(409, 412)
CandidateId = Annotated[int, Path(ge=1, le=_LARGEST_ID, description="The candidate's number.")]


@router.get("", summary="List candidates")
def list_candidates(
    connection: Transaction,
    campaign: Annotated[str | None, Query(description="Only of this campaign.")] = None,
    iteration: Annotated[int | None, Query(ge=0, le=2**31 - 1, description="Only of this iteration.")] = None,
    status: Annotated[list[CandidateStatus] | None, Query(description="Only in one of these.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Most candidates on the page.")] = 100,
    offset: Annotated[int, Query(ge=0, le=_LARGEST_ID, description="Candidates before the page.")] = 0,
    sort: Annotated[
        str,
        Query(
            pattern=rf"^-?(?:{_PLAIN_KEYS}|(?:{_PROPERTY_KEYS})\.[A-Za-z][A-Za-z0-9_]*)$",
            description=f"One of {_PLAIN_KEYS.replace('|', ', ')}; or {_PROPERTY_KEYS.replace('|', ', ')} of a "
            "property, as in `predicted.band_gap`. A minus before it puts the largest first.",
        ),
    ] = "rank",
) -> CandidatePage:
    """One page of candidates, sorted; equal ones by the newest iteration, then by rank."""
    if campaign is not None:
        find_document(connection, campaign)
    filters = {
        "campaign": campaign,
        "iteration": iteration,
        "statuses": [each.value for each in status] if status else None,
    }
    rows = _read(connection, **filters, sort=sort, limit=limit, offset=offset)
    total = (fetch_one(connection, "app/count_candidates", **filters) or {"total": 0})["total"]
    return CandidatePage(items=_with_hits(connection, rows), total=total, limit=limit, offset=offset)


@router.get("/{candidate_id}", summary="Show a candidate", dependencies=[TELLS_VERSION])
def show_candidate(candidate_id: CandidateId, connection: Transaction) -> CandidateDetail:
    """Show a candidate with its predictions, answers, history and structure."""
    return _detail(connection, candidate_id)


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
    return Transition(changed=bool(moved and moved["changed"]), candidate=_detail(connection, candidate_id))


def _read(connection: sa.Connection, sort: str = "rank", **wanted: Any) -> list[Row]:
    """Return the candidates that pass filters, by name; one where nothing is said of how many."""
    key, _, name = sort.removeprefix("-").partition(".")
    order = {"sort": key, "property": name, "descending": sort.startswith("-")}
    return fetch_all(connection, "app/candidates", **(_FIRST_OF_ALL | order | wanted))


def _detail(connection: sa.Connection, candidate_id: int) -> CandidateDetail:
    rows = _read(connection, candidate_id=candidate_id)
    if not rows:
        raise NotFoundError(f"There is no candidate {candidate_id}.")
    (candidate,) = _with_hits(connection, rows)
    named = [answer.property for answer in candidate.validated]
    events = fetch_all(connection, "app/candidate_events", candidate_id=candidate_id)
    found = fetch_one(connection, "app/candidate_structure", candidate_id=candidate_id) or {"structure": {}}
    return CandidateDetail(
        **candidate.model_dump(),
        labels={name: label_of(name) for name in (*candidate.predicted, *named)},
        explanation=explain_candidate(connection, candidate_id),
        events=[CandidateEvent(**row) for row in events],
        structure=found["structure"],
    )


def _with_hits(connection: sa.Connection, rows: Sequence[Row]) -> list[Candidate]:
    hits: dict[int, bool] = {}
    for name in {row["campaign"] for row in rows if row["validated"]}:
        campaign = parse_document(find_document(connection, name))
        if campaign is None or not campaign.criteria:
            continue
        answered = [
            row
            for row in rows
            if row["campaign"] == name
            and row["rejection_kind"] not in KINDS_WITHOUT_LABELS
            and _answers(row, campaign.method)
        ]
        measured = [_measured(row, campaign.method) for row in answered]
        judged = judge_hits(campaign, measured, [row["formula"] for row in answered])
        hits |= {row["candidate_id"]: hit for row, hit in zip(answered, judged, strict=True)}
    superseded = count_in(connection, (row["partition_key"] for row in rows))
    return [
        Candidate(
            **row,
            hit=hits.get(row["candidate_id"]),
            labels_superseded=superseded.get(row["partition_key"], 0),
        )
        for row in rows
    ]


def _answers(row: Row, method: str) -> list[dict[str, Any]]:
    return [answer for answer in row["validated"] if answer["method"] == method]


def _measured(row: Row, method: str) -> dict[str, float]:
    return {
        answer["property"]: answer["value"]
        for answer in _answers(row, method)
        if answer["outcome"] == "measured"
    }
