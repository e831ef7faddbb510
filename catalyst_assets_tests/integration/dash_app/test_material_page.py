"""The page of one material in a real browser: its crystal, what was expected and measured, and what people say of it."""

from collections.abc import Iterator

import httpx
import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from catalyst_assets_tests.integration.dash_app.review_page import cell, decisions, signed_in
from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from catalyst_assets_tests.integration.dash_app.serving import bearer
from resources.postgres.database import Database, Role

pytestmark = pytest.mark.browser
SEEN = "p:SrTiO3"


@pytest.fixture
def url(database: Database, page: Page) -> Iterator[str]:
    """A server at which Ada Lovelace is signed in, a reviewer."""
    with signed_in(page, database) as address:
        yield address


@pytest.fixture
def failures(page: Page) -> list[str]:
    """What the browser complains of."""
    found: list[str] = []
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    return found


@pytest.fixture
def ranked(database: Database) -> ReviewedCampaign:
    """A campaign that ranked three materials twice, learned of one in between, and measured it."""
    campaign = ReviewedCampaign(database).start()
    first, *_ = campaign.rank(0, [SEEN, "p:PbTiO3", "p:BaTiO3"])
    campaign.move(first, "flagged", "in_validation", reason="nothing in it is dear")
    campaign.answer(0, SEEN, 1.5, -2.5)
    campaign.move(first, "validated")
    campaign.rank(1, ["p:PbTiO3", SEEN, "p:BaTiO3"])
    with database.transaction(Role.PIPELINE) as connection:
        connection.execute(
            sa.text(
                "INSERT INTO material_sources VALUES"
                " ('materials_project', 'mp-5229', 'p:SrTiO3', '', 'CC BY 4.0', '2026-11-01')"
            )
        )
    return campaign


def notes(database: Database) -> list[tuple[str, str, str]]:
    """What was written, in its order."""
    with database.transaction(Role.OWNER) as connection:
        rows = connection.execute(
            sa.text("SELECT material_id, author, text FROM material_notes ORDER BY note_id")
        )
        return [tuple(row) for row in rows]


def test_a_material_shows_its_crystal_what_was_expected_and_what_was_measured(
    page: Page, url: str, ranked: ReviewedCampaign, failures: list[str]
) -> None:
    page.goto(f"{url}/materials/{SEEN}")
    expect(page.locator("#material-head h1 .name")).to_have_text("SrTiO3")
    expect(page.locator("#material-head")).to_contain_text("Show in ranking, #2")

    drawn = page.locator(".structure-host")
    expect(drawn.locator("canvas").first).to_be_visible()
    # 8 corners, 12 edges, and what is within.
    expect(drawn).to_have_attribute("data-atoms", "21")
    expect(drawn).to_have_attribute("data-bonds", "24")
    expect(page.locator("#structure-legend")).to_contain_text("Ag 1")
    expect(page.locator("#structure-view")).to_have_attribute(
        "aria-label", "Crystal structure of SrTiO3: 1 Ag, 1 Al, 3 O"
    )
    page.get_by_role("button", name="2×2×2").click()
    expect(drawn).to_have_attribute("data-atoms", "89")
    page.locator("#structure-bonds").click()
    expect(drawn).to_have_attribute("data-bonds", "0")
    assert page.url.endswith(f"/materials/{SEEN}?cells=2&bonds=off")
    page.reload()
    expect(drawn).to_have_attribute("data-atoms", "89")
    expect(page.locator("#structure-bonds")).to_have_attribute("aria-pressed", "false")

    expect(page.locator("#material-facts")).to_contain_text("a 3.9 Å · b 3.9 Å · c 3.9 Å")
    expect(page.locator("#material-facts")).to_contain_text("59.32 Å³")
    source = page.get_by_role("link", name="Materials Project mp-5229")
    expect(source).to_have_attribute("href", "https://materialsproject.org/materials/mp-5229")
    expect(page.locator("#material-sources")).to_contain_text("Licence CC BY 4.0")
    with page.expect_download() as file:
        page.locator("#material-cif").click()
    assert file.value.suggested_filename == "p_SrTiO3.cif"

    gap = page.locator(".track", has_text="Band gap direct (eV)")
    expect(gap.locator(".mean.covering")).to_have_attribute("data-iteration", "0")
    expect(gap.locator(".mean:not(.covering) title")).to_have_text("Iteration 1: predicted 1.83 ± 0.40 eV")
    expect(gap.locator(".truth title")).to_have_text("Iteration 0: measured 1.500 eV")
    expect(gap.locator(".aim")).to_have_count(1)
    rows = page.locator(".tracked tbody tr")
    expect(rows.nth(0)).to_contain_text("1.83 ± 0.40")
    expect(rows.nth(1).locator(".measured-cell").first).to_have_text("1.5")

    expect(page.locator(".rankings tbody tr")).to_have_count(2)
    expect(page.locator(".rankings tr.shown")).to_contain_text("Ranked")
    expect(page.locator("#material-history li")).to_have_count(3)
    expect(page.locator("#material-history q")).to_have_text(["nothing in it is dear"] * 2)
    expect(page.locator("#material-results li")).to_have_count(2)
    expect(page.locator("#material-neighbours")).to_contain_text("has no features yet")
    page.locator(".rankings").get_by_role("link", name="0", exact=True).click()
    expect(page.locator("#material-why h2")).to_have_text("Why this one in iteration 0")
    expect(page.locator("#material-why")).to_contain_text("Nothing was known yet")
    assert failures == []


def test_what_others_do_appears_and_a_note_is_written(
    page: Page, url: str, ranked: ReviewedCampaign, database: Database, failures: list[str]
) -> None:
    page.goto(f"{url}/materials/{SEEN}")
    expect(page.locator("#live")).to_have_text("Live")
    expect(page.locator("#material-notes")).to_contain_text("Nobody has written a note yet.")
    page.locator("#note-send").click()
    expect(page.locator("#note-complaint")).to_have_text("Write something first.")
    page.keyboard.type("Grown on glass.\nTwice.")
    page.locator("#note-send").click()
    expect(page.locator("#material-notes .note-text")).to_have_text("Grown on glass.\nTwice.")
    expect(page.locator("#note-text")).to_have_value("")
    assert notes(database) == [(SEEN, "Ada Lovelace", "Grown on glass.\nTwice.")]

    page.locator("#note-text").fill("half a thought")
    with httpx.Client(base_url=f"{url}/api/v1", trust_env=False) as api:
        api.headers.update(bearer(database, "Grace Hopper", "review"))
        api.post(f"/materials/{SEEN}/notes", json={"text": "Seen elsewhere."}).raise_for_status()
        (now,) = api.get("/candidates", params={"material": SEEN, "iteration": 1}).json()["items"]
        api.post(
            f"/candidates/{now['candidate_id']}/reject", json={"reason": "it creeps", "kind": "withdrawn"}
        ).raise_for_status()
    expect(page.locator("#material-notes .note-text").first).to_have_text("Seen elsewhere.")
    expect(page.locator("#material-head .badge")).to_have_text("Rejected: withdrawn")
    expect(page.locator("#material-history li").first).to_contain_text("by Grace Hopper")
    expect(page.locator("#note-text")).to_have_value("half a thought")

    # The pages are there, and the API behind them is not.
    gone = {"type": "urn:catalyst:problem:unavailable", "detail": "The API does not answer."}
    page.route("**/notes", lambda route: route.fulfill(status=503, json=gone))
    page.locator("#note-send").click()
    expect(page.locator("#notes-unsent")).to_contain_text("Not sent yet: half a thought")
    page.unroute("**/notes")
    expect(page.locator("#notes-unsent")).to_be_empty()
    expect(page.locator("#material-notes .note-text").first).to_have_text("half a thought")
    assert notes(database)[-1] == (SEEN, "Ada Lovelace", "half a thought")
    assert [text for text in failures if "503" not in text] == []


def test_ways_lead_from_the_grid_through_the_ranking_and_back(
    page: Page, url: str, ranked: ReviewedCampaign, failures: list[str]
) -> None:
    page.goto(f"{url}/campaigns/{ranked.name}")
    expect(cell(page, 2, "formula")).to_have_text("SrTiO3")
    cell(page, 2, "status").click()
    expect(page.locator("#detail h2 a")).to_have_text("SrTiO3")
    page.keyboard.press("m")
    expect(page.locator("#material-head h1 .name")).to_have_text("SrTiO3")
    page.keyboard.press("j")
    expect(page.locator("#material-head h1 .name")).to_have_text("BaTiO3")
    expect(page.locator("#material-after")).to_have_count(0)
    page.locator("#material-before").click()
    expect(page.locator("#material-before")).to_have_text("← PbTiO3")
    page.keyboard.press("k")
    expect(page.locator("#material-head h1 .name")).to_have_text("PbTiO3")
    expect(page.locator(".structure-host")).to_have_attribute("data-atoms", "21")
    page.locator("#material-ranking").click()
    expect(page.locator("#detail h2")).to_have_text("PbTiO3")
    page.locator("#detail-close").click()
    cell(page, 3, "formula").get_by_role("link").click()
    expect(page.locator("#material-head h1 .name")).to_have_text("BaTiO3")
    page.go_back()
    expect(cell(page, 3, "formula")).to_have_text("BaTiO3")

    page.goto(f"{url}/materials/p:Nothing")
    expect(page.locator("#material-head")).to_contain_text(
        "There is no material 'p:Nothing'.Its address may be mistyped"
    )
    expect(page.locator("#material-body")).to_be_hidden()
    assert failures == []


def test_it_is_decided_about_where_one_reads_of_it(
    page: Page, url: str, ranked: ReviewedCampaign, database: Database, failures: list[str]
) -> None:
    page.goto(f"{url}/materials/p:BaTiO3?campaign={ranked.name}")
    standing = page.locator("#material-head .badge")
    expect(standing).to_have_text("Ranked")
    page.locator(".material-head [data-decide=flag]").click()
    expect(page.locator("#decide-title")).to_have_text("Flag BaTiO3")
    page.locator("#decide-reason").fill("it is near the best")
    page.locator("#decide-confirm").click()
    expect(standing).to_have_text("Flagged")
    expect(page.locator("#material-history")).to_contain_text("it is near the best")
    expect(page.locator(".material-head [data-decide=flag]")).to_have_count(0)

    page.keyboard.press("f")  # it is flagged already
    expect(page.locator("#decide")).to_be_hidden()
    page.keyboard.press("r")
    page.locator("#decide [data-kind=withdrawn]").click()
    page.locator("#decide-reason").fill("barium is banned here")
    page.locator("#decide-confirm").click()
    expect(standing).to_have_text("Rejected: withdrawn")
    expect(page.locator(".material-head [data-decide=reject]")).to_have_count(0)
    assert decisions(database)[-2:] == [
        ("p:BaTiO3", "flagged", "Ada Lovelace", "it is near the best"),
        ("p:BaTiO3", "rejected", "Ada Lovelace", "barium is banned here"),
    ]

    page.set_viewport_size({"width": 820, "height": 1180})
    parts = ("#material-track", "#material-why", "#structure-tools", "#material-facts")
    tops = [page.locator(each).bounding_box() for each in parts]
    heights = [each["y"] for each in tops if each is not None]
    assert len(heights) == len(parts)
    assert heights == sorted(heights)
    assert failures == []


def test_without_a_structure_or_webgl_or_the_viewer_it_says_so(
    page: Page, url: str, ranked: ReviewedCampaign, database: Database
) -> None:
    with database.transaction(Role.OWNER) as connection:
        connection.execute(
            sa.text("UPDATE materials SET structure_json = '{}' WHERE material_id = 'p:BaTiO3'")
        )
    page.goto(f"{url}/materials/p:BaTiO3")
    expect(page.locator("#structure-message")).to_contain_text("No structure is stored")
    expect(page.locator("#material-cif")).to_have_count(0)
    expect(page.locator("#structure-tools button").first).to_be_hidden()

    page.route("**/3Dmol-min.js", lambda route: route.abort())
    page.goto(f"{url}/materials/{SEEN}")
    expect(page.locator("#structure-message")).to_contain_text("The viewer could not be loaded")
    page.unroute("**/3Dmol-min.js")
    # What changes elsewhere on the page must not take the button from under the pointer.
    offered = page.get_by_role("button", name="Try again").element_handle()
    with page.expect_response("**/_dash-update-component*"):
        page.evaluate("review.store('material-changed', Date.now())")
    page.wait_for_timeout(300)
    offered.click(timeout=5000)
    expect(page.locator(".structure-host")).to_have_attribute("data-atoms", "21")
    expect(page.locator("#structure-message")).to_be_hidden()

    page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    page.goto(f"{url}/materials/{SEEN}")
    expect(page.locator("#structure-message")).to_contain_text("draws nothing in three dimensions")
    expect(page.locator("#material-sites tbody tr")).to_have_count(5)


def test_a_viewer_reads_notes_and_writes_none(
    page: Page, ranked: ReviewedCampaign, database: Database
) -> None:
    with signed_in(page, database, "viewer") as url:
        page.goto(f"{url}/materials/{SEEN}")
        expect(page.locator("#material-notes")).to_contain_text("Nobody has written a note yet.")
        expect(page.locator("#note-text")).to_be_hidden()


_RECIPE = """
INSERT INTO relaxation_recipes (method, sha256, document) VALUES ('sevennet-l3i5', 'now', '{}')
"""
_RELAXED = """
INSERT INTO relaxed_structures (
    method, structure_hash, recipe_sha256, relaxed_hash, structure_json, energy_ev, correction_ev, n_sites, status, steps,
    largest_force, space_group_before, space_group_after, volume_change, formation_problem
)
SELECT 'sevennet-l3i5', structure_hash, 'now', 'r', '{"lattice": {"matrix": [[3.921, 0, 0], [0, 3.921, 0], [0, 0, 4.012]]}}',
    -40.0, -2.0, 5, 'converged', 14, 0.012, 221, 99, -0.0123, 'there is no reference of O'
FROM materials WHERE material_id = :material_id
"""
_FAILED = """
INSERT INTO quarantine (source, record, raw_sha256, reason)
SELECT 'relaxed_structures', structure_hash, 'chgnet-0.3.0', 'the cell or the atoms collapsed while it was relaxed'
FROM materials WHERE material_id = :material_id
"""


def test_a_material_shows_what_potentials_made_of_its_structure(
    page: Page, url: str, ranked: ReviewedCampaign, database: Database, api: httpx.Client, failures: list[str]
) -> None:
    with database.transaction(Role.PIPELINE) as connection:
        for statement in (_RECIPE, _RELAXED, _FAILED):
            connection.execute(sa.text(statement), {"material_id": SEEN})

    failed, relaxed = api.get(f"/materials/{SEEN}").json()["relaxations"]
    assert (failed["method"], failed["status"], failed["lattice"]) == ("chgnet-0.3.0", "failed", None)
    assert (relaxed["energy_per_atom"], relaxed["space_group_after"]) == (-8.0, 99)
    assert relaxed["lattice"][2] == [0, 0, 4.012]

    page.goto(f"{url}/materials/{SEEN}")
    facts = page.locator("#material-facts")
    expect(facts).to_contain_text("Relaxed by sevennet-l3i5")
    expect(facts).to_contain_text("a\u00a03.921\u00a0Å · b\u00a03.921\u00a0Å · c\u00a04.012\u00a0Å")
    expect(facts).to_contain_text(
        "volume \u22121.2 % · space group no. 99 · no formation energy: there is no reference of O"
    )
    expect(facts).to_contain_text("failed: the cell or the atoms collapsed while it was relaxed")
    assert failures == []
