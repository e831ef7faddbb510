"""What holds of every page of a campaign and of a material: where things stand, at every width, while they are drawn and after."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from catalyst_assets_tests.integration.dash_app.review_page import signed_in
from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign, place
from resources.postgres.database import Database

pytestmark = pytest.mark.browser
DEMO = "oxide-perovskites-demo"
MATERIALS = [f"p:{name}" for name in ("AlLaO3", "SrTiO3", "KNbO3", "Li0.5La0.5Co0.5Ni0.5O3")]
TABS = ("", "/validation?iteration=all", "/map", "/progress")
WIDTHS = (820, 1280, 1440, 1920)


@pytest.fixture
def campaign(database: Database) -> ReviewedCampaign:
    """Four candidates of two iterations: one answered, one about to be, of two there are predictions."""
    reviewed = ReviewedCampaign(database).start()
    first = reviewed.rank(0, MATERIALS[:2])
    reviewed.rank(1, MATERIALS[2:])
    reviewed.predict(1, dict.fromkeys(MATERIALS, (1.5, -2.5)))
    for material in MATERIALS[:2]:
        reviewed.label(1, material, 1.5, -2.5)
    reviewed.answer(0, MATERIALS[0], 1.5, -2.5)
    reviewed.move(first[1], "flagged")
    place(database, {name: (float(i), float(i % 2)) for i, name in enumerate(MATERIALS)})
    return reviewed


@pytest.fixture
def url(campaign: ReviewedCampaign, page: Page, database: Database) -> Iterator[str]:
    with signed_in(page, database) as address:
        yield f"{address}/campaigns/{DEMO}"


def box(page: Page, selector: str) -> dict[str, float]:
    """Where something is on the page, also while it is laid out anew."""
    found: Any = None
    while found is None:
        found = page.locator(selector).first.bounding_box()
    return {**found, "right": found["x"] + found["width"], "bottom": found["y"] + found["height"]}


def too_wide(page: Page) -> list[int]:
    """The widths at which the page scrolls sideways."""
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        if page.evaluate("document.documentElement.scrollWidth") > width:
            found.append(width)
    return found


def drawn(page: Page) -> None:
    """Wait until the page shows what it is about."""
    seen = ".ag-row, .board-card[data-card], #map-canvas[data-drawn], #campaign-progress .trace, #material-track table"
    expect(page.locator(seen).first).to_be_attached()


def test_every_tab_has_one_head_tells_once_what_is_waited_for_and_scrolls_down_only(
    page: Page, url: str, campaign: ReviewedCampaign
) -> None:
    campaign.wait("1 candidate of iteration 0 awaits the laboratory")
    places = []
    for tab in TABS:
        page.goto(url + tab)
        drawn(page)
        head, bar = box(page, ".campaign-head h1"), box(page, "header.top")
        places.append((head["x"], head["y"]))
        assert head["y"] >= bar["bottom"] + 6
        assert box(page, "#progress-line")["y"] < head["bottom"]  # one line at 1440

        told = page.locator("#campaign-waiting")
        expect(page.get_by_text("1 candidate of iteration 0 awaits the laboratory")).to_have_count(1)
        expect(told).to_contain_text("Waiting for answers: 1 candidate")
        expect(told.locator("a")).to_have_attribute("href", f"/campaigns/{DEMO}/validation")
        assert too_wide(page) == []
        page.set_viewport_size({"width": 1440, "height": 900})
    assert len(set(places)) == 1, places

    told.locator("a").click()
    expect(page.locator(".page-tab[aria-current]")).to_have_text("Validation")
    drawn(page)


def test_a_chart_keeps_its_place_and_what_is_written_below_stays_below(page: Page, url: str) -> None:
    page.goto(f"{url}/progress")
    drawn(page)
    for width in (1440, 820, 1920):
        page.set_viewport_size({"width": width, "height": 1800})
        page.wait_for_function(
            "() => { const [svg, box] = ['.main-svg', '.chart'].map((each) =>"
            " document.querySelector('#campaign-progress ' + each).getBoundingClientRect());"
            " return Math.abs(svg.width - box.width) < 2 && Math.abs(svg.height - box.height) < 2; }"
        )
        chart = box(page, "#campaign-progress .main-svg")
        assert chart["height"] == 352
        assert chart["bottom"] <= box(page, "#discovery-remark")["y"] + 1
    page.locator("#theme").click()
    drawn(page)
    assert box(page, "#campaign-progress .main-svg")["bottom"] <= box(page, "#discovery-remark")["y"] + 1


def test_nothing_looks_like_a_result_before_a_chart_is_drawn(page: Page, url: str) -> None:
    script = "**/review_charts.js*"
    never = "window.dash_clientside.review.draw = (...a) => a[3].map(() => window.dash_clientside.no_update);"
    page.route(script, lambda route: route.fulfill(body=never, content_type="text/javascript"))
    page.goto(f"{url}/progress")
    expect(page.locator("#discovery-remark")).to_contain_text("pool")
    expect(page.locator("#campaign-progress .js-plotly-plot")).to_be_visible()
    page.wait_for_function("document.querySelector('#campaign-progress .main-svg')")
    assert page.locator("#campaign-progress .xtick, #campaign-progress .ytick").count() == 0
    waits = page.evaluate(
        "getComputedStyle(document.querySelector('#campaign-progress .figure-frame'), '::after').content"
    )
    assert waits == '"Drawing…"'
    before = box(page, "#discovery-remark")["y"]
    page.unroute(script)
    page.reload()
    drawn(page)
    assert box(page, "#discovery-remark")["y"] == before
