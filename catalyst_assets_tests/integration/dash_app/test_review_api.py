"""The API's contract, against a real PostgreSQL and as the role of the app."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from catalyst_assets.campaigns.evaluations import load_evaluations
from catalyst_assets.campaigns.library import load_campaign
from catalyst_assets.loop.state import Wait
from catalyst_assets.loop.waits import record_wait
from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from catalyst_assets_tests.integration.dash_app.serving import serving
from catalyst_assets_tests.results import submit_results
from dash_app.api.people.rights import OPEN, RIGHTS
from dash_app.server import create_app
from resources.postgres.database import Database, Role

CAMPAIGN = "oxide-perovskites-demo"


def events(database: Database, candidate_id: int) -> list[tuple[Any, ...]]:
    with database.transaction(Role.OWNER) as connection:
        rows = connection.execute(
            sa.text(
                "SELECT from_status, to_status, actor, reason FROM candidate_events WHERE candidate_id = :id"
                " ORDER BY event_id"
            ),
            {"id": candidate_id},
        )
        return [tuple(row) for row in rows]


def assert_problem(response: httpx.Response, status: int, text: str) -> None:
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert (response.status_code, problem["status"]) == (status, status)
    assert problem["type"].startswith("urn:catalyst:problem:")
    assert text in problem["detail"]
    assert "Traceback" not in response.text


def test_the_api_serves_as_the_role_of_the_app(api: httpx.Client) -> None:
    health = api.get("/health").json()
    assert (health["status"], health["role"]) == ("ok", "catalyst_app")


def test_an_empty_installation_has_no_campaigns_and_no_candidates(api: httpx.Client) -> None:
    assert api.get("/campaigns").json() == {"items": [], "total": 0}
    page = api.get("/candidates").json()
    assert (page["items"], page["total"]) == ([], 0)


def test_a_campaign_shows_what_each_iteration_evaluated_and_found(
    api: httpx.Client, campaign: ReviewedCampaign
) -> None:
    first = campaign.rank(0, ["p:AlLaO3", "p:SrTiO3", "p:KNbO3"])
    campaign.rank(1, ["p:BaZrO3"])
    for candidate in first:
        campaign.move(candidate, "flagged", "in_validation")
    campaign.answer(0, "p:AlLaO3", 1.5, -2.5)  # both criteria hold
    campaign.answer(0, "p:SrTiO3", 1.5, -1.9)  # not stable enough
    campaign.answer(0, "p:KNbO3", None, None)
    campaign.answer(1, "p:BaZrO3", 2.3, -2.0)  # bounds are inclusive
    for candidate in first[:2]:
        campaign.move(candidate, "validated")

    shown = api.get(f"/campaigns/{CAMPAIGN}").json()

    assert (shown["iterations"], shown["evaluated"], shown["hits"], shown["best"]) == (2, 4, 2, None)
    assert shown["candidates"] == {"validated": 2, "in_validation": 1, "ranked": 1}
    assert shown["stop_reason"] is None
    assert [info["name"] for info in shown["properties"]] == ["band_gap_direct", "formation_energy_per_atom"]
    assert [info["unit"] for info in shown["properties"]] == ["eV", "eV/atom"]
    numbers = ("iteration", "evaluated", "hits", "evaluated_so_far", "hits_so_far")
    assert [[each[name] for name in numbers] for each in shown["progress"]] == [
        [0, 3, 1, 3, 1],
        [1, 1, 1, 4, 2],
    ]
    assert api.get(f"/campaigns/{CAMPAIGN}/iterations").json() == {"items": shown["progress"], "total": 2}


def test_a_campaign_shows_what_it_waits_for(
    api: httpx.Client, campaign: ReviewedCampaign, database: Database
) -> None:
    assert api.get(f"/campaigns/{CAMPAIGN}").json()["waiting"] is None
    with database.transaction(Role.PIPELINE) as connection:
        record_wait(connection, CAMPAIGN, Wait("2 materials have no features yet", "features"), None, str)
    waiting = api.get(f"/campaigns/{CAMPAIGN}").json()["waiting"]
    assert (waiting["waits_on"], waiting["reason"]) == ("features", "2 materials have no features yet")
    assert waiting["since"]


def test_answers_of_another_method_make_no_hit(
    api: httpx.Client, database: Database, campaign: ReviewedCampaign
) -> None:
    campaign.rank(0, ["p:AlLaO3"])
    submit_results(
        database,
        None,
        "p:AlLaO3",
        {"band_gap_direct": 1.5, "formation_energy_per_atom": -2.5},
        method="HSE06",
    )
    shown = api.get(f"/campaigns/{CAMPAIGN}").json()
    assert (shown["evaluated"], shown["hits"]) == (0, 0)
    (candidate,) = api.get("/candidates").json()["items"]
    assert candidate["hit"] is None
    assert {answer["method"] for answer in candidate["validated"]} == {"HSE06"}


def test_an_objective_shows_its_best_value_so_far(database: Database, api: httpx.Client) -> None:
    seeded = ReviewedCampaign(database)
    document = {name: value for name, value in seeded.document.items() if name != "criteria"}
    document |= {
        "name": "widest-gap",
        "objective": {"property": "band_gap_direct", "direction": "maximize"},
        "acquisition": {"strategy": "expected_improvement"},
    }
    campaign = ReviewedCampaign(database, "widest-gap", document).start()
    campaign.rank(0, ["p:AlLaO3"])
    campaign.rank(1, ["p:SrTiO3"])
    campaign.answer(0, "p:AlLaO3", 1.5, -2.5)
    campaign.answer(1, "p:SrTiO3", 1.1, -2.5)
    shown = api.get("/campaigns/widest-gap").json()
    assert (shown["best"], shown["hits"], shown["evaluated"]) == (1.5, None, 2)
    assert [each["best_so_far"] for each in shown["progress"]] == [1.5, 1.5]


def test_app_and_loop_agree_on_hits_also_where_physics_cannot_be_computed(
    database: Database, api: httpx.Client
) -> None:
    goal = load_campaign("solar-water-splitting")
    campaign = ReviewedCampaign(database, goal.name, goal.document).start()
    formulas = {"p:AgNbO3": "AgNbO3", "p:Unread": "no formula", "p:Edges": "none either"}
    campaign.rank(0, list(formulas), list(formulas.values()))
    values = {"heat_of_formation": 0.1, "band_gap_direct": 3.0, "band_gap_indirect": 3.0}
    edges = {"valence_band_direct": 6.5, "conduction_band_direct": 3.5}
    for material in formulas:
        given = values | (edges if material == "p:Edges" else {})
        submit_results(database, campaign.key(0), material, given, method=goal.method)
    judged = {"p:AgNbO3": True, "p:Unread": False, "p:Edges": True}
    with database.transaction(Role.PIPELINE) as connection:
        assert {one.material_id: one.is_hit for one in load_evaluations(connection, goal)} == judged
    assert {item["material_id"]: item["hit"] for item in api.get("/candidates").json()["items"]} == judged
    shown = api.get(f"/campaigns/{goal.name}").json()
    assert (shown["evaluated"], shown["hits"]) == (3, 2)


def test_a_campaign_that_this_version_cannot_read_still_shows_what_was_evaluated(
    api: httpx.Client, database: Database, campaign: ReviewedCampaign
) -> None:
    campaign.rank(0, ["p:AlLaO3"])
    campaign.answer(0, "p:AlLaO3", 1.5, -2.5)
    with database.transaction(Role.OWNER) as connection:
        connection.execute(sa.text("UPDATE campaigns SET document = document || '{\"new_field\": 1}'"))
    shown = api.get(f"/campaigns/{CAMPAIGN}").json()
    assert (shown["evaluated"], shown["hits"], shown["best"]) == (1, None, None)
    (candidate,) = api.get("/candidates").json()["items"]
    assert candidate["hit"] is None


def test_candidates_come_page_by_page_in_the_order_asked_for(
    api: httpx.Client, campaign: ReviewedCampaign
) -> None:
    campaign.rank(0, [f"p:M{place:03d}" for place in range(25)])
    campaign.rank(1, ["p:Newest"])

    def formulas(**query: Any) -> list[str]:
        return [item["formula"] for item in api.get("/candidates", params=query).json()["items"]]

    page = api.get("/candidates", params={"campaign": CAMPAIGN, "iteration": 0, "limit": 10, "offset": 20})
    assert (page.json()["total"], page.json()["limit"], page.json()["offset"]) == (25, 10, 20)
    assert [item["rank"] for item in page.json()["items"]] == [21, 22, 23, 24, 25]
    assert formulas(limit=2) == ["Newest", "M000"]  # equal ranks: the newest iteration first
    assert formulas(iteration=0, limit=2, sort="-rank") == ["M024", "M023"]
    assert formulas(iteration=0, limit=2, sort="formula") == ["M000", "M001"]
    assert formulas(iteration=0, limit=1, sort="-predicted.band_gap_direct") == ["M024"]
    assert formulas(iteration=0, limit=1, sort="predicted.formation_energy_per_atom") == ["M024"]
    assert formulas(iteration=0, limit=2, sort="-uncertainty.band_gap_direct") == ["M002", "M005"]
    campaign.answer(0, "p:M007", 0.4, -2.5)
    campaign.answer(0, "p:M009", 0.2, -2.5)
    assert formulas(iteration=0, limit=3, sort="validated.band_gap_direct") == ["M009", "M007", "M000"]
    assert formulas(iteration=0, limit=3, sort="-validated.band_gap_direct") == ["M007", "M009", "M000"]


def test_a_candidate_far_from_the_training_data_says_so(
    api: httpx.Client, campaign: ReviewedCampaign
) -> None:
    ids = campaign.rank(0, ["p:AlLaO3", "p:SrTiO3", "p:KNbO3", "p:BaZrO3"])
    campaign.rank(1, ["p:AlLaO3"])
    campaign.measure(0, {"p:AlLaO3": 0.8, "p:SrTiO3": 2.5, "p:KNbO3": None}, threshold=1.3)
    campaign.measure(1, {"p:AlLaO3": 1.4}, threshold=1.5)
    items = api.get("/candidates", params={"iteration": 0}).json()["items"]
    assert [(item["distance"], item["out_of_distribution"]) for item in items] == [
        (0.8, False),
        (2.5, True),
        (None, None),
        (None, None),  # ranked by a version from before distances were measured
    ]
    shown = api.get(f"/candidates/{ids[1]}").json()
    assert (shown["distance"], shown["out_of_distribution"]) == (2.5, True)
    (later,) = api.get("/candidates", params={"iteration": 1}).json()["items"]
    assert (later["distance"], later["out_of_distribution"]) == (1.4, False)


def test_candidates_are_filtered_by_any_of_several_statuses(
    api: httpx.Client, campaign: ReviewedCampaign
) -> None:
    one, two, three = campaign.rank(0, ["p:A", "p:B", "p:C"])
    campaign.move(one, "flagged")
    campaign.move(two, "rejected", reason="toxic", kind="withdrawn")
    page = api.get("/candidates", params={"status": ["flagged", "rejected"]}).json()
    assert [item["candidate_id"] for item in page["items"]] == [one, two]
    assert page["total"] == 2
    assert [item["candidate_id"] for item in api.get("/candidates?status=ranked").json()["items"]] == [three]


def test_flagging_moves_the_candidate_and_records_who_and_why(
    api: httpx.Client, database: Database, campaign: ReviewedCampaign
) -> None:
    (candidate,) = campaign.rank(0, ["p:SrTiO3"])
    answer = api.post(f"/candidates/{candidate}/flag", json={"reason": " cheap "}).json()
    assert (answer["changed"], answer["candidate"]["status"]) == (True, "flagged")
    assert [event["to_status"] for event in answer["candidate"]["events"]] == ["ranked", "flagged"]
    assert events(database, candidate)[1:] == [("ranked", "flagged", "Ada Lovelace", "cheap")]
    again = api.post(f"/candidates/{candidate}/flag").json()
    assert again["changed"] is False
    assert len(events(database, candidate)) == 2


def test_a_rejected_candidate_cannot_be_flagged_and_the_database_says_why(
    api: httpx.Client, database: Database, campaign: ReviewedCampaign
) -> None:
    (candidate,) = campaign.rank(0, ["p:PbTiO3"])
    rejected = api.post(f"/candidates/{candidate}/reject", json={"reason": "lead"})
    assert rejected.json()["candidate"]["status"] == "rejected"
    refused = api.post(f"/candidates/{candidate}/flag")
    assert_problem(refused, 409, f"Candidate {candidate} cannot go from rejected to flagged")
    assert "then in validation" in refused.json()["remedy"]
    assert events(database, candidate)[1:] == [("ranked", "rejected", "Ada Lovelace", "lead")]


def test_a_rejection_without_a_usable_reason_or_in_the_name_of_another_is_refused(
    api: httpx.Client, database: Database, campaign: ReviewedCampaign
) -> None:
    (candidate,) = campaign.rank(0, ["p:PbTiO3"])
    refused = [
        ({}, "reason"),
        ({"reason": "   "}, "reason"),
        ({"reason": "x" * 2001}, "reason"),
        ({"reason": "toxic", "actor": "Somebody Else"}, "actor"),
        ({"reason": "toxic", "status": "validated"}, "status"),
    ]
    for body, field in refused:
        response = api.post(f"/candidates/{candidate}/reject", json=body)
        assert_problem(response, 422, field)
        assert [error["field"] for error in response.json()["errors"]] == [field]
    assert len(events(database, candidate)) == 1


def test_what_does_not_exist_is_a_404_that_names_it(api: httpx.Client) -> None:
    missing = {
        "/campaigns/no-such": "no campaign 'no-such'",
        "/campaigns/no-such/iterations": "no campaign 'no-such'",
        "/campaigns/a%00b": "no campaign",
        "/candidates?campaign=no-such": "no campaign 'no-such'",
        "/candidates/4711": "no candidate 4711",
        "/nowhere": "/api/v1/nowhere",
    }
    for path, text in missing.items():
        assert_problem(api.get(path), 404, text)
    assert_problem(api.post("/candidates/4711/flag"), 404, "no candidate 4711")


def test_a_request_outside_its_range_is_refused(api: httpx.Client) -> None:
    queries = [
        "limit=0",
        "limit=1001",
        "offset=-1",
        f"offset={2**63}",
        "iteration=-1",
        "iteration=many",
        "status=lost",
        "sort=drop",
        "sort=predicted.",
        "sort=predicted.x%00",
        "sort=rank%20desc",
    ]
    for query in queries:
        assert_problem(api.get(f"/candidates?{query}"), 422, query.partition("=")[0])
    assert_problem(api.get(f"/candidates/{2**63}"), 422, "candidate_id")


def test_a_wrong_verb_is_a_405_problem(api: httpx.Client) -> None:
    assert_problem(api.post("/health"), 405, "POST")


def test_two_reviewers_at_once_leave_one_event(
    api: httpx.Client, database: Database, campaign: ReviewedCampaign
) -> None:
    (candidate,) = campaign.rank(0, ["p:SrTiO3"])

    def flag(number: int) -> bool:
        response = api.post(f"/candidates/{candidate}/flag", json={"reason": f"reviewer {number}"})
        return bool(response.json()["changed"])

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(flag, range(8))) == [False] * 7 + [True]
    assert len(events(database, candidate)) == 2


def test_a_database_that_does_not_answer_is_a_503_with_a_remedy() -> None:
    unreachable = Database({Role.APP: "postgresql+psycopg2://nobody:nothing@127.0.0.1:1/none"})
    with serving(create_app(unreachable)) as url:
        response = httpx.get(f"{url}/api/v1/health", trust_env=False)
    assert_problem(response, 503, "PostgreSQL does not answer")
    assert "catalyst status" in response.json()["remedy"]


def test_another_host_name_is_refused_so_that_no_web_page_can_rebind_to_it(api: httpx.Client) -> None:
    refused = api.get("/health", headers={"host": "evil.example"})
    assert_problem(refused, 403, "does not go by the name 'evil.example'")
    assert "CATALYST_ALLOWED_HOSTS" in refused.json()["remedy"]


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example", "content-type": "application/json"},
        {"origin": "http://evil.example", "content-type": "text/plain"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
    ],
)
def test_another_origin_is_allowed_nothing(api: httpx.Client, headers: dict[str, str]) -> None:
    refused = api.post("/candidates/1/flag", content='{"reason": "x"}', headers=headers)
    assert_problem(refused, 403, "may neither read nor start anything here")
    preflight = api.options(
        "/candidates/1/flag",
        headers={"origin": "http://evil.example", "access-control-request-method": "POST"},
    )
    assert preflight.status_code == 403
    assert not [name for name in preflight.headers if name.startswith("access-control-")]


def test_the_openapi_document_describes_every_operation_and_its_problems(api: httpx.Client) -> None:
    document = api.get("/openapi.json").json()
    described = {f"{verb.upper()} {path}" for path, verbs in document["paths"].items() for verb in verbs}
    assert described == (OPEN | set(RIGHTS)) - {"GET /docs", "GET /docs/{file}", "GET /openapi.json"}
    assert document["servers"] == [{"url": "/api/v1"}]
    reject = document["paths"]["/candidates/{candidate_id}/reject"]["post"]["responses"]
    assert sorted(reject) == ["200", "401", "403", "404", "408", "409", "412", "413", "415", "422", "503"]
    assert all(
        "application/problem+json" in reject[status]["content"] for status in ("404", "409", "422", "503")
    )
    assert {"Problem", "CandidatePage", "CampaignDetail"} <= set(document["components"]["schemas"])
    references = str(document).split("#/components/schemas/")[1:]
    named = {reference.partition("'")[0] for reference in references}
    assert named <= set(document["components"]["schemas"])


def test_a_path_with_a_line_break_and_a_broken_form_are_answered_as_problems(api: httpx.Client) -> None:
    assert_problem(api.get("/materials/%0Ax"), 404, "There is nothing at /api/v1/materials/\nx")
    broken = {"content-type": "multipart/form-data; boundary=b"}
    refused = api.post("/attachments?filename=a.txt", content=b"--b\r\nNone--b--\r\n", headers=broken)
    assert_problem(refused, 422, "multipart")


def test_the_reference_page_loads_nothing_from_afar(api: httpx.Client) -> None:
    page = api.get("/docs")
    loaded = re.findall(r"""(?:src|href)=["']([^"']+)""", page.text)
    assert loaded == ["docs/swagger-ui.css", "/assets/favicon.ico", "docs/swagger-ui-bundle.js"]
    assert "script-src 'self' 'sha256-" in page.headers["content-security-policy"]
    kinds = [api.get(path).headers["content-type"].partition(";")[0] for path in (loaded[0], loaded[2])]
    assert kinds == ["text/css", "text/javascript"]
    assert_problem(api.get("/docs/redoc.standalone.js"), 404, "no file redoc.standalone.js")


def test_every_problem_that_is_described_has_an_example(api: httpx.Client) -> None:
    document = api.get("/openapi.json").json()
    examples = [
        (status, answer["content"]["application/problem+json"]["example"]["status"])
        for verbs in document["paths"].values()
        for operation in verbs.values()
        for status, answer in operation["responses"].items()
        if "application/problem+json" in answer.get("content", {})
    ]
    assert len(examples) > 100
    assert all(int(status) == told for status, told in examples)
