"""Ranking again without refitting, stale scores, and why a candidate: as the API answers them."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from catalyst_assets.acquisition.what_if import StoredRanking, load_stored_ranking
from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from dash_app.api.rankings import StoredRankings
from resources.postgres.database import Database, Role, fetch_one

CAMPAIGN = "oxide-perovskites-demo"
RERANK = f"/campaigns/{CAMPAIGN}/iterations/1/rerank"
# Criteria: a gap of 1.0 to 2.3 eV and at most -2.0 eV/atom.
EXPECTED = {
    "p:Sure": (1.6, -2.6),
    "p:Likely": (1.1, -2.2),
    "p:Narrow": (0.2, -2.6),
    "p:Unstable": (1.6, -1.2),
}


@pytest.fixture
def campaign(database: Database) -> ReviewedCampaign:
    """Two iterations, the second predicted, and ranked in an order that its strategy would not give."""
    campaign = ReviewedCampaign(database).start()
    (first,) = campaign.rank(0, ["p:Known"])
    campaign.move(first, "flagged", "in_validation")
    campaign.answer(0, "p:Known", 1.5, -2.5)
    campaign.move(first, "validated")
    campaign.rank(1, ["p:Narrow", "p:Likely", "p:Unstable", "p:Sure"])
    campaign.label(1, "p:Known", 1.5, -2.5)
    campaign.predict(1, EXPECTED | {"p:Known": (1.5, -2.5)}, std=0.2)
    return campaign


def order(response: httpx.Response) -> list[tuple[str, int | None]]:
    assert response.status_code == 200, response.text
    return [(item["formula"], item["recorded_rank"]) for item in response.json()["items"]]


def stored(database: Database) -> list[Any]:
    with database.transaction(Role.OWNER) as connection:
        return [
            connection.execute(
                sa.text(f"SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM {table} t")  # noqa: S608
            ).scalar()
            for table in ("candidates", "rankings", "candidate_events", "predictions")
        ]


def test_another_weight_gives_another_list_beside_the_recorded_ranks_and_stores_nothing(
    api: httpx.Client, database: Database, campaign: ReviewedCampaign
) -> None:
    before = stored(database)
    exploited = api.get(RERANK, params={"exploration_weight": 0})
    assert order(exploited)[:2] == [("Sure", 4), ("Likely", 2)]
    assert {item["formula"] for item in exploited.json()["items"]} == {"Sure", "Likely", "Narrow", "Unstable"}
    first = exploited.json()["items"][0]
    assert first["feasibility"] > 0.98
    assert first["predicted"]["band_gap_direct"]["mean"] == 1.6
    assert (first["status"], first["rank"]) == ("ranked", 1)
    shown = exploited.json()
    assert (shown["strategy"], shown["recorded_strategy"]) == ("probability_of_feasibility",) * 2
    assert (shown["exploration_weight"], shown["recorded_exploration_weight"], shown["choices"]) == (
        0,
        0.3,
        4,
    )
    assert (
        api.get(f"/campaigns/{CAMPAIGN}/iterations/{campaign.key(1)}/rerank?exploration_weight=0").json()
        == shown
    )
    assert order(api.get(RERANK, params={"strategy": "greedy", "limit": 1})) == [("Sure", 4)]
    assert stored(database) == before


def test_the_list_the_details_and_the_what_if_give_one_chance_of_each_bound(
    api: httpx.Client, campaign: ReviewedCampaign
) -> None:
    listed = api.get("/candidates", params={"campaign": CAMPAIGN, "iteration": 1}).json()["items"]
    reranked = api.get(RERANK).json()["items"]
    again = {item["formula"]: item["chances"] for item in reranked}
    assert all(item["feasibility"] <= min(item["chances"].values()) + 1e-3 for item in reranked)

    assert [item["formula"] for item in listed] == ["Narrow", "Likely", "Unstable", "Sure"]
    for item in listed:
        (gap,), (energy,) = (
            criterion["alternatives"][0]["bounds"]
            for criterion in api.get(f"/candidates/{item['candidate_id']}").json()["explanation"]["criteria"]
        )
        assert item["chances"] == {each["property"]: each["chance"] for each in (gap, energy)}
        assert again[item["formula"]] == item["chances"]
    # Narrow's gap is 4 deviations below the window, its energy 3 within it.
    assert listed[0]["chances"]["band_gap_direct"] < 0.01
    assert listed[0]["chances"]["formation_energy_per_atom"] > 0.98


def test_a_ranking_recorded_anew_is_read_anew(
    api: httpx.Client, database: Database, campaign: ReviewedCampaign
) -> None:
    assert order(api.get(RERANK, params={"exploration_weight": 0}))[0][0] == "Sure"
    with database.transaction(Role.OWNER) as connection:
        connection.execute(
            sa.text(
                "UPDATE rankings SET ranking_sha256 = repeat('1', 64), history = CAST(:history AS jsonb)"
                " WHERE partition_key = :key"
            ),
            {
                "key": campaign.key(1),
                "history": '{"withheld": ["p:Sure"], "pending": [], "failed": [], "answered": []}',
            },
        )
    again = order(api.get(RERANK, params={"exploration_weight": 0}))
    assert again[0] == ("Known", None)
    assert "Sure" not in dict(again)


def test_what_cannot_be_ranked_again_says_why(api: httpx.Client, campaign: ReviewedCampaign) -> None:
    base = f"/campaigns/{CAMPAIGN}/iterations"
    campaign.predict(0, {"p:Known": (1.0, -1.0)})
    refused = {
        f"{base}/7/rerank": (404, "has no iteration '7'"),
        f"{base}/other__0001/rerank": (404, "has no iteration"),
        "/campaigns/no-such/iterations/0/rerank": (404, "no campaign 'no-such'"),
        f"{base}/0/rerank": (409, "Nothing had been learned"),
        f"{RERANK}?strategy=constrained_expected_improvement": (422, "needs an objective"),
        f"{RERANK}?strategy=best": (422, "strategy"),
        f"{RERANK}?exploration_weight=1.5": (422, "exploration_weight"),
        f"{RERANK}?limit=0": (422, "limit"),
    }
    for path, (status, text) in refused.items():
        response = api.get(path)
        assert (response.status_code, text in response.json()["detail"]) == (status, True), response.text
    offered = [each["name"] for each in api.get(RERANK).json()["strategies"]]
    assert "probability_of_feasibility" in offered
    assert "constrained_expected_improvement" not in offered


def test_a_score_is_stale_once_a_newer_model_is_champion(
    api: httpx.Client, campaign: ReviewedCampaign
) -> None:
    def stale() -> list[tuple[int | None, int | None, bool | None]]:
        items = api.get("/candidates", params={"sort": "iteration"}).json()["items"]
        seen = {item["iteration"]: item for item in items}
        return [(i["model_version"], i["champion_version"], i["stale"]) for _, i in sorted(seen.items())]

    assert stale() == [(None, None, None), (None, None, None)]
    campaign.register(0, version=1, champion=1)
    assert stale() == [(1, 1, False), (None, 1, None)]
    campaign.register(1, version=2, champion=2)
    assert stale() == [(1, 2, True), (2, 2, False)]


def test_a_candidate_says_how_likely_it_meets_each_criterion_and_which_decides(
    api: httpx.Client, campaign: ReviewedCampaign
) -> None:
    items = api.get("/candidates", params={"iteration": 1}).json()["items"]
    by_name = {item["formula"]: item["candidate_id"] for item in items}
    why = {name: api.get(f"/candidates/{number}").json()["explanation"] for name, number in by_name.items()}
    assert {name: each["decisive"] for name, each in why.items() if name != "Sure"} == {
        "Narrow": "band_gap_direct",
        "Unstable": "formation_energy_per_atom",
        "Likely": "band_gap_direct",
    }
    gap, energy = why["Likely"]["criteria"]
    (bound,) = gap["alternatives"][0]["bounds"]
    assert (bound["property"], bound["min"], bound["max"], bound["unit"]) == (
        "band_gap_direct",
        1.0,
        2.3,
        "eV",
    )
    # 1.1 with steps of 0.2 * 3.4 / 31 on both sides: 21 of the 32 draws reach 1.0, those near it in part.
    assert gap["chance"] == bound["chance"] == pytest.approx(21 / 32, abs=0.02)
    assert energy["chance"] > gap["chance"]
    assert why["Narrow"]["criteria"][0]["chance"] < 1e-6


def test_the_nearest_labelled_materials_come_with_what_was_known_of_them_then(
    api: httpx.Client, database: Database, campaign: ReviewedCampaign
) -> None:
    with database.transaction(Role.OWNER) as connection:
        connection.execute(
            sa.text("UPDATE candidates SET nearest = CAST(:near AS jsonb) WHERE material_id = 'p:Sure'"),
            {"near": '[{"material_id": "p:Known", "distance": 0.4}]'},
        )
    items = api.get("/candidates", params={"iteration": 1}).json()["items"]
    shown = [
        api.get(f"/candidates/{item['candidate_id']}").json()["explanation"]["nearest"] for item in items
    ]
    labels = {"band_gap_direct": 1.5, "formation_energy_per_atom": -2.5}
    near = {"material_id": "p:Known", "formula": "Known", "distance": 0.4, "labels": labels}
    assert shown == [[], [], [], [near]]


def kept(database: Database, rankings: StoredRankings, key: str) -> StoredRanking:
    with database.transaction(Role.APP) as connection:
        recorded = fetch_one(connection, "acquisition/ranking", partition_key=key)
        assert recorded is not None
        return rankings.get(connection, recorded)


def test_rankings_are_kept_up_to_a_bound_in_bytes_and_the_last_used_stay(
    database: Database, campaign: ReviewedCampaign
) -> None:
    campaign.predict(0, EXPECTED | {"p:Known": (1.0, -1.0)})
    campaign.rank(2, ["p:Sure"])
    campaign.predict(2, EXPECTED | {"p:Known": (1.0, -1.0)})
    first, second, third = (campaign.key(number) for number in range(3))
    size = kept(database, StoredRankings(), first).n_bytes
    draws = 5 * 32 * 2 * 4
    assert draws < size < 4 * draws

    rankings = StoredRankings(most_bytes=int(2.5 * size))
    one, two = kept(database, rankings, first), kept(database, rankings, second)
    assert kept(database, rankings, first) is one
    kept(database, rankings, third)
    assert kept(database, rankings, first) is one
    assert kept(database, rankings, second) is not two


def test_a_ranking_larger_than_the_bound_is_used_and_not_kept(
    database: Database, campaign: ReviewedCampaign
) -> None:
    rankings = StoredRankings(most_bytes=100)
    one = kept(database, rankings, campaign.key(1))
    assert one.rank_again(None, 0.0, 1)["material_id"].tolist() == ["p:Sure"]
    assert kept(database, rankings, campaign.key(1)) is not one


def test_a_ranking_that_is_being_read_holds_up_only_those_who_ask_for_it(
    api: httpx.Client, database: Database, campaign: ReviewedCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = ReviewedCampaign(database, "another").start()
    other.rank(0, [*EXPECTED])
    other.predict(0, EXPECTED)
    reading, go_on, read = threading.Event(), threading.Event(), []

    def read_slowly(connection: sa.Connection, partition_key: str) -> StoredRanking:
        read.append(partition_key)
        if partition_key == campaign.key(1):
            reading.set()
            assert go_on.wait(60)
        return load_stored_ranking(connection, partition_key)

    monkeypatch.setattr("dash_app.api.rankings.load_stored_ranking", read_slowly)
    with ThreadPoolExecutor(3) as pool:
        try:
            asked = [pool.submit(api.get, RERANK) for _ in range(3)]
            assert reading.wait(60)
            quick = api.get("/campaigns/another/iterations/0/rerank", timeout=20)
            assert not any(each.done() for each in asked)
        finally:
            go_on.set()
        assert {each.result().status_code for each in asked} == {quick.status_code} == {200}
    assert sorted(read) == ["another__0000", campaign.key(1)]
