"""What a person sees when the server goes away, and what no page may do."""

import socket
import threading

import pytest
import uvicorn
from playwright.sync_api import Page, Route, expect
from starlette.types import ASGIApp

from catalyst_assets_tests.integration.dash_app.review_page import cell, decisions, signed_in
from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from catalyst_assets_tests.integration.dash_app.serving import sign_in_address
from dash_app.server import create_app
from resources.postgres.database import Database, Role

pytestmark = pytest.mark.browser


class MortalServer:
    """A server on one port that is killed, and started again."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._server = uvicorn.Server(
            uvicorn.Config(app, port=port, log_level="critical", proxy_headers=False)
        )
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        while not self._server.started:
            self._thread.join(0.02)

    def kill(self) -> None:
        """End it without finishing what it answers."""
        self._server.should_exit = self._server.force_exit = True
        self._thread.join()


def test_a_decision_outlives_a_server_that_dies_in_the_middle_of_it(page: Page, database: Database) -> None:
    campaign = ReviewedCampaign(database).start()
    campaign.rank(0, ["p:SrTiO3", "p:PbTiO3"])
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    url, app_only = f"http://127.0.0.1:{port}", Database({Role.APP: database.url(Role.APP)})
    server = MortalServer(create_app(app_only), port)
    try:
        page.goto(url + sign_in_address(database))
        expect(page.locator("#who")).to_contain_text("Ada Lovelace")
        page.goto(f"{url}/campaigns/{campaign.name}")
        expect(page.locator("#live")).to_have_text("Live")
        expect(cell(page, 1, "status")).to_have_text("Ranked")
        cell(page, 1, "status").click()
        page.keyboard.press("f")
        page.keyboard.type("before the furnace is cold")
        server.kill()
        page.keyboard.press("Enter")
        expect(page.locator("#offline")).to_be_visible()
        expect(page.locator("#unsent")).to_contain_text("Not sent yet: flag SrTiO3.")
        expect(cell(page, 1, "status")).to_have_text("Ranked")
        assert decisions(database) == []

        server = MortalServer(create_app(app_only), port)
        expect(page.locator("#toasts")).to_contain_text("1 candidate flagged for validation.")
        expect(page.locator("#unsent")).to_be_hidden()
        expect(page.locator("#offline")).to_be_hidden()
        expect(cell(page, 1, "status")).to_have_text("Flagged")
        assert decisions(database) == [("p:SrTiO3", "flagged", "Ada Lovelace", "before the furnace is cold")]

        # The pages are there, and the API behind them is not.
        gone = {"type": "urn:catalyst:problem:unavailable", "detail": "The API does not answer."}
        page.route("**/decisions", lambda route: route.fulfill(status=503, json=gone))
        cell(page, 2, "status").click()
        page.keyboard.press("f")
        page.keyboard.press("Enter")
        expect(page.locator("#unsent")).to_contain_text("Not sent yet: flag PbTiO3.")
        page.unroute("**/decisions")
        expect(cell(page, 2, "status")).to_have_text("Flagged")
        assert len(decisions(database)) == 2
    finally:
        server.kill()
        app_only.dispose()


def test_no_script_runs_in_a_page_but_ours_and_a_viewer_decides_nothing(
    page: Page, database: Database
) -> None:
    campaign = ReviewedCampaign(database).start()
    campaign.rank(0, ["p:SrTiO3"])
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    with signed_in(page, database, "viewer") as url:
        page.goto(f"{url}/api/v1/docs")
        expect(
            page.locator("[id^=operations-candidates]").first
        ).to_be_visible()  # its own script has made it
        page.goto(f"{url}/campaigns/{campaign.name}/progress")
        expect(page.locator("#campaign-progress .main-svg").first).to_be_visible()
        expect(page.locator("#campaign-goal")).to_contain_text("Band gap direct between 1 and 2.3 eV")
        page.get_by_role("link", name="Candidates").click()
        expect(cell(page, 1, "status")).to_have_text("Ranked")
        cell(page, 1, "status").click()
        expect(page.locator("#detail")).to_contain_text("SrTiO3")
        expect(page.locator("#flag")).to_be_hidden()
        page.keyboard.press("f")
        expect(page.locator("#toasts")).to_contain_text("Deciding is for reviewers and admins.")
        expect(page.locator("#decide")).to_be_hidden()
        assert [text for text in said if "Content Security Policy" in text] == []

        page.evaluate(
            "() => { const one = document.createElement('script'); one.textContent = 'window.foreign = 1';"
            " document.head.append(one) }"
        )
        assert page.evaluate("window.foreign") is None
        assert any("Executing inline script violates" in text for text in said)


def test_a_page_fills_itself_though_its_server_was_too_busy_at_first(page: Page, database: Database) -> None:
    campaign = ReviewedCampaign(database).start()
    campaign.rank(0, ["p:SrTiO3"])
    refused: list[str] = []

    def answer(route: Route) -> None:
        if len(refused) < 3:
            refused.append(route.request.url)
            route.fulfill(status=503, headers={"Retry-After": "1"}, body="{}")
        else:
            route.continue_()

    with signed_in(page, database) as url:
        page.route("**/_dash-update-component*", answer)
        page.goto(f"{url}/campaigns/{campaign.name}")
        expect(page.locator("#candidate-count")).to_have_text("1 candidate")
        expect(page.locator("#progress-line")).to_contain_text("Iteration 0: 1 to review")
        expect(page.locator("#who")).to_contain_text("Ada Lovelace")
    assert len(refused) == 3
