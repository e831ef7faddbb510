"""How many hits a pool holds, and what its best are, where a table knows the answers: what a benchmark is judged by.

Beside the validator the only place that looks at a pool's answers. They never leave it, only numbers of them do, and
nothing that trains or ranks calls it.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from catalyst_assets.campaigns.evaluations import judge_hits
from catalyst_assets.vocabulary.validators import VALIDATORS, Answers
from resources.postgres.database import Role, fetch_all

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from catalyst_assets.campaigns.model import Campaign
    from resources.postgres.database import Database

_TOP: Final = 0.01


def knows_hits(campaign: "Campaign") -> bool:
    """Tell whether it is known which members of a campaign's pool are hits."""
    return VALIDATORS[campaign.validator].answers is Answers.AT_ONCE and bool(campaign.criteria)


def count_pool_hits(database: "Database", campaign: "Campaign", formulas: Mapping[str, str]) -> int | None:
    """Return how many hits a pool holds; None where nobody knows.

    Parameters
    ----------
    formulas
        Reduced formula of each member.
    """
    if not knows_hits(campaign):
        return None
    answers: dict[str, dict[str, float]] = defaultdict(dict)
    with database.transaction(Role.VALIDATOR) as connection:
        for row in fetch_all(
            connection,
            "validation/hits_in_pool",
            material_ids=list(formulas),
            method=campaign.method,
            properties=sorted({*campaign.properties, *campaign.learned_properties}),
        ):
            answers[row["material_id"]][row["property"]] = row["value"]
    known = sorted(answers)
    return sum(judge_hits(campaign, [answers[i] for i in known], [formulas[i] for i in known]))


@dataclass(frozen=True)
class Standing:
    """How far a campaign drove its objective, among all that a table knows of its pool.

    Attributes
    ----------
    objective
        The property that is driven as far as it goes.
    rank
        Of the best that was evaluated: 1 where nothing in the pool is better.
    known
        Members of the pool whose value the table knows.
    evaluated
        Of these, how many the campaign evaluated.
    top
        How many are the best hundredth of them, at least one.
    top_found
        Of these, how many the campaign evaluated.
    """

    objective: str
    rank: int
    known: int
    evaluated: int
    top: int
    top_found: int

    @property
    def random_expected_top(self) -> float:
        """How many of the best hundredth random choice expects to find."""
        return self.evaluated * self.top / self.known


def rank_best(
    database: "Database", campaign: "Campaign", members: "Sequence[str]", evaluated: "Collection[str]"
) -> Standing | None:
    """Return how what was evaluated stands among a pool; None where nobody knows.

    Parameters
    ----------
    members, evaluated
        Ids of materials.
    """
    objective = campaign.objective
    if objective is None or campaign.criteria:
        return None
    if VALIDATORS[campaign.validator].answers is not Answers.AT_ONCE:
        return None
    with database.transaction(Role.VALIDATOR) as connection:
        rows = fetch_all(
            connection,
            "validation/hits_in_pool",
            material_ids=list(members),
            method=campaign.method,
            properties=[objective.property],
        )
    sign = -1 if objective.direction == "maximize" else 1
    costs = {row["material_id"]: sign * row["value"] for row in rows}
    found = [costs[name] for name in costs if name in evaluated]
    if not found:
        return None
    top = max(1, round(_TOP * len(costs)))
    best = sorted(costs, key=lambda name: (costs[name], name))[:top]
    return Standing(
        objective=objective.property,
        rank=1 + sum(cost < min(found) for cost in costs.values()),
        known=len(costs),
        evaluated=len(found),
        top=top,
        top_found=sum(name in evaluated for name in best),
    )
