"""`/candidates/decisions`: many decisions at once, taken together or each by itself."""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, Self

import sqlalchemy as sa
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, model_validator

from catalyst_assets.campaigns.rejections import RejectionKind
from catalyst_assets.errors import LoopError, UsageError
from catalyst_assets.validation.starting import give_back, start_validation
from dash_app.api.access import PersonOf
from dash_app.api.connection import Transaction
from dash_app.api.door.versions import hold_candidates
from dash_app.api.problems import InvalidBodyError, explain_database_error, json_pointer, problem_responses
from dash_app.contract import CandidateStatus, FieldError, ReasonText
from resources.postgres.database import Row, fetch_all, fetch_one

router = APIRouter(prefix="/candidates", tags=["candidates"], responses=problem_responses(409, 422, 503))

_MOST_AT_ONCE: Final = 1000
# What a laboratory says of its own work goes by its own rules.
_BY_LABORATORY: Final = {"start": start_validation, "return": give_back}
_NEEDS_REASON: Final = frozenset({"reject", "restore", "return"})
_GOES_TO: Final = {
    "flag": CandidateStatus.FLAGGED,
    "reject": CandidateStatus.REJECTED,
    "restore": CandidateStatus.RANKED,
}
_EXAMPLE: Final[dict[str, Any]] = {
    "decisions": [
        {"candidate_id": 12, "decision": "flag", "version": 1},
        {"candidate_id": 13, "decision": "reject", "kind": "infeasible", "reason": "melts", "version": 1},
    ]
}


class Decision(BaseModel):
    """What is decided about one candidate."""

    model_config = ConfigDict(extra="forbid")

    candidate_id: Annotated[int, Field(ge=1, le=2**63 - 1)]
    decision: Literal["flag", "reject", "restore", "start", "return"] = Field(
        description="start: somebody began to validate what is flagged. return: gives it back, which is no failure. Both "
        "where a laboratory validates."
    )
    reason: ReasonText = Field("", description="Why; needed where it is rejected, restored or given back.")
    kind: RejectionKind | None = Field(None, description="Of a rejection; withdrawn where none is given.")
    version: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = Field(
        None, description="The one that was seen: refused where somebody decided since."
    )

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.decision in _NEEDS_REASON and not self.reason:
            raise ValueError(f"has no reason, which who wants to {self.decision} gives")
        if self.kind is not None and self.decision != "reject":
            raise ValueError("has a kind, which only a rejection has")
        return self


class DecisionList(BaseModel):
    """Decisions about several candidates."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    decisions: list[Decision] = Field(min_length=1, max_length=_MOST_AT_ONCE)
    all_or_nothing: bool = Field(
        True, description="Whether one that is refused refuses all; else each is taken by itself."
    )

    @model_validator(mode="after")
    def _is_unambiguous(self) -> Self:
        numbers = [each.candidate_id for each in self.decisions]
        twice = next((number for number in numbers if numbers.count(number) > 1), None)
        if twice is not None:
            raise ValueError(f"decides about candidate {twice} more than once")
        return self


class Outcome(BaseModel):
    """What became of one decision."""

    candidate_id: int
    changed: bool = Field(description="False where it was refused, or had been decided so already.")
    status: CandidateStatus | None = Field(description="Where it stands now; null where there is none.")
    version: int | None
    refusal: str = Field("", description="Why it was refused; empty where it was not.")
    remedy: str = ""


class Decided(BaseModel):
    """What became of decisions, in their order."""

    changed: int
    refused: int
    items: list[Outcome]


@router.post("/decisions", summary="Decide about many")
def decide(body: DecisionList, person: PersonOf, connection: Transaction) -> Decided:
    """Flag, reject and restore up to 1,000 candidates in one transaction; start their validation, or give them back.

    By default nothing is changed where any of them is refused: the problem lists which and why.
    """
    numbers = [each.candidate_id for each in body.decisions]
    known = {row["candidate_id"] for row in fetch_all(connection, "app/door/decided", candidate_ids=numbers)}
    hold_candidates(connection, dict.fromkeys(sorted(known)))
    taken = [_take(connection, each, person.name) for each in body.decisions]
    refusals = {index: found for index, found in enumerate(taken) if not isinstance(found, bool)}
    if refusals and body.all_or_nothing:
        raise _refuse_all(body.decisions, refusals)
    rows = {
        row["candidate_id"]: row for row in fetch_all(connection, "app/door/decided", candidate_ids=numbers)
    }
    items = [_outcome(number, found, rows.get(number)) for number, found in zip(numbers, taken, strict=True)]
    return Decided(changed=sum(item.changed for item in items), refused=len(refusals), items=items)


def _take(connection: sa.Connection, decision: Decision, actor: str) -> bool | tuple[str, str]:
    """Take one decision; return whether it changed anything, or why it is refused and what to do."""
    try:
        with connection.begin_nested():
            if decision.version is not None:
                hold_candidates(connection, {decision.candidate_id: decision.version})
            return _move(connection, decision, actor)
    except sa.exc.DBAPIError as error:
        found = explain_database_error(error)
        if found is None:
            raise
        return found.message, found.remedy
    except (LoopError, UsageError) as error:
        return error.message, error.remedy


def _move(connection: sa.Connection, decision: Decision, actor: str) -> bool:
    """Make the step of one decision; False where it stands there already."""
    move = _BY_LABORATORY.get(decision.decision)
    if move is not None:
        return move(connection, decision.candidate_id, by=actor, reason=decision.reason)
    kind = (decision.kind or RejectionKind.WITHDRAWN).value if decision.decision == "reject" else None
    moved = fetch_one(
        connection,
        "app/transition_candidate",
        candidate_id=decision.candidate_id,
        status=_GOES_TO[decision.decision].value,
        actor=actor,
        reason=decision.reason,
        kind=kind,
    )
    return bool(moved and moved["changed"])


def _refuse_all(decisions: Sequence[Decision], refusals: dict[int, tuple[str, str]]) -> InvalidBodyError:
    errors = [
        FieldError(
            field="decision",
            message=message,
            remedy=remedy,
            index=index,
            pointer=json_pointer(["decisions", index]),
        )
        for index, (message, remedy) in refusals.items()
    ]
    return InvalidBodyError(
        f"{len(errors)} of {len(decisions)} decisions are refused, so that nothing was changed. {errors[0].message}",
        "Leave out or correct what is listed, or send it with all_or_nothing: false.",
        errors,
        status=409,
    )


def _outcome(number: int, found: bool | tuple[str, str], row: Row | None) -> Outcome:
    refusal, remedy = ("", "") if isinstance(found, bool) else found
    return Outcome(
        candidate_id=number,
        changed=found is True,
        status=row["status"] if row else None,
        version=row["version"] if row else None,
        refusal=refusal,
        remedy=remedy,
    )
