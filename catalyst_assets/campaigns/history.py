"""What earlier iterations of a campaign leave to a ranking: the rules of ``rejections`` applied to what was decided."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from catalyst_assets.campaigns.rejections import MOST_FAILURES, RULES, RejectionKind, RejectionRule
from resources.postgres.database import fetch_all

if TYPE_CHECKING:
    import sqlalchemy as sa

    from catalyst_assets.campaigns.model import Campaign


@dataclass(frozen=True)
class History:
    """What earlier iterations of a campaign leave to a ranking.

    Attributes
    ----------
    withheld
        Materials that are not suggested.
    pending
        Those of them that are being evaluated.
    failed, answered
        Materials whose last evaluation failed, or gave an answer.
    waiting
        Those withheld that are suggested again once enough iterations have passed.
    """

    withheld: frozenset[str] = frozenset()
    pending: frozenset[str] = frozenset()
    failed: frozenset[str] = frozenset()
    answered: frozenset[str] = frozenset()
    waiting: frozenset[str] = frozenset()

    def for_pool(self, members: Iterable[str]) -> "History":
        """Return the history that holds for a pool: without anything else in it to suggest, nothing waits.

        Without other candidates no iteration passes, so that waiting would never end. Applied again it changes nothing.
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
    """Return what an iteration of a campaign has to respect, as it stands now, whatever pool it chooses from."""
    rows = fetch_all(connection, "acquisition/decided", campaign=campaign.name, iteration=iteration)
    return judge_history(rows, iteration, campaign.failures.suggest_again_after)


def judge_history(rows: Iterable[Mapping[str, Any]], iteration: int, suggest_again_after: int) -> History:
    """Apply the rules.

    Parameters
    ----------
    rows
        Candidates of earlier iterations that were decided about, in the order of the iterations: ``material_id``,
        ``iteration``, ``status`` and ``rejection_kind``.
    iteration
        The iteration that ranks.
    suggest_again_after
        Iterations in between before a failed material may come again.
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
