"""Long columns, calculations and candidates of one's own in a real browser."""

import re

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from catalyst_assets_tests.integration.dash_app.review_page import cards, signed_in
from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign, ask_for
from resources.postgres.database import Database, Role

pytestmark = pytest.mark.browser


def test_columns_are_read_page_by_page_and_calculations_followed(page: Page, database: Database) -> None:
    campaign = ReviewedCampaign(database)
    campaign.document = campaign.document | {"validator": "gpaw"}
    numbers = campaign.start().rank(
        0, [f"p:{n}" for n in range(150)], [f"Ca{n + 2}TiO{n + 4}" for n in range(150)]
    )
    campaign.move(numbers[0], "flagged", "in_validation")
    with signed_in(page, database) as url:
        page.goto(f"{url}/campaigns/{campaign.name}/validation")
        expect(page.locator("#count-ranked")).to_have_text("149")
        assert cards(page, "ranked").count() < 149
        for _ in range(3):
            page.locator("#cards-ranked").evaluate("column => column.scrollTo(0, column.scrollHeight)")
            page.wait_for_timeout(100)
        expect(cards(page, "ranked")).to_have_count(149)
        expect(cards(page, "in_validation").locator("[data-move]")).to_have_text(["Result…", "Reject"])

        page.locator("#calculations-tab").click()
        expect(page.locator("#calculations-view")).to_contain_text("No calculation was asked for yet")
        job = ask_for(database, "b2", "p:0", "running")
        rows = page.locator("#calculations-view tbody tr")
        expect(rows).to_contain_text(["Running"])
        with database.transaction(Role.VALIDATOR) as connection:
            connection.execute(
                sa.text(
                    "UPDATE validation_jobs SET status = 'failed', reason = 'not converged' WHERE job_id = :job"
                ),
                {"job": job},
            )
        expect(rows).to_contain_text(["Not convergedcatalyst validation retry b20000000000 tries it again"])


def test_candidates_of_ones_own_are_looked_at_and_sent(page: Page, database: Database) -> None:
    with signed_in(page, database) as url:
        page.goto(f"{url}/uploads")
        page.locator("#uploads-choose").set_input_files(
            {"name": "bad.cif", "mimeType": "text/plain", "buffer": b"nothing"}
        )
        page.locator("#uploads-formulas").fill("SrTiO3, TiO2")
        expect(page.locator("#uploads-preview")).to_have_text(
            "Choose the prototype that the formulas are put on."
        )
        page.locator("#uploads-prototype").select_option("cubic_perovskite")
        rows = page.locator("#uploads-preview tbody tr")
        expect(rows).to_contain_text(["Refused", "SrTiO3New", "Refused'TiO2' does not fit"])
        page.locator("#uploads-send").click()
        expect(page).to_have_url(re.compile(r"/data\?show=uploads&upload=1$"))
        expect(page.locator("#content")).to_contain_text("bad.cif")
