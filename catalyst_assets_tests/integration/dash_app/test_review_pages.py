"""The candidates' page in a real browser, on a real server, with what it did read back from the database."""

import re
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from catalyst_assets.validation.results.ledger import retract
from catalyst_assets_tests.integration.dash_app.review_page import (
    box,
    cell,
    decisions,
    formulas,
    made_of,
    select,
    signed_in,
    statuses,
)
from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from catalyst_assets_tests.results import submit_results
from resources.postgres.database import Database, Role

pytestmark = pytest.mark.browser


@pytest.fixture
def url(database: Database, page: Page) -> Iterator[str]:
    """A server at which Ada Lovelace is signed in, a reviewer."""
    with signed_in(page, database) as address:
        yield address


def test_a_reviewer_flags_three_together_rejects_one_and_is_told_what_is_missing(
    page: Page, url: str, database: Database
) -> None:
    campaign = ReviewedCampaign(database).start()
    campaign.rank(0, ["p:SrTiO3", "p:PbTiO3", "p:AlLaO3", "p:CaTiO3"])
    asked, failures = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.on("console", lambda message: failures.append(message.text) if message.type == "error" else None)

    page.goto(url)
    page.get_by_role("link", name="oxide-perovskites-demo").click()
    expect(page.locator("#candidate-count")).to_have_text("4 candidates")
    expect(cell(page, 1, "formula")).to_have_text("SrTiO3")
    expect(cell(page, 1, "predicted.band_gap_direct")).to_contain_text("1.50 ± 0.30")
    expect(cell(page, 1, "predicted.formation_energy_per_atom")).to_contain_text("\u22122.400 ± 0.050")
    expect(page.locator("#progress-line")).to_contain_text("Iteration 0: 4 to review")

    select(page, 1, 3, 4)
    page.locator("#flag").click()
    expect(page.locator("#decide-title")).to_have_text("Flag 3 candidates")
    expect(page.locator("#decide-who")).to_have_text("SrTiO3, AlLaO3, CaTiO3")
    page.keyboard.type("all can be made")
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("3 candidates flagged for validation.")
    expect(cell(page, 3, "status")).to_have_text("Flagged")
    expect(page.locator("#progress-line")).to_contain_text("Iteration 0: 0 of 3 answered")
    expect(page.locator("[data-status=flagged]")).to_have_text("Flagged3")

    select(page, 2)
    page.locator("#reject").click()
    expect(page.locator("#decide-title")).to_have_text("Reject PbTiO3")
    expect(page.locator("[data-kind=poor]")).to_be_disabled()
    expect(page.locator("[data-kind=poor]")).to_contain_text("nothing was measured")
    page.locator("#decide-confirm").click()
    expect(page.locator("#decide-complaint")).to_contain_text("Say which kind")
    page.locator("[data-kind=infeasible]").click()
    page.locator("#decide-confirm").click()
    expect(page.locator("#decide-complaint")).to_contain_text("Say why")
    page.keyboard.type("Lead is not wanted here.")
    page.locator("#decide-confirm").click()
    expect(cell(page, 2, "status")).to_have_text("Rejected: infeasible")

    cell(page, 2, "status").click()
    expect(page.locator("#detail .history li")).to_have_count(2)
    expect(page.locator("#detail")).to_contain_text("Rejected as infeasible by Ada Lovelace")
    expect(page.locator("#detail q")).to_have_text("Lead is not wanted here.")

    assert statuses(database) == {
        "p:SrTiO3": "flagged", "p:PbTiO3": "rejected", "p:AlLaO3": "flagged", "p:CaTiO3": "flagged",
    }  # fmt: skip
    assert sorted(decisions(database)[:3]) == [
        (f"p:{name}", "flagged", "Ada Lovelace", "all can be made") for name in ("AlLaO3", "CaTiO3", "SrTiO3")
    ]
    assert decisions(database)[3] == ("p:PbTiO3", "rejected", "Ada Lovelace", "Lead is not wanted here.")
    assert [address for address in asked if not address.startswith((url, "data:", "blob:"))] == []
    assert failures == []


@pytest.mark.parametrize("width", [820, 1280, 1440, 1920])
def test_who_reads_about_a_candidate_decides_about_that_one_whichever_are_ticked(
    page: Page, url: str, database: Database, width: int
) -> None:
    campaign = ReviewedCampaign(database).start()
    campaign.rank(0, ["p:SrTiO3", "p:PbTiO3", "p:AlLaO3"])
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{url}/campaigns/{campaign.name}")
    select(page, 1)
    cell(page, 2, "formula").click(position={"x": 2, "y": 2})

    expect(page.locator("#detail h2")).to_have_text("PbTiO3")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    flag = page.locator("#detail [data-decide=flag]")
    expect(flag).to_be_in_viewport()
    flag.click()
    expect(page.locator("#decide-title")).to_have_text("Flag PbTiO3")
    page.keyboard.press("Enter")
    expect(page.locator("#detail .badge").first).to_have_text("Flagged")
    expect(page.locator("#detail [data-decide=flag]")).to_have_count(0)
    assert statuses(database) == {"p:SrTiO3": "ranked", "p:PbTiO3": "flagged", "p:AlLaO3": "ranked"}


def test_what_was_withdrawn_is_restored_and_what_is_infeasible_is_not(
    page: Page, url: str, database: Database
) -> None:
    campaign = ReviewedCampaign(database).start()
    one, two = campaign.rank(0, ["p:SrTiO3", "p:PbTiO3"])
    campaign.move(one, "rejected", reason="dear", kind="withdrawn")
    campaign.move(two, "rejected", reason="no such phase", kind="infeasible")
    page.goto(f"{url}/campaigns/{campaign.name}")
    expect(cell(page, 2, "status")).to_have_text("Rejected: infeasible")
    select(page, 1, 2)
    expect(page.locator("#restore")).to_be_hidden()
    box(page, 2).uncheck()
    page.locator("#restore").click()
    page.keyboard.press("Enter")
    expect(page.locator("#decide-complaint")).to_contain_text("Say why")
    page.keyboard.type("Strontium became cheap.")
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("1 candidate restored.")
    expect(cell(page, 1, "status")).to_have_text("Ranked")
    assert decisions(database)[-1] == ("p:SrTiO3", "ranked", "Ada Lovelace", "Strontium became cheap.")


def test_what_is_decided_elsewhere_appears_by_itself_and_contradicts_nobody_silently(
    page: Page, url: str, database: Database
) -> None:
    campaign = ReviewedCampaign(database).start()
    one, two, _ = campaign.rank(0, ["p:SrTiO3", "p:PbTiO3", "p:AlLaO3"])
    page.goto(f"{url}/campaigns/{campaign.name}")
    expect(page.locator("#live")).to_have_text("Live")
    expect(cell(page, 1, "status")).to_have_text("Ranked")
    cell(page, 2, "status").click()
    expect(page.locator("#detail .history li")).to_have_count(1)
    campaign.move(two, "flagged", actor="Grace Hopper", reason="promising")
    expect(cell(page, 2, "status")).to_have_text("Flagged")
    expect(page.locator("#detail q")).to_have_text("promising")
    expect(page.locator("[data-status=flagged]")).to_have_text("Flagged1")

    select(page, 1, 3)
    page.locator("#flag").click()
    page.keyboard.type("both are cheap")
    campaign.move(one, "rejected", actor="Grace Hopper", reason="toxic", kind="withdrawn")
    page.keyboard.press("Enter")
    complaint = page.locator("#decide-complaint")
    expect(complaint).to_contain_text("Somebody decided meanwhile, so that 1 candidate stayed as it is:")
    expect(complaint).to_contain_text(
        re.compile(r"SrTiO3: was changed since: it is rejected, by Grace Hopper")
    )
    expect(page.locator("#decide-reason")).to_have_value("both are cheap")
    expect(cell(page, 1, "status")).to_have_text("Rejected: withdrawn")
    expect(cell(page, 3, "status")).to_have_text("Flagged")
    page.keyboard.press("Escape")

    campaign.rank(1, ["p:CaTiO3"])
    expect(page.locator("#toasts")).to_contain_text("Iteration 1 is ranked.")
    page.get_by_role("button", name="Show it").click()
    expect(cell(page, 1, "formula")).to_have_text("CaTiO3")
    expect(page.locator("#iteration")).to_have_value("1")


def test_candidates_are_filtered_by_clicking_elements_and_the_address_holds_it(
    page: Page, url: str, database: Database
) -> None:
    campaign = ReviewedCampaign(database).start()
    campaign.rank(0, ["p:SrTiO3", "p:PbTiO3", "p:SrS"])
    made_of(database, {"p:SrTiO3": ["O", "Sr", "Ti"], "p:PbTiO3": ["O", "Pb", "Ti"], "p:SrS": ["S", "Sr"]})
    campaign.rank(1, ["p:Later"])
    page.goto(f"{url}/campaigns/{campaign.name}?iteration=0")
    expect(page.locator("#candidate-count")).to_have_text("3 candidates")
    page.locator("#elements-open").click()
    page.locator("[data-element=Ti]").click()
    expect(page.locator("#candidate-count")).to_have_text("2 candidates")
    page.locator("[data-element=Pb]").click()
    page.locator("[data-element=Pb]").click()
    expect(page.locator("#candidate-count")).to_have_text("1 candidate")
    expect(page.locator("#elements-open")).to_have_text("Ti; not Pb")
    assert page.url.endswith("?iteration=0&elements=Ti&exclude_elements=Pb")
    page.reload()
    expect(page.locator("#candidate-count")).to_have_text("1 candidate")
    assert formulas(page) == ["SrTiO3"]
    tabs = page.get_by_role("navigation", name="Campaign")
    tabs.get_by_role("link", name="Validation").click()
    expect(page.locator("#candidate-count")).to_have_text("1 candidate")
    tabs.get_by_role("link", name="Goal and progress").click()
    expect(page.locator("#campaign-goal")).to_contain_text("Band gap direct")
    tabs.get_by_role("link", name="Candidates").click()
    expect(page.locator("#candidate-count")).to_have_text("1 candidate")
    expect(page.locator("#elements-open")).to_have_text("Ti; not Pb")
    with page.expect_download() as download:
        page.locator("#export-open").click()
        page.locator("#export-csv").click()
    assert [line.split(",")[6:7] for line in download.value.path().read_text().splitlines()] != []
    assert "PbTiO3" not in download.value.path().read_text()
    page.keyboard.press("Escape")

    page.locator("#clear").click()
    page.locator("#ranges-open").click()
    page.get_by_label("Predicted, least").first.fill("1,8")
    page.keyboard.press("Enter")
    expect(page.locator("#candidate-count")).to_have_text("2 candidates")
    page.get_by_label("Predicted, most").first.fill("wide")
    page.keyboard.press("Enter")
    expect(page.locator("#ranges-complaint")).to_have_text("A bound is a number, such as 1.62.")
    page.keyboard.press("Escape")
    page.locator("#iteration").select_option("all")
    page.locator("#clear").click()
    expect(page.locator("#candidate-count")).to_have_text("4 candidates")
    assert formulas(page) == [
        "Later",
        "SrTiO3",
        "PbTiO3",
        "SrS",
    ]  # iterations by themselves, the newest first
    page.goto(f"{url}/campaigns/{campaign.name}?elements=Xx")
    expect(page.locator("#grid-message")).to_contain_text("Xx is no element")


def test_an_iteration_is_ranked_again_in_the_grid_and_candidates_are_compared_by_keys(
    page: Page, url: str, database: Database
) -> None:
    campaign = ReviewedCampaign(database).start()
    campaign.rank(0, ["p:Narrow", "p:Likely", "p:Sure"])
    campaign.predict(0, {"p:Narrow": (0.2, -2.6), "p:Likely": (1.1, -2.2), "p:Sure": (1.6, -2.6)}, std=0.2)
    campaign.register(0, version=1, champion=2)
    page.goto(f"{url}/campaigns/{campaign.name}")
    expect(cell(page, 1, "status").locator(".badge-stale")).to_have_attribute(
        "title", re.compile("older than the champion, version 2")
    )
    page.locator("#rerank-open").click()
    expect(cell(page, 1, "formula")).to_have_text("Sure")
    page.locator("#rerank-strategy").select_option("greedy")
    expect(cell(page, 1, "rank")).to_have_text("1 ▲2")
    expect(page.locator("#rerank-told")).to_contain_text("3 of the best 3 are on the recorded list")
    assert "strategy=greedy" in page.url
    page.locator("#rerank-close").click()
    expect(cell(page, 1, "formula")).to_have_text("Narrow")

    for key in ("j", "x", "j", "j", "x", "c"):
        page.keyboard.press(key)
    expect(page.locator(".compared thead th")).to_have_text(["", "Narrow", "Sure"])
    expect(page.locator(".compared")).to_contain_text("Band gap direct (eV)")
    page.keyboard.press("Escape")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(page.locator("#detail h2")).to_have_text("Likely")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#detail h2")).to_have_text("Narrow")
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(page.locator("#detail-panel")).to_be_hidden()
    page.keyboard.press("/")
    page.keyboard.type("Nb2O5")
    page.keyboard.press("Enter")
    expect(page.locator("#grid-message")).to_contain_text("No candidate passes these filters")


def test_ten_thousand_candidates_scroll_sort_and_filter_on_the_server(
    page: Page, url: str, database: Database
) -> None:
    campaign = ReviewedCampaign(database).start()
    ids = campaign.rank(0, [f"p:M{place}" for place in range(10_000)])
    campaign.move(ids[5_000], "flagged")
    campaign.measure(0, {"p:M0": 0.8, "p:M1": 2.5}, threshold=1.3)

    page.goto(f"{url}/campaigns/{campaign.name}")
    expect(page.locator("#candidate-count")).to_have_text("10,000 candidates")
    expect(cell(page, 1, "rank")).to_have_text("1")
    expect(cell(page, 2, "distance")).to_have_text("Far 2.50")
    for panel in ("closed", "open"):
        if panel == "open":
            cell(page, 1, "status").click()
            expect(page.locator("#detail h2")).to_be_visible()
        assert whole_rows(page) >= 12
    page.evaluate("dash_ag_grid.getApi('candidates').ensureIndexVisible(9999)")
    expect(cell(page, 10_000, "rank")).to_have_text("10000")

    page.evaluate("dash_ag_grid.getApi('candidates').ensureIndexVisible(0)")
    header = page.locator(".ag-header-cell[col-id='predicted.band_gap_direct'] .ag-header-cell-label")
    header.click()
    expect(cell(page, 1, "rank")).to_have_text("10000")
    assert "sort=-predicted.band_gap_direct" in page.url

    page.locator("[data-status=flagged]").click()
    expect(page.locator("#candidate-count")).to_have_text("1 candidate")
    expect(cell(page, 1, "rank")).to_have_text("5001")


def whole_rows(page: Page) -> int:
    """Count the rows that are on the screen from top to bottom, with every column of the goal."""
    return int(
        page.evaluate(
            """() => {
              const body = document.querySelector('.ag-body-viewport').getBoundingClientRect();
              const bottom = Math.min(body.bottom, innerHeight);
              const right = document.querySelector('.ag-center-cols-viewport').getBoundingClientRect().right;
              const goal = ['predicted.band_gap_direct', 'predicted.formation_energy_per_atom', 'feasibility', 'status'];
              return [...document.querySelectorAll('.ag-center-cols-container .ag-row')].filter((row) => {
                const at = row.getBoundingClientRect();
                return at.top >= body.top - 1 && at.bottom <= bottom + 1 && goal.every((column) =>
                  row.querySelector(`[col-id="${column}"]`)?.getBoundingClientRect().right <= right + 1);
              }).length }"""
        )
    )


def test_an_empty_installation_says_which_command_to_run(page: Page, url: str, database: Database) -> None:
    page.goto(url)
    expect(page.locator("#campaigns")).to_contain_text("No campaign has run yet")
    expect(page.locator("#campaigns pre")).to_have_text("catalyst demo")
    page.goto(f"{url}/campaigns/no-such")
    expect(page.locator("#campaign-head")).to_contain_text("There is no campaign 'no-such'.")
    expect(page.locator("#campaign-body")).to_be_hidden()
    campaign = ReviewedCampaign(database).start()
    page.goto(f"{url}/campaigns/{campaign.name}")
    expect(page.locator("#grid-place")).to_contain_text("No candidates yet")
    campaign.rank(0, ["p:SrTiO3"])
    expect(cell(page, 1, "formula")).to_have_text("SrTiO3")  # without asking for the page again


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
    expect(page.locator("#live")).to_have_text("Live")
    expect(page.locator("#superseded")).not_to_contain_text("learned from")

    with database.transaction(Role.VALIDATOR) as connection:
        retract(connection, recorded.added[0], by="Ada Lovelace", reason="the pellet had cracked")
    banner = page.locator("#superseded")
    expect(banner).to_contain_text("1 label that this ranking was learned from was retracted since:")
    expect(banner.locator("li")).to_contain_text("direct of SrTiO3, learned as 1.25 eV, retracted")
    expect(banner.locator("li")).to_contain_text("by Ada Lovelace: the pellet had cracked")
    page.locator("#iteration").select_option("0")
    expect(page.locator("#candidate-count")).to_have_text("2 candidates")
    expect(banner.locator("li")).to_have_count(0)
    expect(banner).to_have_text(re.compile("^Nothing was known when this was ranked"))


def learned_from(database: Database, key: str, material: str, result: int) -> None:
    """Make one result a label of an iteration, as opening it does."""
    statement = (
        "INSERT INTO iteration_labels (partition_key, material_id, property, method, value, origin, result_ids)"
        " SELECT :key, material_id, property, method, value, 'validated', ARRAY[result_id] FROM validation_results"
        " WHERE result_id = :result AND material_id = :material"
    )
    with database.transaction(Role.OWNER) as connection:
        connection.execute(sa.text(statement), {"key": key, "material": material, "result": result})
