"""A candidate that is only a composition: the API, exports and pages say that no structure is known."""

import httpx
import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from catalyst_assets.constants import NO_STRUCTURE
from catalyst_assets_tests.integration.dash_app.review_page import signed_in
from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from resources.postgres.database import Database, Role

BARE = "plate:Fe9Ni"


@pytest.fixture
def ranked(database: Database) -> list[int]:
    """The numbers of two candidates, of which the first is only a composition."""
    numbers = ReviewedCampaign(database).start().rank(0, [BARE, "p:SrTiO3"])
    with database.transaction(Role.OWNER) as connection:
        connection.execute(
            sa.text("UPDATE materials SET structure_json = NULL, n_sites = NULL WHERE material_id = :name"),
            {"name": BARE},
        )
    return numbers


def test_the_api_gives_all_but_the_structure(api: httpx.Client, ranked: list[int]) -> None:
    shown = api.get(f"/materials/{BARE}")
    assert shown.status_code == 200
    material = shown.json()
    assert (material["structure"], material["n_sites"], material["symmetry"]) == (None, None, None)
    assert (material["formula"], len(material["candidates"])) == ("Fe9Ni", 1)
    candidate = api.get(f"/candidates/{ranked[0]}").json()
    assert (candidate["formula"], candidate["structure"]) == ("Fe9Ni", None)
    cif = api.get(f"/materials/{BARE}/cif")
    assert cif.status_code == 404
    assert NO_STRUCTURE in cif.text


def test_an_export_of_structures_has_a_remark_in_its_place(api: httpx.Client, ranked: list[int]) -> None:
    text = api.get("/exports/candidates.cif").text

    assert text.count(f"# {NO_STRUCTURE}") == 1
    assert f"# candidate {ranked[0]}: {BARE}" in text
    rows = api.get("/exports/candidates.csv").text.splitlines()
    assert len(rows) == 3


def test_a_cell_and_its_sites_are_known_together_or_not_at_all(database: Database, ranked: list[int]) -> None:
    with pytest.raises(sa.exc.IntegrityError), database.transaction(Role.OWNER) as connection:
        connection.execute(sa.text("UPDATE materials SET structure_json = NULL WHERE n_sites IS NOT NULL"))


@pytest.mark.browser
def test_pages_say_that_no_structure_is_known(page: Page, database: Database, ranked: list[int]) -> None:
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    with signed_in(page, database) as url:
        page.goto(f"{url}/materials/{BARE}")
        expect(page.locator("#material-head h1 .name")).to_have_text("Fe9Ni")
        expect(page.locator("#structure-message")).to_contain_text(NO_STRUCTURE)
        expect(page.locator("#material-sites")).to_contain_text(NO_STRUCTURE)
        expect(page.locator("#material-cif")).to_have_count(0)
        expect(page.locator("#material-facts")).not_to_contain_text("Sites")

        page.goto(f"{url}/campaigns/oxide-perovskites-demo?candidate={ranked[0]}")
        expect(page.get_by_text(NO_STRUCTURE)).to_be_visible()
    assert failures == []
