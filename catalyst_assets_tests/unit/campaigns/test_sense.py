"""Campaigns that are valid field by field and want what nothing can be."""

import json
from pathlib import Path
from typing import Any

import pytest

from catalyst_assets.campaigns.library import list_campaigns, load_campaign, read_stored
from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.errors import InvalidCampaignError
from catalyst_assets_tests.places import PROJECT

GAP = "band_gap_direct"


def load(folder: Path, pool: dict[str, Any] | None = None, *criteria: Any, **changes: Any) -> Campaign:
    document = {
        "name": "wanted",
        "pool": {"source": "perovskite_pbe"} | (pool or {}),
        "method": "PBE",
        "validator": "reference_table",
        "criteria": list(criteria) or [{"property": GAP, "min": 1.0}],
    }
    path = folder / "wanted.yaml"
    path.write_text(json.dumps(document | changes), encoding="utf-8")
    return load_campaign(path)


@pytest.mark.parametrize(
    ("pool", "said"),
    [
        ({"exclude_elements": ["Pn", "O"]}, "pool.exclude_elements: unknown element 'Pn'"),
        ({"elements": ["Oo"]}, "pool.elements: unknown element 'Oo': did you mean O"),
        ({"only_elements": ["Sr", "X"]}, "pool.only_elements: unknown element 'X'"),
        ({"chemical_system": "Jx-O"}, "pool.chemical_system: unknown element 'Jx'"),
        ({"exclude_elements": ["D"]}, "pool.exclude_elements: D is an isotope: write H"),
        (
            {"elements": ["O"], "exclude_elements": ["O"]},
            "elements asks for O, which exclude_elements leaves out",
        ),
        (
            {"elements": ["O", "F"], "only_elements": ["O"]},
            "elements asks for F, which only_elements leaves out",
        ),
        (
            {"chemical_system": "Al-O", "elements": ["La"]},
            "elements asks for La, which chemical_system leaves out",
        ),
        ({"chemical_system": "Al-O", "exclude_elements": ["Al"]}, "chemical_system asks for Al"),
        ({"only_elements": ["O", "F"], "exclude_elements": ["F", "O"]}, "leaves out all of only_elements"),
        ({"n_sites_min": 10, "n_sites_max": 5}, "n_sites_min 10 is above n_sites_max 5"),
    ],
)
def test_a_pool_that_can_hold_nothing_is_refused_with_its_field(
    tmp_path: Path, pool: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidCampaignError) as refused:
        load(tmp_path, pool)
    assert said in refused.value.message


@pytest.mark.parametrize(
    ("criteria", "said"),
    [
        (
            [{"property": GAP, "min": 1500, "max": 3000}],
            f"criteria.0.min: 1500 eV is outside the physical range of {GAP}, 0 to 30: is it in meV?",
        ),
        ([{"property": "formation_energy_per_atom", "max": -150}], "criteria.0.max: -150 eV/atom is outside"),
        ([{"property": GAP, "min": 0.5, "max": 2000}], "criteria.0.max: 2000 eV is outside"),
        ([{"property": "energy_above_hull", "max": -0.1}], "criteria.0.max: -0.1 eV/atom is outside"),
        (
            [{"any_of": [[{"property": GAP, "min": 1}], [{"property": GAP, "min": 900}]]}],
            "any_of.1.0.min: 900 eV",
        ),
        (
            [{"property": GAP, "max": 1.0}, {"property": GAP, "min": 2.0}],
            f"criteria.1 wants {GAP} to be at least 2 and criteria.0 at most 1: no value can be both",
        ),
        (
            [{"property": GAP, "max": 1.0}, {"any_of": [[{"property": GAP, "min": 2.0}]]}],
            "criteria.1.any_of.0.0 wants band_gap_direct to be at least 2 and criteria.0 at most 1",
        ),
        (
            [{"any_of": [[{"property": GAP, "min": 2.0}, {"property": GAP, "max": 1.5}]]}],
            "no value can be both",
        ),
    ],
)
def test_criteria_that_nothing_can_meet_are_refused(tmp_path: Path, criteria: list[Any], said: str) -> None:
    with pytest.raises(InvalidCampaignError) as refused:
        load(tmp_path, None, *criteria)
    assert said in refused.value.message


@pytest.mark.parametrize(
    ("pool", "criteria"),
    [
        ({"exclude_elements": ["Ac", "Th", "U", "Pu", "Md", "No", "Lr", "Og", "H"]}, []),
        ({"elements": ["O"], "only_elements": ["O", "Sr", "Ti"], "exclude_elements": ["Pb"]}, []),
        ({"chemical_system": "Ti-O-Sr", "elements": ["O"], "n_sites_min": 5, "n_sites_max": 5}, []),
        ({}, [{"property": "energy_above_hull", "min": -0.01, "max": 0.05}]),
        ({}, [{"property": "energy_above_hull", "max": 0}]),
        ({}, [{"property": GAP, "min": 0, "max": 30}]),
        ({}, [{"property": GAP, "min": 2.0}, {"property": GAP, "max": 2.0}]),
        ({}, [{"any_of": [[{"property": GAP, "max": 1.0}], [{"property": GAP, "min": 2.0}]]}]),
        ({}, [{"property": "never_heard_of", "min": 1e9}]),
    ],
)
def test_what_something_can_be_stays_valid(tmp_path: Path, pool: dict[str, Any], criteria: list[Any]) -> None:
    load(tmp_path, pool, *criteria)


def test_shipped_campaigns_and_examples_stay_valid() -> None:
    for name in (
        *list_campaigns(),
        PROJECT / "docs" / "examples" / "castelli" / "wide-gap-water-splitting.yaml",
    ):
        load_campaign(name)


def test_a_campaign_that_is_stored_is_read_as_it_is() -> None:
    stored = load_campaign("oxide-perovskites-demo").document
    stored["pool"]["exclude_elements"] = ["Pn"]
    stored["criteria"] = [{"property": GAP, "min": 1500.0}]
    assert read_stored(stored).pool.exclude_elements == ("Pn",)
