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
                                                                                        other iterations; then, or
                                                                                        sooner, once restored or
                                                                                        nothing else is left
``withdrawn``  a person decides          no label, even where some   not counted        once restored
               against it                of it was measured
=============  ========================  ==========================  =================  ======================

A validated candidate follows the row of ``poor`` whether it is a hit or not, and counts as a success. Only the newest
kind of a rejection counts: rejecting again with another kind corrects it. Who, when and why of each step is in
``candidate_events``; which steps are legal the database decides (migrations 0007 and 0008). Declarations only, so that
the review pages may read them: what they leave to a ranking is ``history``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal


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
    meaning
        One line for people.
    """

    trains: bool
    outcome: Literal["success", "failure"] | None
    again: Literal["never", "after_iterations"]
    meaning: str


RULES: Final[Mapping[RejectionKind, RejectionRule]] = {
    RejectionKind.POOR: RejectionRule(
        True, "success", "never", "Measured, and not good enough: its values are learned from."
    ),
    RejectionKind.INFEASIBLE: RejectionRule(
        False, None, "never", "Cannot be made or calculated: never suggested again, nothing is learned."
    ),
    RejectionKind.FAILED: RejectionRule(
        True,
        "failure",
        "after_iterations",
        "Tried without an answer: may be suggested once more some iterations later.",
    ),
    RejectionKind.WITHDRAWN: RejectionRule(
        False, None, "never", "A person decides against it: suggested again only if restored."
    ),
}

# What failed as often as this comes again only once restored: else a pool of failures would never be exhausted.
MOST_FAILURES: Final = 2
KINDS_WITHOUT_LABELS: Final = tuple(kind.value for kind, rule in RULES.items() if not rule.trains)
