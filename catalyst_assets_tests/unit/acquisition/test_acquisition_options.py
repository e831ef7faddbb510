"""What a campaign may ask of acquisition, and what it may not."""

from typing import Any

import pandas as pd
import pytest

from catalyst_assets.campaigns.criteria import is_hit
from catalyst_assets.campaigns.evaluations import judge_hits
from catalyst_assets.campaigns.library import parse_campaign
from catalyst_assets.campaigns.model import Campaign, Strategy
from catalyst_assets.errors import InvalidCampaignError

CRITERIA = [{"property": "formation_energy_per_atom", "max": -2.0}]
OBJECTIVE = {"property": "band_gap_direct", "direction": "maximize"}


def campaign(**fields: Any) -> Campaign:
    document = {"name": "test", "pool": {"source": "x"}, "method": "PBE", "validator": "laboratory"} | fields
    return parse_campaign(document, "test")


def test_an_objective_under_criteria_has_hits_and_learns_both() -> None:
    both = campaign(
        criteria=CRITERIA,
        objective=OBJECTIVE,
        acquisition={"strategy": "constrained_expected_improvement"},
        stop={"target_hits": 3},
    )
    assert both.learned_properties == ("band_gap_direct", "formation_energy_per_atom")
    values = [{"formation_energy_per_atom": -2.5}, {"formation_energy_per_atom": 0.0, "band_gap_direct": 9.0}]
    assert is_hit(both, pd.DataFrame(values)).tolist() == [True, False]
    assert judge_hits(both, values, ["SrTiO3", "AlN"]) == [True, False]
    assert Campaign.model_validate(both.document) == both


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "criteria .at least one., an objective, or both"),
        ({"objective": OBJECTIVE}, "does not see an objective; choose expected_improvement"),
        ({"objective": OBJECTIVE, "criteria": CRITERIA}, "choose constrained_expected_improvement"),
        (
            {"criteria": CRITERIA, "acquisition": {"strategy": "constrained_expected_improvement"}},
            "needs an objective and criteria",
        ),
        (
            {"objective": OBJECTIVE, "acquisition": {"strategy": "greedy"}, "stop": {"target_hits": 1}},
            "an objective has no hits",
        ),
        ({"criteria": CRITERIA, "acquisition": {"diversity": 1.5}}, "acquisition.diversity"),
        ({"criteria": CRITERIA, "acquisition": {"cost": "n_atoms"}}, "acquisition.cost"),
        (
            {"criteria": CRITERIA, "acquisition": {"strategy": "thompson", "cost": "n_sites"}},
            "thompson has none",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidCampaignError, match=message):
        campaign(**fields)


def test_only_scores_that_are_logarithms_are_divided_by_a_cost() -> None:
    assert {s.value for s in Strategy if s.is_logarithmic} == {
        "probability_of_feasibility",
        "probability_of_improvement",
        "expected_improvement",
        "log_expected_improvement",
        "constrained_expected_improvement",
    }
    for strategy in Strategy:
        fields = {"strategy": strategy.value, "cost": "n_sites"}
        both = strategy is Strategy.CONSTRAINED_EXPECTED_IMPROVEMENT
        goal = {"criteria": CRITERIA} | ({"objective": OBJECTIVE} if both else {})
        if strategy.is_logarithmic:
            assert campaign(**goal, acquisition=fields).acquisition.cost == "n_sites"
        else:
            with pytest.raises(InvalidCampaignError):
                campaign(**goal, acquisition=fields)
