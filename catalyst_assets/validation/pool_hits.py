"""How many hits a pool holds, where a table knows the answers: what a benchmark is judged by.

Beside the validator the only place that looks at a pool's answers. They never leave it, only their number does, and
nothing that trains or ranks calls it.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING

from catalyst_assets.campaigns.evaluations import judge_hits
from catalyst_assets.vocabulary.validators import VALIDATORS, Answers
from resources.postgres.database import Role, fetch_all

if TYPE_CHECKING:
    from catalyst_assets.campaigns.model import Campaign
    from resources.postgres.database import Database


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
