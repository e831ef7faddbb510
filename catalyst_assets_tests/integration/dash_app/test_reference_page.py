"""The API's reference in a real browser: what it describes can be tried where it stands."""

import pytest
from playwright.sync_api import Page, expect

from catalyst_assets_tests.integration.dash_app.review_page import signed_in
from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from resources.postgres.database import Database

pytestmark = pytest.mark.browser


def test_an_operation_is_tried_from_the_reference_by_who_is_signed_in(page: Page, database: Database) -> None:
    campaign = ReviewedCampaign(database).start()
    (candidate,) = campaign.rank(0, ["p:SrTiO3"])
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.on("console", lambda message: failures.append(message.text) if message.type == "error" else None)
    with signed_in(page, database) as url:
        page.goto(url)
        page.get_by_role("link", name="API").click()
        listed = page.locator("#operations-candidates-list_candidates_candidates_get")
        listed.locator(".opblock-summary-control").click()
        listed.locator("tr[data-param-name=formula] input").fill("SrTiO3")
        listed.get_by_role("button", name="Execute").click()
        expect(listed.locator(".live-responses-table .response-col_status").nth(1)).to_contain_text("200")
        expect(listed.locator(".live-responses-table")).to_contain_text(f'"candidate_id": {candidate}')

        flag = page.locator("[id^=operations-][id*=flag]")
        flag.locator(".opblock-summary-control").click()
        flag.locator("tr[data-param-name=candidate_id] input").fill(str(candidate))
        flag.get_by_role("button", name="Execute").click()
        expect(flag.locator(".live-responses-table .response-col_status").nth(1)).to_contain_text("200")
    assert failures == []
