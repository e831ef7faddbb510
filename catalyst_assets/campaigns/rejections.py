"""What a rejection teaches: by its kind, whether it is a label, and whether the material is suggested again.

=============  ========================  ==========================  =================  ======================
kind           given when                training                    chance of failure  suggested again
=============  ========================  ==========================  =================  ======================
``poor``       it was measured and is    what was measured of it is  a success          never: it is known
               no hit                    a label
``infeasible`` it cannot be made or      no label, even where some   not counted        never
               calculated                of it was measured
``failed``     it was tried and gave     what was measured of it is  a failure          one more time, after
               no full answer            a label; the rest is none                      ``failures.suggest_again_after``
                                                                                        other turns; then, or
                                                                                        sooner, once restored or
                                                                                        nothing else is left
``withdrawn``  a person decides          no label, even where some   not counted        once restored
               against it                of it was measured
=============  ========================  ==========================  =================  ======================

A validated candidate follows the row of ``poor`` whether it is a hit or not, and counts as a success. Only the newest
kind of a rejection counts: rejecting again with another kind corrects it. Who, when and why of each step is in
``candidate_events``; which steps are legal the database decides (migrations 0007 and 0008).
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Literal

from resources.postgres.database import fetch_all

if TYPE_CHECKING:
    import sqlalchemy as sa

    from catalyst_assets.campaigns.model import Campaign


class RejectionKind(StrEnum):
    """Why a candidate left the loop."""

    POOR = "poor"
    INFEASIBLE = "infeasible"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class RejectionRule:
    """What follows from one kind of rejection.

    Attributes
    ----------
    trains
        Whether what was measured of the material is a label.
    outcome
        What it tells a model of failures: ``"success"``, ``"failure"`` or, when it says nothing, None.
    again
        Whether the material is suggested again by itself.
    can_be_restored
        Whether a person may put it back; the database enforces it.
    meaning
        One line for people.
    """

    trains: bool
    outcome: Literal["success", "failure"] | None
    again: Literal["never", "after_turns"]
    can_be_restored: bool
    meaning: str


RULES: Final[Mapping[RejectionKind, RejectionRule]] = {
    RejectionKind.POOR: RejectionRule(
        True, "success", "never", False, "Measured, and not good enough: its values are learned from."
    ),
    RejectionKind.INFEASIBLE: RejectionRule(
        False,
        None,
        "never",
        False,
        "Cannot be made or calculated: never suggested again, nothing is learned.",
    ),
    RejectionKind.FAILED: RejectionRule(
        True,
        "failure",
        "after_turns",
        True,
        "Tried without an answer: may be suggested once more some turns later.",
    ),
    RejectionKind.WITHDRAWN: RejectionRule(
        False, None, "never", True, "A person decides against it: suggested again only if restored."
    ),
}

# What failed as often as this comes again only once restored: else a pool of failures would never be exhausted.
MOST_FAILURES: Final = 2
KINDS_WITHOUT_LABELS: Final = tuple(kind.value for kind, rule in RULES.items() if not rule.trains)


@dataclass(frozen=True)
class History:
    """What earlier turns of a campaign leave to a ranking.

    Attributes
    ----------
    withheld
        Materials that are not suggested.
    pending
        Those of them that are being evaluated.
    failed, answered
        Materials whose last evaluation failed, or gave an answer.
    waiting
        Those withheld that are suggested again once enough turns have passed.
    """

    withheld: frozenset[str] = frozenset()
    pending: frozenset[str] = frozenset()
    failed: frozenset[str] = frozenset()
    answered: frozenset[str] = frozenset()
    waiting: frozenset[str] = frozenset()

    def for_pool(self, members: Iterable[str]) -> "History":
        """Return the history that holds for a pool: without anything else in it to suggest, nothing waits.

        Without other candidates no turn passes, so that waiting would never end. Applied again it changes nothing.
        """
        if self.waiting and self.withheld.issuperset(members):
            return replace(self, withheld=self.withheld - self.waiting, waiting=frozenset())
        return self

    def to_json(self) -> dict[str, list[str]]:
        """Return the history as a JSON object."""
        return {name: sorted(members) for name, members in vars(self).items()}

    @classmethod
    def from_json(cls, value: Mapping[str, list[str]]) -> "History":
        """Read what ``to_json`` wrote."""
        return cls(**{name: frozenset(members) for name, members in value.items()})


def read_history(connection: "sa.Connection", campaign: "Campaign", iteration: int) -> History:
    """Return what a turn of a campaign has to respect, as it stands now, whatever pool it chooses from."""
    rows = fetch_all(connection, "acquisition/decided", campaign=campaign.name, iteration=iteration)
    return judge_history(rows, iteration, campaign.failures.suggest_again_after)


def judge_history(rows: Iterable[Mapping[str, Any]], iteration: int, suggest_again_after: int) -> History:
    """Apply the rules.

    Parameters
    ----------
    rows
        Candidates of earlier turns that were decided about, in the order of the turns: ``material_id``,
        ``iteration``, ``status`` and ``rejection_kind``.
    iteration
        The turn that ranks.
    suggest_again_after
        Turns in between before a failed material may come again.
    """
    settled, waiting, pending, outcomes = set(), set(), set(), {}
    n_failures: Counter[str] = Counter()
    for row in rows:
        material_id, status = row["material_id"], row["status"]
        rule = _rule(status, row["rejection_kind"])
        if rule is None:
            pending.add(material_id)
        elif rule.outcome is not None:
            outcomes[material_id] = rule.outcome
        if rule is not None and rule.outcome == "failure":
            n_failures[material_id] += 1
        if rule is None or rule.again == "never" or n_failures[material_id] >= MOST_FAILURES:
            settled.add(material_id)
        elif iteration - row["iteration"] - 1 < suggest_again_after:
            waiting.add(material_id)
    by_outcome = {
        outcome: frozenset(name for name, last in outcomes.items() if last == outcome)
        for outcome in ("failure", "success")
    }
    return History(
        withheld=frozenset(settled | waiting),
        pending=frozenset(pending),
        failed=by_outcome["failure"],
        answered=by_outcome["success"],
        waiting=frozenset(waiting - settled),
    )


def _rule(status: str, kind: str | None) -> RejectionRule | None:
    """Return the rule for a candidate that was decided about; None while it is being evaluated."""
    if kind is not None:
        return RULES[RejectionKind(kind)]
    return RULES[RejectionKind.POOR] if status == "validated" else None
