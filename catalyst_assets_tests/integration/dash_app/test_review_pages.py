"""The pages in a real browser, on a real server, with what they did read back from the database."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect, sync_playwright

from catalyst_assets.validation.results.ledger import retract
from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from catalyst_assets_tests.integration.dash_app.serving import serving, sign_in_address
from catalyst_assets_tests.results import submit_results
from dash_app.server import create_app
from resources.postgres.database import Database, Role

pytestmark = pytest.mark.browser

CHROMIUM = Path("/usr/bin/chromium")
PATIENCE_MS = 60_000


@pytest.fixture
def page() -> Iterator[Page]:
    if not CHROMIUM.exists():
        if os.environ.get("CI"):
            pytest.fail(f"{CHROMIUM} is missing: install Debian's chromium.")
        pytest.skip(f"{CHROMIUM} is missing: install Debian's chromium to run this.")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        opened = browser.new_page(viewport={"width": 1500, "height": 1500})
        opened.set_default_timeout(PATIENCE_MS)
        yield opened
        browser.close()


@pytest.fixture
def url(database: Database, page: Page) -> Iterator[str]:
    """A server at which Ada Lovelace is signed in, a reviewer."""
    app_only = Database({Role.APP: database.url(Role.APP)})
    with serving(create_app(app_only)) as address:
        page.goto(address + sign_in_address(database))
        expect(page.locator("#who")).to_contain_text("Ada Lovelace")
        yield address
    app_only.dispose()


def select(page: Page, *ranks: int) -> None:
    for rank in ranks:
        page.locator(f".ag-pinned-left-cols-container .ag-row[row-index='{rank - 1}'] input").check()
    expect(page.locator("#selection-count")).to_have_text(f"{len(ranks)} selected")


def statuses(database: Database) -> dict[str, str]:
    with database.transaction(Role.OWNER) as connection:
        rows = connection.execute(
            sa.text("SELECT material_id, CAST(status AS text) AS status FROM candidates")
        )
        return {row.material_id: row.status for row in rows}


def decisions(database: Database) -> list[tuple[Any, ...]]:
    with database.transaction(Role.OWNER) as connection:
        rows = connection.execute(
            sa.text(
                "SELECT material_id, CAST(to_status AS text), actor, reason FROM candidate_events"
                " JOIN candidates USING (candidate_id) WHERE actor <> 'catalyst_pipeline' ORDER BY event_id"
            )
        )
        return [tuple(row) for row in rows]


def test_a_reviewer_flags_one_rejects_one_and_is_refused_an_illegal_step(
    page: Page, url: str, database: Database
) -> None:
    campaign = ReviewedCampaign(database).start()
    campaign.rank(0, ["p:SrTiO3", "p:PbTiO3", "p:AlLaO3"])
    asked, failures = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.on("console", lambda message: failures.append(message.text) if message.type == "error" else None)

    page.goto(url)
    page.get_by_role("link", name="oxide-perovskites-demo").click()
    expect(page.locator("#candidate-count")).to_have_text("3 candidates")
    first = page.locator(".ag-row[row-index='0']")
    expect(first.locator("[col-id='formula']")).to_have_text("SrTiO3")
    expect(first.locator("[col-id='predicted.band_gap_direct']")).to_have_text("1.50 ± 0.30")
    expect(first.locator("[col-id='status']")).to_have_text("Ranked")

    select(page, 1)
    page.locator("#flag").click()
    expect(page.locator("#outcome")).to_have_text("1 candidate flagged for validation.")
    expect(first.locator("[col-id='status']")).to_have_text("Flagged")

    select(page, 2)
    page.locator("#reject").click()
    expect(page.locator("#reject-title")).to_have_text("Reject PbTiO3")
    page.locator("#reject-confirm").click()
    expect(page.locator("#reject-complaint")).to_contain_text("Say which kind")
    page.locator("#reject-kind").get_by_text("Infeasible").click()
    page.locator("#reject-confirm").click()
    expect(page.locator("#reject-complaint")).to_contain_text("Say why")
    page.locator("#reject-reason").fill("Lead is not wanted here.")
    page.locator("#reject-confirm").click()
    expect(page.locator("#outcome")).to_have_text("1 candidate rejected.")
    second = page.locator(".ag-row[row-index='1']")
    expect(second.locator("[col-id='status']")).to_have_text("Rejected: infeasible")

    select(page, 2, 3)
    page.locator("#flag").click()
    expect(page.locator("#outcome")).to_contain_text("1 candidate flagged for validation, 1 refused.")
    expect(page.locator("#outcome")).to_contain_text(
        re.compile(r"PbTiO3: .* cannot go from rejected to flagged")
    )

    second.locator("[col-id='status']").click()
    expect(page.locator("#detail .history li")).to_have_count(2)
    expect(page.locator("#detail")).to_contain_text("Rejected as infeasible by Ada Lovelace")
    expect(page.locator("#detail q")).to_have_text("Lead is not wanted here.")

    assert statuses(database) == {"p:SrTiO3": "flagged", "p:PbTiO3": "rejected", "p:AlLaO3": "flagged"}
    assert decisions(database) == [
        ("p:SrTiO3", "flagged", "Ada Lovelace", ""),
        ("p:PbTiO3", "rejected", "Ada Lovelace", "Lead is not wanted here."),
        ("p:AlLaO3", "flagged", "Ada Lovelace", ""),
    ]

    assert [address for address in asked if not address.startswith((url, "data:", "blob:"))] == []
    assert failures == []


def test_what_was_withdrawn_is_restored_and_what_is_infeasible_is_not(
    page: Page, url: str, database: Database
) -> None:
    campaign = ReviewedCampaign(database).start()
    one, two = campaign.rank(0, ["p:SrTiO3", "p:PbTiO3"])
    campaign.move(one, "rejected", reason="dear", kind="withdrawn")
    campaign.move(two, "rejected", reason="no such phase", kind="infeasible")
    page.goto(f"{url}/campaigns/{campaign.name}")
    expect(page.locator(".ag-row[row-index='1'] [col-id='status']")).to_have_text("Rejected: infeasible")
    select(page, 1, 2)
    expect(page.locator("#restore")).to_be_disabled()
    page.locator(".ag-pinned-left-cols-container .ag-row[row-index='1'] input").uncheck()
    page.locator("#restore").click()
    page.locator("#restore-confirm").click()
    expect(page.locator("#restore-complaint")).to_contain_text("Say why")
    page.locator("#restore-reason").fill("Strontium became cheap.")
    page.locator("#restore-confirm").click()
    expect(page.locator("#outcome")).to_have_text("1 candidate restored.")
    expect(page.locator(".ag-row[row-index='0'] [col-id='status']")).to_have_text("Ranked")
    assert decisions(database)[-1] == ("p:SrTiO3", "ranked", "Ada Lovelace", "Strontium became cheap.")


def test_another_strategy_ranks_again_beside_the_recorded_rank_and_a_candidate_says_why(
    page: Page, url: str, database: Database
) -> None:
    campaign = ReviewedCampaign(database).start()
    campaign.rank(0, ["p:Narrow", "p:Likely", "p:Sure"])
    campaign.rank(1, ["p:Narrow"])
    campaign.predict(0, {"p:Narrow": (0.2, -2.6), "p:Likely": (1.1, -2.2), "p:Sure": (1.6, -2.6)}, std=0.2)
    campaign.register(0, version=1, champion=2)
    page.goto(f"{url}/campaigns/{campaign.name}")
    page.locator("#what-if-open").click()
    expect(page.locator("#what-if-list")).to_contain_text("has no predictions")
    page.locator("#iteration").click()
    page.get_by_role("option", name="Iteration 0").click()
    rows = page.locator(".reranked tbody tr")
    expect(rows).to_have_count(3)
    page.locator("#what-if-strategy").click()
    page.get_by_role("option", name="Greedy").click()
    expect(rows.first).to_contain_text("Sure")
    expect(rows.first).to_contain_text("3 ▲2")
    page.locator("#iteration").click()
    page.get_by_role("option", name="All iterations").click()
    expect(page.locator("#what-if-list")).to_contain_text("Choose a single iteration")

    page.locator("#iteration").click()
    page.get_by_role("option", name="Iteration 0").click()
    badge = page.locator(".ag-row[row-index='0'] [col-id='status'] .badge-stale")
    expect(badge).to_have_attribute("title", re.compile("older than the champion, version 2"))
    page.locator(".ag-row[row-index='0'] [col-id='status']").click()
    expect(page.locator("#detail")).to_contain_text("The score hangs on band gap direct.")
    expect(page.locator("#detail .chance.decisive")).to_contain_text("Band gap direct between 1 and 2.3 eV0%")
    expect(page.locator("#detail")).to_contain_text("Not measured: too little was labelled")


def test_a_candidate_far_from_the_training_data_wears_a_badge_that_explains_itself(
    database: Database, page: Page, url: str
) -> None:
    campaign = ReviewedCampaign(database).start()
    campaign.rank(0, ["p:AlLaO3", "p:SrTiO3"])
    campaign.measure(0, {"p:AlLaO3": 0.8, "p:SrTiO3": 2.5}, threshold=1.3)
    page.goto(f"{url}/campaigns/{campaign.name}")
    cells = page.locator(".ag-center-cols-container [col-id='distance']")
    expect(cells).to_have_text(["0.80", "Far 2.50"])
    expect(cells.nth(1).locator(".badge-far")).to_have_attribute(
        "title", re.compile("Further from the training")
    )


def test_ten_thousand_candidates_scroll_sort_and_filter_on_the_server(
    page: Page, url: str, database: Database
) -> None:
    campaign = ReviewedCampaign(database).start()
    ids = campaign.rank(0, [f"p:M{place}" for place in range(10_000)])
    campaign.move(ids[5_000], "flagged")

    page.goto(f"{url}/campaigns/{campaign.name}")
    expect(page.locator("#candidate-count")).to_have_text("10,000 candidates")
    expect(page.locator(".ag-row[row-index='0'] [col-id='rank']")).to_have_text("1")
    page.evaluate("dash_ag_grid.getApi('candidates').ensureIndexVisible(9999)")
    expect(page.locator(".ag-row[row-index='9999'] [col-id='rank']")).to_have_text("10000")

    page.evaluate("dash_ag_grid.getApi('candidates').ensureIndexVisible(0)")
    page.locator(".ag-header-cell[col-id='predicted.band_gap_direct']").click()
    page.locator(".ag-header-cell[col-id='predicted.band_gap_direct']").click()
    expect(page.locator(".ag-row[row-index='0'] [col-id='rank']")).to_have_text("10000")

    page.locator("#status").click()
    page.get_by_role("option", name="Flagged").click()
    expect(page.locator("#candidate-count")).to_have_text("1 candidate")
    expect(page.locator(".ag-row[row-index='0'] [col-id='rank']")).to_have_text("5001")


def test_an_empty_installation_says_which_command_to_run(page: Page, url: str) -> None:
    page.goto(url)
    expect(page.locator("#campaigns")).to_contain_text("No campaign has run yet")
    expect(page.locator("#campaigns pre")).to_have_text("catalyst demo")
    page.goto(f"{url}/campaigns/no-such")
    expect(page.locator("#campaign-head")).to_contain_text("There is no campaign 'no-such'.")
    expect(page.locator("#campaign-body")).to_be_hidden()


def test_a_ranking_that_was_learned_from_a_retracted_label_says_so(
    page: Page, url: str, database: Database
) -> None:
    campaign = ReviewedCampaign(database).start()
    campaign.rank(0, ["p:SrTiO3", "p:PbTiO3"])
    campaign.rank(1, ["p:AlLaO3"])
    recorded = submit_results(database, campaign.key(0), "p:SrTiO3", {"band_gap_direct": 1.25})
    learned_from(database, campaign.key(1), "p:SrTiO3", recorded.added[0])
    page.goto(f"{url}/campaigns/{campaign.name}")
    expect(page.locator("#candidate-count")).to_have_text("1 candidate")
    expect(page.locator("#superseded")).to_be_empty()

    with database.transaction(Role.VALIDATOR) as connection:
        retract(connection, recorded.added[0], by="Ada Lovelace", reason="the pellet had cracked")
    page.reload()
    banner = page.locator("#superseded")
    expect(banner).to_contain_text("1 label that this ranking was learned from was retracted since:")
    expect(banner.locator("li")).to_contain_text("direct of SrTiO3, learned as 1.25 eV, retracted")
    expect(banner.locator("li")).to_contain_text("by Ada Lovelace: the pellet had cracked")
    page.locator("#iteration").click()
    page.get_by_text("Iteration 0", exact=True).click()
    expect(page.locator("#candidate-count")).to_have_text("2 candidates")
    expect(banner).to_be_empty()


def learned_from(database: Database, key: str, material: str, result: int) -> None:
    """Make one result a label of an iteration, as opening it does."""
    statement = (
        "INSERT INTO iteration_labels (partition_key, material_id, property, method, value, origin, result_ids)"
        " SELECT :key, material_id, property, method, value, 'validated', ARRAY[result_id] FROM validation_results"
        " WHERE result_id = :result AND material_id = :material"
    )
    with database.transaction(Role.OWNER) as connection:
        connection.execute(sa.text(statement), {"key": key, "material": material, "result": result})


def test_no_script_runs_in_a_page_but_ours_and_the_policy_breaks_nothing(
    page: Page, url: str, database: Database
) -> None:
    ReviewedCampaign(database).start().rank(0, ["p:SrTiO3"])
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.goto(f"{url}/api/v1/docs#CandidatePage")
    expect(page.locator("#CandidatePage table")).to_be_visible()  # its own script has opened it
    page.goto(f"{url}/campaigns/oxide-perovskites-demo")
    page.locator(".ag-row[row-index='0'] [col-id='formula']").first.click()
    expect(page.locator("#detail")).to_contain_text("SrTiO3")
    expect(page.locator("#campaign-progress .main-svg").first).to_be_visible()
    assert [text for text in said if "Content Security Policy" in text] == []

    page.evaluate(
        "() => { const one = document.createElement('script'); one.textContent = 'window.foreign = 1';"
        " document.head.append(one) }"
    )
    assert page.evaluate("window.foreign") is None
    assert any("Executing inline script violates" in text for text in said)
