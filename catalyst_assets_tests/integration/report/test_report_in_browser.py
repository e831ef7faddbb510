"""The report in a real browser: on a desk, on a phone and printed, for campaigns of every size."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from catalyst_assets.report.pages import render_page
from catalyst_assets.report.summary import CampaignSummary
from catalyst_assets_tests.unit.report.test_report import EMPTY, FULL, OBJECTIVE, large

pytestmark = pytest.mark.browser

# What sticks out of the page to the right, other than within a box that scrolls.
OVERFLOW = """() => [...document.querySelectorAll('main *')]
    .filter(e => !e.closest('.scroll') && !e.closest('svg') && e.getBoundingClientRect().right > innerWidth + 1)
    .map(e => e.outerHTML.slice(0, 80))"""
# Pixels to a point of the picture that is shown smallest.
SMALLEST = """() => Math.min(...[...document.querySelectorAll('figure svg')].map(
    e => e.getBoundingClientRect().width / e.viewBox.baseVal.width))"""


@pytest.mark.parametrize(
    ("summary", "pages"),
    [(EMPTY, 2), (FULL, 5), (OBJECTIVE, 5), (large(10, 10, 3), 6), (large(100_000, 3000, 250), 14)],
    ids=["nothing yet", "some", "objective", "ten members", "large"],
)
def test_nothing_sticks_out_at_any_width_and_print_is_not_wasteful(
    browser: Browser, tmp_path: Path, summary: CampaignSummary, pages: int
) -> None:
    asked: list[str] = []
    file = tmp_path / "report.html"
    file.write_text(render_page(summary), encoding="utf-8")
    for width in (1280, 375):
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.on("request", lambda request: asked.append(request.url))
        page.goto(file.as_uri())
        assert page.evaluate(OVERFLOW) == []
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.evaluate(SMALLEST) > 0.7  # letters of ten points are at least seven pixels high
        page.close()
    page = browser.new_page()
    page.goto(file.as_uri())
    printed = page.pdf(format="A4", print_background=True)
    page.close()
    assert 1 <= printed.count(b"/Type /Page\n") <= pages
    assert {url for url in asked if not url.startswith(("file:", "data:"))} == set()
