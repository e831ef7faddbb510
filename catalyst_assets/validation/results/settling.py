"""What results mean for the candidates of an iteration: the lifecycle follows the ledger, whoever wrote it.

====================================================  ==================================================================
what the ledger holds of a candidate                  where it goes
====================================================  ==================================================================
every learned property is measured                    ``validated``, or ``rejected`` as poor where it is no hit
another failed attempt, and properties lack           back to ``flagged`` with the reason; ``rejected`` as infeasible after
                                                      ``failures.attempts`` of them, or as failed at once where trying
                                                      again gives the same; as infeasible at once where it has no
                                                      structure to calculate
what was answered was corrected                       as if it had been answered so at first
what was answered was retracted                       back to ``in_validation``
====================================================  ==================================================================

A decision that a person made (withdrawn, or infeasible) stays. Asked again it changes nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalyst_assets.campaigns.evaluations import judge_hits
from catalyst_assets.campaigns.rejections import RejectionKind
from catalyst_assets.constants import NO_STRUCTURE
from catalyst_assets.vocabulary.validators import VALIDATORS, Answers
from resources.postgres.database import Row, fetch_all, fetch_one

if TYPE_CHECKING:
    import sqlalchemy as sa

    from catalyst_assets.campaigns.iterations import Iteration
    from catalyst_assets.campaigns.model import Campaign


@dataclass(frozen=True)
class Settled:
    """How many candidates moved, and where.

    Attributes
    ----------
    validated, poor
        Answered in full: what a campaign without criteria looks for counts as validated.
    failed
        Rejected because no full answer comes.
    returned
        Flagged again after a failure.
    reopened
        In validation again because what was answered was retracted.
    """

    validated: int = 0
    poor: int = 0
    failed: int = 0
    returned: int = 0
    reopened: int = 0


@dataclass(frozen=True)
class Step:
    """A step of a candidate's lifecycle."""

    status: str
    reason: str = ""
    kind: RejectionKind | None = None


def settle(connection: "sa.Connection", iteration: "Iteration") -> Settled:
    """Move the candidates of an iteration to where its results put them, in the caller's transaction.

    Parameters
    ----------
    connection
        As the validator's role.
    """
    campaign = iteration.campaign
    rows = fetch_all(
        connection,
        "validation/standing",
        partition_key=iteration.partition_key,
        campaign=campaign.name,
        validator=campaign.validator,
        all_failures=VALIDATORS[campaign.validator].answers is Answers.AT_ONCE,
        standing_failure=NO_STRUCTURE,
    )
    hits = judge_hits(campaign, [row["known"] for row in rows], [row["reduced_formula"] for row in rows])
    moved = dict.fromkeys(("validated", "poor", "failed", "returned", "reopened"), 0)
    for row, is_hit in zip(rows, hits, strict=True):
        steps = list(_steps(campaign, row, is_hit=is_hit))
        for step in steps:
            fetch_one(
                connection,
                "acquisition/move",
                candidate_id=row["candidate_id"],
                to_status=step.status,
                actor=campaign.validator,
                reason=step.reason,
                kind=step.kind.value if step.kind else None,
            )
        if steps:
            moved[_counts_as(steps[-1])] += 1
    return Settled(**moved)


def _counts_as(step: Step) -> str:
    if step.kind is not None:
        return "poor" if step.kind is RejectionKind.POOR else "failed"
    return {"validated": "validated", "flagged": "returned"}.get(step.status, "reopened")


def _steps(campaign: "Campaign", row: Row, *, is_hit: bool) -> Iterator[Step]:
    target = _target(campaign, row, is_hit=is_hit)
    stays = target and (target.status, target.kind) == (row["status"], row["rejection_kind"])
    # What failed before anybody said that it began is told all the same.
    if target is None or (stays and row["status"] != "flagged"):
        return
    if row["status"] == "flagged":
        yield Step("in_validation")
    elif row["status"] == "rejected" and target.status == "rejected":
        pass
    elif row["status"] in {"validated", "rejected"} and not target.reason:
        because = row["superseded_because"]
        target = Step(
            target.status, f"answered otherwise: {because}" if because else "answered late", target.kind
        )
    yield target


def _target(campaign: "Campaign", row: Row, *, is_hit: bool) -> Step | None:
    """Return where a candidate belongs; None where the ledger says nothing that moves it."""
    if row["rejection_kind"] == "infeasible" and row["rejected_by"] != campaign.validator:
        return None
    lacking = [name for name in campaign.learned_properties if name not in row["known"]]
    if not lacking:
        if is_hit or not campaign.criteria:
            return Step("validated")
        return Step("rejected", "measured, and no hit", RejectionKind.POOR)
    failed = row["attempts"] > row["n_returned"]
    if failed:
        return _after_failure(campaign, row, lacking)
    if row["status"] == "validated" or row["rejection_kind"] == "poor":
        return Step("in_validation", f"{', '.join(lacking)} was retracted: {row['superseded_because']}")
    return None


def _after_failure(campaign: "Campaign", row: Row, lacking: list[str]) -> Step | None:
    if row["rejection_kind"] in {"failed", "infeasible"}:
        return None
    cannot_be_computed = row["failure"] == NO_STRUCTURE
    said = f": {row['failure']}" if row["failure"] not in {"", "no answer"} else ""
    reason = f"{campaign.validator} has no answer for {', '.join(lacking)}{said}"
    if cannot_be_computed:
        return Step("rejected", reason, RejectionKind.INFEASIBLE)
    if VALIDATORS[campaign.validator].is_deterministic:
        return Step("rejected", reason, RejectionKind.FAILED)
    if row["attempts"] >= campaign.failures.attempts:
        times = f"failed {row['attempts']} times, the last time because " if row["attempts"] > 1 else ""
        return Step("rejected", f"{times}{reason}", RejectionKind.INFEASIBLE)
    return Step("flagged", reason)
