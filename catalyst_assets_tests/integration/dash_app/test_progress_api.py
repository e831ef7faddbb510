"""What the API says of how far campaigns are, against a real PostgreSQL: evaluations, random choice, a goal being made."""

from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from catalyst_assets.report.statistics import random_band
from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from resources.postgres.database import Database, Role

CAMPAIGN = "oxide-perovskites-demo"


def test_evaluations_show_what_was_predicted_beside_what_was_measured(
    api: httpx.Client, campaign: ReviewedCampaign
) -> None:
    campaign.rank(0, ["p:AlLaO3", "p:SrTiO3"])
    campaign.rank(1, ["p:BaZrO3"])
    campaign.answer(0, "p:AlLaO3", 1.5, -2.5)  # a hit
    campaign.answer(0, "p:SrTiO3", 1.5, -1.9)
    campaign.answer(1, "p:BaZrO3", 2.0, -2.5)  # a hit

    listed = api.get(f"/campaigns/{CAMPAIGN}/evaluations").json()
    assert [(each["number"], each["formula"], each["hit"], each["learned"]) for each in listed["items"]] == [
        (1, "AlLaO3", True, False),
        (2, "SrTiO3", False, False),
        (3, "BaZrO3", True, True),
    ]
    assert listed["items"][2]["properties"]["band_gap_direct"] == {
        "measured": 2.0, "predicted": 1.5, "uncertainty": 0.3,
    }  # fmt: skip
    hits = api.get(f"/campaigns/{CAMPAIGN}/evaluations", params={"hit": True, "offset": 1}).json()
    assert ([each["number"] for each in hits["items"]], hits["total"]) == ([3], 2)
    others = api.get(f"/campaigns/{CAMPAIGN}/evaluations", params={"hit": False}).json()
    assert [each["formula"] for each in others["items"]] == ["SrTiO3"]
    assert api.get("/campaigns/none/evaluations").status_code == 404


def test_random_choice_rests_on_what_is_known_of_the_pool_and_says_so(
    api: httpx.Client, campaign: ReviewedCampaign, database: Database
) -> None:
    nothing = api.get(f"/campaigns/{CAMPAIGN}/discovery").json()
    assert (nothing["hits"], nothing["random"]["basis"]) == ([], "unknown")
    assert "nothing is evaluated yet" in nothing["random"]["explanation"]

    materials = [f"p:{name}" for name in ("AlLaO3", "SrTiO3", "KNbO3", "BaZrO3")]
    campaign.rank(0, materials)
    campaign.rank(1, ["p:CaTiO3"])
    for material, gap in zip(materials, (1.5, 5.0, 5.0, 1.5), strict=True):
        campaign.answer(0, material, gap, -2.5)
    campaign.answer(1, "p:CaTiO3", 1.5, -2.5)

    estimated = api.get(f"/campaigns/{CAMPAIGN}/discovery").json()
    assert estimated["hits"] == [1, 1, 1, 2, 3]
    assert estimated["iterations"] == [0, 0, 0, 0, 1]
    chance = estimated["random"]
    assert (chance["basis"], chance["hits_in_pool"], chance["evaluated"]) == ("initial_batch", None, [4, 5])
    assert "2 hits in 4" in chance["explanation"]
    assert (chance["mean"], chance["low"], chance["high"]) == ([2.0, 2.5], [2.0, 2.0], [2.0, 3.0])

    with database.transaction(Role.OWNER) as connection:
        connection.execute(
            sa.text(
                'UPDATE active_learning_runs SET metrics = \'{"pool_size": 50, "hits_in_pool": 10}\''
                " WHERE iteration = 0"
            )
        )
    known = api.get(f"/campaigns/{CAMPAIGN}/discovery").json()["random"]
    low, high = random_band(50, 10, range(6))
    assert (known["basis"], known["pool_size"], known["hits_in_pool"]) == ("known", 50, 10)
    assert known["evaluated"] == [0, 1, 2, 3, 4, 5]
    assert (known["low"], known["high"]) == (low.tolist(), high.tolist())
    assert known["mean"] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])


def test_an_objective_has_a_best_value_after_each_evaluation_and_no_band(
    api: httpx.Client, database: Database
) -> None:
    document = ReviewedCampaign(database).document | {
        "criteria": [],
        "objective": {"property": "band_gap_direct", "direction": "maximize"},
        "acquisition": {"strategy": "expected_improvement", "batch_size": 10},
        "stop": {"max_evaluations": 40},
    }
    campaign = ReviewedCampaign(database, document=document).start()
    campaign.rank(0, ["p:AlLaO3", "p:SrTiO3", "p:KNbO3"])
    for material, gap in (("p:AlLaO3", 1.5), ("p:SrTiO3", None), ("p:KNbO3", 2.5)):
        campaign.answer(0, material, gap, -2.0)
    shown = api.get(f"/campaigns/{CAMPAIGN}/discovery").json()
    assert (shown["hits"], shown["best"]) == ([], [1.5, 1.5, 2.5])
    assert shown["random"]["basis"] == "unknown"
    (listed,) = api.get("/campaigns").json()["items"]
    assert (listed["best"], listed["hits"], listed["max_evaluations"]) == (2.5, None, 40)


def test_the_list_of_campaigns_follows_every_answer_and_decision(
    api: httpx.Client, campaign: ReviewedCampaign
) -> None:
    def listed() -> tuple[Any, ...]:
        (one,) = api.get("/campaigns").json()["items"]
        shown = api.get(f"/campaigns/{CAMPAIGN}").json()
        assert {name: shown[name] for name in one} == one
        return one["evaluated"], one["hits"]

    assert listed() == (0, 0)
    first, _ = campaign.rank(0, ["p:AlLaO3", "p:SrTiO3"])
    assert listed() == (0, 0)
    campaign.answer(0, "p:AlLaO3", 1.5, -2.5)
    assert listed() == (1, 1)
    campaign.move(first, "flagged", "in_validation", "rejected", reason="cracked", kind="withdrawn")
    assert listed() == (1, 0)
    campaign.answer(0, "p:SrTiO3", 1.5, -2.5)
    assert listed() == (2, 1)


def preview(api: httpx.Client, document: dict[str, Any]) -> dict[str, Any]:
    answer = api.post("/campaign-preview", json=document)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_a_goal_that_is_being_made_is_counted_and_every_field_that_is_wrong_named(
    api: httpx.Client, campaign: ReviewedCampaign, database: Database
) -> None:
    campaign.rank(0, [f"p:{name}" for name in ("AgAlO3", "SrTiO3", "KNbO3", "BaZrO3")])
    known = {"p:AgAlO3": (1.5, -2.5), "p:SrTiO3": (5.0, -2.5), "p:KNbO3": (1.5, None)}
    with database.transaction(Role.OWNER) as connection:
        for material, (gap, energy) in known.items():
            entries = {"band_gap_direct": gap, "formation_energy_per_atom": energy}
            connection.execute(
                sa.text(
                    "UPDATE materials SET properties = (SELECT jsonb_object_agg(key, jsonb_build_array(jsonb_build_object("
                    " 'value', value, 'method', 'PBE', 'source', 'p'))) FROM jsonb_each(CAST(:entries AS jsonb))"
                    " WHERE value <> 'null') WHERE material_id = :material"
                ),
                {"entries": str(entries).replace("'", '"').replace("None", "null"), "material": material},
            )
    campaign.answer(0, "p:BaZrO3", 2.0, -2.2)  # a result is known too

    nothing = preview(api, {})
    assert (nothing["is_valid"], nothing["pool"]) == (False, None)
    assert {"name", "pool", "method", "validator"} <= {each["field"] for each in nothing["errors"]}

    begun = preview(api, {"pool": {"elements": ["Al"]}})
    assert begun["pool"] == {
        "size": 4, "left_out": {}, "looked_at": 4, "known": None, "hits": None, "is_estimate": False,
    }  # fmt: skip
    gate = {"energy_above_hull": {"max": 0.1, "method": "sevennet-l3i5"}}
    gated = preview(api, {"pool": {"elements": ["Al"], **gate}})["pool"]
    assert (gated["size"], gated["left_out"]) == (0, {"energy above hull by sevennet-l3i5": 4})

    goal = {
        "name": "wide-gaps",
        "validator": "laboratory",
        "method": "PBE",
        "pool": {"elements": ["Al"]},
        "criteria": [
            {"property": "band_gap_direct", "min": 1.0, "max": 2.3},
            {"property": "formation_energy_per_atom", "max": -2.0},
        ],
    }
    whole = preview(api, goal)
    assert (whole["is_valid"], whole["errors"], whole["exists"]) == (True, [], "")
    assert (whole["pool"]["known"], whole["pool"]["hits"]) == (3, 2)
    assert whole["yaml"].splitlines()[:4] == [
        "name: wide-gaps",
        "pool:",
        "  elements: [Al]",
        "criteria:",
    ]
    assert preview(api, goal | {"name": CAMPAIGN})["exists"] == "active"
    narrower = preview(api, goal | {"criteria": [{"property": "band_gap_direct", "max": 1.2}]})
    assert (narrower["pool"]["known"], narrower["pool"]["hits"]) == (4, 0)

    wrong = preview(api, goal | {"criteria": [{"property": "band_gap_direkt", "min": 1}], "initial_batch": 0})
    assert [each["field"] for each in wrong["errors"]] == ["initial_batch"]
    wrong = preview(api, goal | {"criteria": [{"property": "band_gap_direkt", "min": 1}]})
    (error,) = wrong["errors"]
    assert (error["pointer"], "band_gap_direct" in error["message"]) == ("/criteria/0/property", True)
    assert preview(api, goal | {"pool": {"elements": ["Xx"]}})["is_valid"] is False


def test_a_file_that_is_half_typed_is_told_apart_from_one_that_is_wrong(api: httpx.Client) -> None:
    answer = api.post(
        "/campaign-preview",
        content="stop: {max_evaluations: 60",
        headers={"Content-Type": "application/yaml"},
    ).json()
    assert "cannot be read as YAML" in answer["unreadable"]
    assert (answer["is_valid"], answer["errors"], answer["pool"]) == (False, [], None)
    assert (
        api.post("/campaign-preview", content="x", headers={"Content-Type": "text/html"}).status_code == 415
    )


def test_what_a_campaign_may_be_made_of_is_listed(
    api: httpx.Client, campaign: ReviewedCampaign, database: Database
) -> None:
    campaign.rank(0, ["p:AgAlO3"])
    campaign.answer(0, "p:AgAlO3", 2.0, -2.2)
    choices = api.get("/campaign-choices").json()
    gap = next(each for each in choices["properties"] if each["name"] == "band_gap_direct")
    assert (gap["label"], gap["unit"], gap["low"], gap["high"]) == ("Band gap direct", "eV", 0.0, gap["high"])
    assert gap["methods"] == ["PBE"]
    assert {"reference_table", "laboratory"} <= {each["name"] for each in choices["validators"]}
    assert [each["name"] for each in choices["strategies"] if not each["sees_criteria"]] == [
        "constrained_expected_improvement"
    ]
    assert "PBE" in {each["name"] for each in choices["methods"]}
