"""Every page in a real browser, light and dark, looked at by axe-core: nothing serious against WCAG 2.1 AA."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from catalyst_assets_tests.integration.dash_app.ingested import add_file, set_aside
from catalyst_assets_tests.integration.dash_app.review_page import signed_in
from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign, place
from catalyst_assets_tests.results import submit_results
from resources.postgres.database import Database

pytestmark = pytest.mark.browser

# Each page, and what is on it once it has filled itself.
PAGES = (
    ("/", "oxide-perovskites-demo"),
    ("/campaigns/oxide-perovskites-demo", "CaTiO3"),
    ("/campaigns/oxide-perovskites-demo?candidate=4", "History"),
    ("/campaigns/oxide-perovskites-demo/validation?iteration=all", "CaTiO3"),
    ("/campaigns/oxide-perovskites-demo/validation?iteration=all&view=results", "Correct"),
    ("/campaigns/oxide-perovskites-demo/validation?view=work-order", "candidates out"),
    ("/campaigns/oxide-perovskites-demo/validation?view=calculations", "computes nothing"),
    ("/campaigns/oxide-perovskites-demo/progress", "Discovery"),
    ("/materials/p:SrTiO3", "Similar materials"),
    ("/campaigns/oxide-perovskites-demo/map", "2 of 2 materials"),
    ("/new-campaign", "Method is missing"),
    ("/uploads", "Add candidates"),
    ("/runs", "Nobody knows what runs"),
    ("/data", "my_oxides"),
    ("/data?show=files", "no table"),
    ("/data?show=set-aside", "gap: … is too large"),
    ("/data?show=set-aside&source=my_oxides&kind=gap: … is too large", "gap: 99 is too large"),
    ("/data?show=uploads", "Nobody uploaded anything yet"),
    ("/campaigns/nowhere", "There is no campaign"),
)
_OPTIONS = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], "resultTypes": ["violations"]}


@pytest.fixture
def url(database: Database, page: Page) -> Iterator[str]:
    """A server with a campaign of two iterations, at which an admin is signed in."""
    campaign = ReviewedCampaign(database).start()
    flagged = campaign.rank(0, ["p:SrTiO3", "p:PbTiO3", "p:AlLaO3"])
    for candidate in flagged[:2]:
        campaign.move(candidate, "flagged")
    submit_results(
        database, campaign.key(0), "p:SrTiO3", {"band_gap_direct": 1.5, "formation_energy_per_atom": -2.5}
    )
    campaign.rank(1, ["p:CaTiO3", "p:BaTiO3"])
    campaign.predict(1, {"p:CaTiO3": (1.5, -2.5), "p:BaTiO3": (2.0, -2.0)})
    place(database, {"p:CaTiO3": (0.0, 0.0), "p:BaTiO3": (1.0, 1.0)})
    add_file(database, "my_oxides", "oxides.csv", "failed", "no table")
    set_aside(database, "my_oxides", ["gap: 99 is too large"], {"gap": 99})
    with signed_in(page, database, "admin") as address:
        yield address


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_barrier(page: Page, url: str, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    found: list[str] = []
    for path, shows in PAGES:
        page.goto(url + path)
        expect(page.locator("#content")).to_contain_text(shows)
        page.wait_for_timeout(500)
        for violation in Axe().run(page, options=_OPTIONS).response["violations"]:
            if violation["impact"] in ("serious", "critical"):
                nodes = "; ".join(
                    f"{node['target']} {node['failureSummary']}" for node in violation["nodes"][:4]
                )
                found.append(f"{path} {violation['id']} ({len(violation['nodes'])}): {nodes}")
    assert not found, "\n".join(found)
