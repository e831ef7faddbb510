"""What is kept so that listing candidates is quick says what the candidates and the ledger say."""

from collections.abc import Sequence
from typing import Any

import httpx
import sqlalchemy as sa

from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from resources.postgres.database import Database, Role

CAMPAIGN = "oxide-perovskites-demo"


def count(api: httpx.Client, **query: Any) -> int:
    page = api.get("/candidates", params=query).raise_for_status().json()
    assert page["total"] == len(page["items"])
    return len(page["items"])


def decide(api: httpx.Client, candidates: Sequence[int], decision: str) -> None:
    decisions = [{"candidate_id": each, "decision": decision, "reason": "lead"} for each in candidates]
    api.post("/candidates/decisions", json={"decisions": decisions}).raise_for_status()


def test_hits_follow_what_is_decided_and_answered_since_they_were_listed(
    api: httpx.Client, campaign: ReviewedCampaign
) -> None:
    one, two = campaign.rank(0, ["p:SrTiO3", "p:BaTiO3"])
    campaign.move(one, "flagged", "in_validation")
    campaign.move(two, "flagged", "in_validation")
    assert count(api, hit=True) == 0
    campaign.answer(0, "p:SrTiO3", 1.5, -2.5)
    assert count(api, hit=True) == count(api, validated="band_gap_direct:1.5:") == 1
    campaign.answer(0, "p:BaTiO3", 1.6, -2.5)
    assert count(api, hit=True) == count(api, validated="band_gap_direct:1.5:") == 2
    assert api.post(f"/candidates/{two}/reject", json={"reason": "lead"}).status_code == 200
    assert count(api, hit=True) == 1


def test_kept_counts_are_those_of_the_candidates(
    api: httpx.Client, database: Database, campaign: ReviewedCampaign
) -> None:
    candidates = campaign.rank(0, [f"p:M{place:03d}" for place in range(70)])
    decide(api, candidates[:65], "flag")
    decide(api, candidates[:33], "reject")
    expected = {"ranked": 5, "flagged": 32, "rejected": 33}
    assert api.get(f"/campaigns/{CAMPAIGN}").json()["candidates"] == expected
    (iteration,) = api.get(f"/campaigns/{CAMPAIGN}/iterations").json()["items"]
    assert iteration["candidates"] == expected
    assert api.get("/candidates", params={"status": ["flagged", "ranked"], "limit": 1}).json()["total"] == 37
    with database.transaction(Role.APP) as connection:
        (rows,) = connection.execute(sa.text("SELECT count(*) FROM candidate_counts")).one()
    assert rows < 70
