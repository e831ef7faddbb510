"""Every page in a real browser, light and dark, looked at by axe-core: nothing serious against WCAG 2.1 AA."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from catalyst_assets_tests.integration.dash_app.review_page import signed_in
from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from catalyst_assets_tests.results import submit_results
from resources.postgres.database import Database

pytestmark = pytest.mark.browser

# Each page, and what is on it once it has filled itself.
PAGES = (
    ("/", "oxide-perovskites-demo"),
    ("/campaigns/oxide-perovskites-demo", "CaTiO3"),
    ("/campaigns/oxide-perovskites-demo?candidate=4", "History"),
    ("/campaigns/oxide-perovskites-demo/progress", "Discovery"),
    ("/materials/p:SrTiO3", "Similar materials"),
    ("/runs", "Nobody knows what runs"),
    ("/data", "Data"),
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
