"""Decisions about many at once, and many people deciding at once: nothing is lost, nothing illegal happens."""

import random
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import httpx
import sqlalchemy as sa

from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from resources.postgres.database import Database, Role

LEGAL: Final = {
    (None, "ranked"), ("ranked", "flagged"), ("ranked", "rejected"), ("flagged", "rejected"), ("rejected", "rejected"),
    ("rejected", "ranked"),
}  # fmt: skip
REVIEWERS: Final = 20
TURNS: Final = 6


def standing(api: httpx.Client) -> dict[int, tuple[str, int]]:
    items = api.get("/candidates", params={"limit": 1000}).json()["items"]
    return {each["candidate_id"]: (each["status"], each["version"]) for each in items}


def test_decisions_are_taken_together_or_each_by_itself(
    api: httpx.Client, campaign: ReviewedCampaign
) -> None:
    first, second, third = campaign.rank(0, ["p:SrTiO3", "p:PbTiO3", "p:AlLaO3"])
    decisions = [
        {"candidate_id": first, "decision": "flag", "version": 1},
        {"candidate_id": second, "decision": "reject", "reason": "lead", "version": 7},
        {"candidate_id": 999, "decision": "flag"},
        {"candidate_id": third, "decision": "reject", "reason": "dear", "kind": "infeasible"},
    ]
    refused = api.post("/candidates/decisions", json={"decisions": decisions})
    problem = refused.json()
    assert (refused.status_code, problem["status"]) == (409, 409)
    assert [(error["index"], error["pointer"]) for error in problem["errors"]] == [
        (1, "/decisions/1"),
        (2, "/decisions/2"),
    ]
    assert "was changed since: it is ranked" in problem["errors"][0]["message"]
    assert set(standing(api).values()) == {("ranked", 1)}

    each = api.post("/candidates/decisions", json={"decisions": decisions, "all_or_nothing": False}).json()
    assert (each["changed"], each["refused"]) == (2, 2)
    assert [(item["status"], item["version"], item["changed"]) for item in each["items"]] == [
        ("flagged", 2, True), ("ranked", 1, False), (None, None, False), ("rejected", 2, True),
    ]  # fmt: skip
    assert each["items"][2]["refusal"] == "There is no candidate 999."

    for wrong, said in (
        ([{"candidate_id": first, "decision": "restore"}], "has no reason"),
        ([{"candidate_id": first, "decision": "flag", "kind": "poor"}], "which only a rejection has"),
        ([{"candidate_id": first, "decision": "flag"}] * 2, "more than once"),
        ([], "at least 1 item"),
    ):
        answer = api.post("/candidates/decisions", json={"decisions": wrong})
        assert (answer.status_code, said in answer.json()["detail"]) == (422, True)


def take_turns(api: httpx.Client, seed: int, candidates: list[int]) -> list[tuple[int, int]]:
    """Decide as one reviewer who looks, thinks and decides; return the versions that were decided about."""
    chance = random.Random(seed)
    done = []
    for turn in range(TURNS):
        seen = {
            number: api.get(f"/candidates/{number}").json()
            for number in chance.sample(candidates, chance.choice((1, 1, 3)))
        }
        decisions = []
        for number, shown in seen.items():
            verb = chance.choice({"rejected": ["restore", "reject"]}.get(shown["status"], ["flag", "reject"]))
            body: dict[str, Any] = {"reason": f"{seed}.{turn}"}
            if verb == "reject":
                body["kind"] = (
                    chance.choice(["withdrawn", "infeasible"]) if turn > TURNS // 2 else "withdrawn"
                )
            decisions.append((number, verb, body, shown["version"]))
        if len(decisions) == 1:
            ((number, verb, body, version),) = decisions
            answer = api.post(f"/candidates/{number}/{verb}", json=body, headers={"If-Match": f'"{version}"'})
            assert answer.status_code in (200, 409, 412), answer.text
            if answer.status_code == 200 and answer.json()["changed"]:
                done.append((number, version))
        else:
            asked = [
                {"candidate_id": number, "decision": verb, "version": version, **body}
                for number, verb, body, version in decisions
            ]
            answer = api.post(
                "/candidates/decisions", json={"decisions": asked, "all_or_nothing": chance.random() < 0.5}
            )
            assert answer.status_code in (200, 409), answer.text
            items = answer.json()["items"] if answer.status_code == 200 else []
            versions = {number: version for number, _, _, version in decisions}
            done += [(it["candidate_id"], versions[it["candidate_id"]]) for it in items if it["changed"]]
    return done


def test_twenty_reviewers_at_once_lose_no_update_and_take_no_illegal_step(
    api: httpx.Client, database: Database, campaign: ReviewedCampaign
) -> None:
    materials = [f"p:M{place}" for place in range(8)]
    candidates = campaign.rank(0, materials) + campaign.rank(1, materials)
    with ThreadPoolExecutor(REVIEWERS) as pool:
        turns = pool.map(lambda seed: take_turns(api, seed, candidates), range(REVIEWERS))
        done = Counter(decided for reviewer in turns for decided in reviewer)
    assert len(done) > REVIEWERS
    assert set(done.values()) == {1}, "two decided about the same version"

    with database.transaction(Role.OWNER) as connection:
        rows = connection.execute(
            sa.text(
                "SELECT candidate_id, from_status, to_status, rejection_kind FROM candidate_events ORDER BY event_id"
            )
        ).all()
    events = defaultdict(list)
    for number, before, after, kind in rows:
        assert (before, after) in LEGAL
        assert before == (events[number][-1][0] if events[number] else None)
        events[number].append((after, kind))
    assert sum(len(steps) - 1 for steps in events.values()) == sum(done.values())
    for number, (status, version) in standing(api).items():
        assert status == events[number][-1][0]
        assert version == len(events[number])
        assert {decided for (which, decided) in done if which == number} == set(range(1, version))
    flagged = [
        materials[candidates.index(n) % 8] for n, (status, _) in standing(api).items() if status == "flagged"
    ]
    assert len(flagged) == len(set(flagged)), "a material is evaluated in two iterations"
