"""What stands before every operation of the API, on a real server and a real PostgreSQL."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import httpx

from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign


def test_more_requests_at_once_than_connections_are_all_answered(
    api: httpx.Client, campaign: ReviewedCampaign
) -> None:
    candidates = campaign.rank(0, [f"p:M{place}" for place in range(30)])

    def ask(number: int) -> int:
        if number % 2:
            return api.get("/candidates", params={"limit": 5}).status_code
        return api.post(
            f"/candidates/{candidates[number // 2]}/flag", json={"reason": f"r{number}"}
        ).status_code

    with ThreadPoolExecutor(60) as pool:
        assert Counter(pool.map(ask, range(60))) == {200: 60}
    flagged = api.get("/candidates", params={"status": "flagged"}).json()["total"]
    assert flagged == 30


def problem_of(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    problem: dict[str, Any] = answer.json()
    return problem


def test_unknown_parameters_are_refused_and_the_known_ones_named(api: httpx.Client) -> None:
    refused = problem_of(api.get("/candidates?colour=red&statuss=ranked&limit=1&limit=2"), 422)
    assert [(error["field"], error["message"]) for error in refused["errors"]] == [
        ("colour", "is no parameter here"),
        ("statuss", "is no parameter here; status may be meant"),
        ("limit", "is given more than once"),
    ]
    assert "campaign" in refused["remedy"]
    assert api.get("/candidates?status=ranked&status=flagged").status_code == 200
    assert problem_of(api.get("/health?verbose=1"), 422)["remedy"] == "Parameters here: none."


def test_what_no_version_of_the_api_has_is_a_404_problem(api: httpx.Client) -> None:
    for path in ("/api", "/api/", "/api/v2/candidates", "/api/v1", "/api/v1/nothing"):
        for method in ("GET", "POST", "DELETE"):
            answer = api.request(method, f"{server_of(api)}{path}")
            assert path in problem_of(answer, 404)["detail"]


def server_of(api: httpx.Client) -> str:
    return str(api.base_url).removesuffix("/api/v1/")


def test_pages_that_do_not_exist_are_404_and_those_that_do_are_not(api: httpx.Client) -> None:
    server = server_of(api)
    statuses = {
        path: api.get(f"{server}{path}").status_code
        for path in ("/", "/campaigns/any", "/campaigns/any/more", "/robots.txt", "/api/v1/docs")
    }
    assert statuses == {
        "/": 200, "/campaigns/any": 200, "/campaigns/any/more": 404, "/robots.txt": 404, "/api/v1/docs": 200,
    }  # fmt: skip


def test_head_is_answered_as_get_is_without_the_body(api: httpx.Client) -> None:
    for path in ("/health", "/candidates", "/candidates/1", "/openapi.json", server_of(api)):
        got, headed = api.get(path), api.head(path)
        assert headed.status_code == got.status_code
        assert (headed.content, headed.headers["content-length"]) == (b"", str(len(got.content)))


UNREADABLE: Final = (
    (b'{"actor": "x"', "application/json", 422, "The body is no JSON: Expecting ',' delimiter (character 13)."),
    (b"[" * 100_000, "application/json", 422, "The body is nested too deeply."),
    (b'{"actor":' + b"9" * 5000 + b"}", "application/json", 422, "The body cannot be read: Exceeds the limit"),
    (b"", "application/json", 422, "The request has no body."),
    (b'{"actor": "x"}', "text/plain", 415, "not as text/plain"),
    (b'{"actor": "x"}', "", 415, "not as content of no type"),
)  # fmt: skip


def test_a_body_that_cannot_be_read_says_what_is_wrong_with_it(api: httpx.Client) -> None:
    for body, kind, status, said in UNREADABLE:
        answer = api.post("/candidates/1/reject", content=body, headers={"content-type": kind})
        problem = problem_of(answer, status)
        assert said in problem["detail"]
        assert problem["errors"] == []


def test_refusals_call_iterations_as_pages_do(api: httpx.Client, campaign: ReviewedCampaign) -> None:
    (first,), (second,) = campaign.rank(0, ["p:SrTiO3"]), campaign.rank(1, ["p:SrTiO3"])
    api.post(f"/candidates/{first}/flag")
    refused = problem_of(api.post(f"/candidates/{second}/flag"), 409)
    assert "is flagged in iteration 0 of oxide-perovskites-demo already" in refused["detail"]
    assert "__" not in refused["detail"] + refused["remedy"]


def test_every_answer_says_what_browsers_may_do_with_it(api: httpx.Client) -> None:
    refused = api.get("/health", headers={"host": "evil.example"})
    for answer in (
        api.get(server_of(api)),
        api.get("/health"),
        api.get("/nothing"),
        api.get("/docs"),
        refused,
    ):
        policy = answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "unsafe-eval" not in policy
        assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert api.get("/health").headers["cache-control"] == "no-store"


def test_of_two_who_saw_the_same_candidate_the_second_is_told_what_became_of_it(
    api: httpx.Client, campaign: ReviewedCampaign
) -> None:
    (candidate,) = campaign.rank(0, ["p:SrTiO3"])
    seen = api.get(f"/candidates/{candidate}")
    assert (seen.json()["version"], seen.headers["etag"]) == (1, '"1"')
    as_seen = {"If-Match": seen.headers["etag"]}

    flagged = api.post(f"/candidates/{candidate}/flag", json={}, headers=as_seen)
    assert (flagged.status_code, flagged.json()["candidate"]["version"]) == (200, 2)
    body = {"reason": "dear"}
    refused = problem_of(api.post(f"/candidates/{candidate}/reject", json=body, headers=as_seen), 412)
    assert refused["detail"].startswith(
        f"Candidate {candidate} was changed since: it is flagged, by Ada Lovelace at "
    )
    assert refused["remedy"] == "Look at it again, then decide with version 2."
    assert api.get(f"/candidates/{candidate}").json()["status"] == "flagged"

    now = {"If-Match": '"2"'}
    assert api.post(f"/candidates/{candidate}/reject", json=body, headers=now).json()["changed"] is True
    assert api.post(f"/candidates/{candidate}/flag", json=body, headers={"If-Match": "x"}).status_code == 422


def test_a_wrong_method_is_told_which_are_right(api: httpx.Client) -> None:
    for method, path, allowed in (
        ("GET", "/candidates/decisions", "POST"),
        ("GET", "/results/files?preview=1", "POST"),
        ("OPTIONS", "/results", "GET, POST"),
        ("PUT", "/candidates/1", "GET"),
    ):
        answer = api.request(method, path)
        assert problem_of(answer, 405)
        assert answer.headers["allow"] == allowed


def test_times_of_any_zone_are_understood(api: httpx.Client) -> None:
    for since, status in (
        ("2026-03-31T10:00:00+22:48", 200),
        ("0001-01-01T00:00:00+10:00", 422),
        ("2026-03-31T10:00:00", 200),
    ):
        assert api.get("/results", params={"since": since}).status_code == status


def test_an_export_of_nothing_is_a_file_of_nothing(api: httpx.Client) -> None:
    for kind in ("cif", "csv", "parquet"):
        answer = api.get(f"/exports/candidates.{kind}")
        assert answer.status_code == 200
        assert (answer.content == b"") is (kind == "cif")
