"""Saying that somebody began to validate a candidate, or gives it back: what makes `in_validation` mean something.

Validators that start by themselves say so themselves; this is for laboratories.
"""

from typing import TYPE_CHECKING

from catalyst_assets.errors import LoopError, UsageError
from catalyst_assets.vocabulary.validators import VALIDATORS, Answers
from resources.postgres.database import fetch_one

if TYPE_CHECKING:
    import sqlalchemy as sa


def start_validation(connection: "sa.Connection", candidate_id: int, *, by: str, reason: str = "") -> bool:
    """Move a flagged candidate to in_validation; False when it was there already.

    Raises
    ------
    UsageError
        There is no such candidate.
    LoopError
        It is not flagged, or its campaign's validator starts by itself.
    """
    return _move(connection, candidate_id, "flagged", "in_validation", by, reason)


def give_back(connection: "sa.Connection", candidate_id: int, *, by: str, reason: str) -> bool:
    """Move a candidate in validation back to flagged, which is no failure; False when it was there already.

    Raises
    ------
    UsageError
        There is no such candidate, or no reason is given.
    LoopError
        It is not in validation, or its campaign's validator starts by itself.
    """
    if not reason.strip():
        raise UsageError("Who gives a candidate back says why.", "Give a reason.")
    return _move(connection, candidate_id, "in_validation", "flagged", by, reason.strip())


def _move(
    connection: "sa.Connection", candidate_id: int, before: str, after: str, by: str, reason: str
) -> bool:
    import sqlalchemy as sa

    goal = fetch_one(connection, "validation/candidate_goal", candidate_id=candidate_id)
    if goal is None:
        raise UsageError(f"There is no candidate {candidate_id}.", "Work orders number them.")
    validator = VALIDATORS.get(goal["validator"])
    if validator is None or validator.answers is not Answers.FROM_OUTSIDE:
        raise LoopError(
            f"Candidates of {goal['campaign']} are validated by {goal['validator']}, which starts by itself.",
            "Only what a laboratory validates is started by people.",
        )
    try:
        moved = fetch_one(
            connection,
            "validation/move_from",
            candidate_id=candidate_id,
            from_status=before,
            to_status=after,
            actor=by,
            reason=reason,
        )
    except sa.exc.IntegrityError as error:
        said = str(error.orig.diag.message_primary)  # type: ignore[union-attr]  # of psycopg2, which sqlalchemy does not know
        raise LoopError(
            f"{said[:1].upper()}{said[1:]}.",
            "Only a flagged candidate is started, and only one in validation is given back.",
        ) from error
    return bool(moved and moved["changed"])
