"""A request with an `Idempotency-Key` happens once, however often it is sent."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import sqlalchemy as sa

from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from resources.postgres.database import Database, Role


def test_the_same_request_again_is_answered_as_it_was_and_does_nothing_again(
    api: httpx.Client, database: Database, campaign: ReviewedCampaign
) -> None:
    first, second = campaign.rank(0, ["p:SrTiO3", "p:PbTiO3"])
    key = {"Idempotency-Key": "one"}
    path, body = f"/candidates/{first}/reject", {"reason": "dear", "kind": "withdrawn"}
    once = api.post(path, json=body, headers=key)
    assert api.post(f"/candidates/{first}/restore", json={"reason": "no"}).status_code == 200
    again = api.post(path, json=body, headers=key)
    assert (again.status_code, again.json()) == (200, once.json())
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in once.headers
    assert api.get(f"/candidates/{first}").json()["status"] == "ranked"

    other = api.post(f"/candidates/{second}/reject", json=body, headers=key)
    assert (other.status_code, other.json()["type"]) == (422, "urn:catalyst:problem:key-reused")
    assert api.post(path, json=body, headers={"Idempotency-Key": "x" * 256}).status_code == 422

    wrong = api.post(path, json=body | {"reason": ""}, headers={"Idempotency-Key": "two"})
    corrected = api.post(path, json=body, headers={"Idempotency-Key": "two"})
    assert (wrong.status_code, corrected.status_code) == (422, 200)


def test_of_the_same_request_many_times_at_once_one_is_worked_on(
    api: httpx.Client, database: Database, campaign: ReviewedCampaign
) -> None:
    (candidate,) = campaign.rank(0, ["p:SrTiO3"])
    key = {"Idempotency-Key": "once"}

    def flag(_: int) -> tuple[int, bool]:
        answer = api.post(f"/candidates/{candidate}/flag", json={}, headers=key)
        return answer.status_code, bool(answer.json().get("changed"))

    with ThreadPoolExecutor(8) as pool:
        answers = Counter(pool.map(flag, range(8)))
    assert set(answers) <= {(200, True), (409, False)}
    assert flag(0) == (200, True)
    with database.transaction(Role.APP) as connection:
        kept = connection.execute(sa.text("SELECT count(*) FROM idempotency_keys WHERE status = 200"))
        assert kept.scalar_one() == 1
