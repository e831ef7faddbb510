"""What the demo says in the end of an objective, and of criteria."""

import dataclasses

from catalyst_assets.commands.demo.outcome import Outcome, as_object, describe_found
from catalyst_assets.report.summary import CampaignSummary, HitSummary
from catalyst_assets.validation.pool_hits import Standing

CRITERIA = CampaignSummary(
    campaign="demo", pool_size=50, hits_in_pool=10, criteria=("x",), discovery=((1, 0), (2, 1))
)
OBJECTIVE = dataclasses.replace(
    CRITERIA,
    hits_in_pool=None,
    criteria=(),
    discovery=((1, 0), (2, 0)),
    best=(0.4, 0.35),
    found=(HitSummary("plate:FeNi", "FeNi", 2, 0, {"overpotential": 0.35}),),
)
STANDING = Standing("overpotential", rank=3, known=50, evaluated=2, top=5, top_found=1)


def test_hits_are_told_beside_chance() -> None:
    outcome = Outcome(CRITERIA)
    assert (
        describe_found(outcome) == "1 hits after 2 evaluations of 50 candidates; random choice expects 0.40."
    )
    assert as_object(outcome, 1.5)["objective"] is None


def test_the_best_is_told_with_its_rank_and_the_best_hundredth_beside_chance() -> None:
    outcome = Outcome(OBJECTIVE, STANDING)
    assert describe_found(outcome) == (
        "FeNi, 0.350 V, is the best after 2 evaluations of 50 candidates: rank 3 of 50. Of the 5 that are the best "
        "hundredth 1 were found; random choice expects 0.20."
    )
    assert as_object(outcome, 1.5)["objective"] == {
        "property": "overpotential",
        "best": 0.35,
        "material_id": "plate:FeNi",
        "rank": 3,
        "best_hundredth": 5,
        "found_of_best_hundredth": 1,
        "random_expected_of_best_hundredth": 0.2,
    }
