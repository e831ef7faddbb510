"""What stands before every operation of the API, on a real server and a real PostgreSQL."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

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
            f"/candidates/{candidates[number // 2]}/flag", json={"actor": f"r{number}"}
        ).status_code

    with ThreadPoolExecutor(60) as pool:
        assert Counter(pool.map(ask, range(60))) == {200: 60}
    flagged = api.get("/candidates", params={"status": "flagged"}).json()["total"]
    assert flagged == 30
