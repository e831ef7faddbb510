"""Results in a real browser: entered, uploaded and retracted, and read back from the database."""

from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from catalyst_assets_tests.integration.dash_app.laboratory import laboratory
from catalyst_assets_tests.integration.dash_app.serving import sign_in_address
from resources.postgres.database import Database, Role
from resources.settings import Settings

pytestmark = pytest.mark.browser


def ledger(database: Database) -> list[tuple[Any, ...]]:
    with database.transaction(Role.OWNER) as connection:
        rows = connection.execute(
            sa.text(
                "SELECT v.material_id, v.outcome, v.value, v.standard_deviation, v.sample, v.reason, v.submitted_by,"
                " s.channel FROM validation_results v LEFT JOIN result_submissions s USING (submission_id)"
                " ORDER BY v.result_id"
            )
        )
        return [tuple(row) for row in rows]


def test_a_result_is_started_entered_after_a_preview_and_retracted_and_a_file_is_uploaded(
    page: Page,
    database: Database,
    settings: Settings,
) -> None:
    with laboratory(database, settings) as lab:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(str(request.all_headers()) + str(request.post_data)))
        url = str(lab.api.base_url).removesuffix("/api/v1/")
        page.goto(url + sign_in_address(database))
        expect(page.locator("#who")).to_contain_text("Ada Lovelace")
        page.goto(f"{url}/campaigns/{lab.campaign.name}")
        expect(page.locator("#candidate-count")).to_have_text("3 candidates")
        expect(page.locator(".ag-row[row-index='0'] [col-id='status']").first).to_have_text("Flagged")
        page.locator(".ag-row[row-index='0'] [col-id='status']").first.click()
        page.locator("#start").click()
        expect(page.locator("#outcome")).to_have_text("Validation of SrTiO3 has begun.")
        expect(page.locator(".ag-row[row-index='0'] [col-id='status']").first).to_have_text("In validation")

        page.locator("#result").click()
        page.locator("#result-value").fill("wide")
        page.locator("#result-look").click()
        expect(page.locator("#result-preview")).to_contain_text("'wide' is no number")
        page.locator("#result-value").fill("1.62")
        page.locator("#result-deviation").fill("0.04")
        page.locator(".more-fields summary").click()
        page.locator("#result-sample").fill("S-7")
        page.locator("#result-look").click()
        expect(page.locator("#result-preview")).to_contain_text("1 would be added")
        assert ledger(database) == []
        page.locator("#result-value").fill("1.63")
        expect(page.locator("#result-confirm")).to_be_disabled()
        page.locator("#result-look").click()
        page.locator("#result-confirm").click()
        expect(page.locator("#outcome")).to_have_text("1 added; recorded.")
        expect(page.locator("#detail .results")).to_contain_text("1.630 ± 0.040 eV")

        page.locator("#detail .results").get_by_role("button", name="Retract…").click()
        page.locator("#retract-confirm").click()
        expect(page.locator("#retract-complaint")).to_contain_text("Say why")
        page.locator("#retract-reason").fill("leaky cell")
        page.locator("#retract-confirm").click()
        expect(page.locator("#detail .results")).to_contain_text("Retracted, by Ada Lovelace: leaky cell.")

        page.locator("#upload").click()
        expect(page.locator("#upload-dialog")).to_be_visible()
        drop = page.locator("#upload-file input")
        heads = "candidate,band gap direct [eV]\n"
        for text in ("wide", "1.3"):
            data = f"{heads}{lab.candidates[2]},{text}\n".encode()
            drop.set_input_files({"name": f"{text}.csv", "mimeType": "text/csv", "buffer": data})
            told = page.locator("#upload-preview")
            if text == "wide":
                cells = ["line 2", "band gap direct [eV]", "'wide' is no number."]
                expect(told.locator("tbody td")).to_contain_text([*cells, "Write the number alone"])
            else:
                expect(told).to_contain_text("1 would be added")
        page.locator("#upload-confirm").click()
        expect(page.locator("#outcome")).to_have_text("1 added; recorded.")

        gap = ("p:SrTiO3", "measured", 1.63, 0.04, "S-7", "", "Ada Lovelace", "form")
        assert ledger(database) == [
            gap,
            ("p:SrTiO3", "retracted", None, None, "S-7", "leaky cell", "Ada Lovelace", None),
            ("p:AlLaO3", "measured", 1.3, None, "", "", "Ada Lovelace", "form"),
        ]
        assert not [told for told in asked if "bearer" in told.lower()]
