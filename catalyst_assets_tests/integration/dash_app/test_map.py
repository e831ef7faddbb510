"""The map of a pool: what the API tells of it, and what one does with it in a real browser."""

import base64
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from catalyst_assets_tests.integration.dash_app.review_page import decisions, formulas, signed_in, statuses
from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign, place
from catalyst_assets_tests.integration.dash_app.test_api_page import commands_below
from resources.postgres.database import Database, Role

PLACES = {"p:SrTiO3": (0.0, 0.0), "p:PbTiO3": (1.0, 0.0), "p:AlLaO3": (0.0, 1.0), "p:CaTiO3": (10.0, 10.0)}
EXPLAINED = 0.42


def column(told: dict[str, object]) -> list[float | None]:
    """The numbers of a column, to three digits."""
    steps = np.frombuffer(base64.b64decode(str(told["data"])), "<u2")
    low, high = float(str(told["low"])), float(str(told["high"]))
    return [None if step == 65535 else round(low + (high - low) * step / 65534, 3) for step in steps.tolist()]


def add_unlisted(database: Database, material: str) -> None:
    with database.transaction(Role.PIPELINE) as connection:
        connection.execute(
            sa.text(
                "INSERT INTO materials (material_id, reduced_formula, chemical_system, elements, n_sites, structure_json,"
                " structure_hash) SELECT :name, :formula, chemical_system, elements, n_sites, structure_json, :name"
                " FROM materials LIMIT 1"
            ),
            {"name": material, "formula": material.partition(":")[2]},
        )


@pytest.fixture
def campaign(database: Database) -> ReviewedCampaign:
    """Three candidates, two of them near each other; a material that the ranking did not list; one without features."""
    campaign = ReviewedCampaign(database).start()
    campaign.rank(0, ["p:SrTiO3", "p:PbTiO3", "p:AlLaO3"])
    for name in ("p:CaTiO3", "p:BaTiO3"):
        add_unlisted(database, name)
    campaign.predict(0, {name: (1.0 + at, -2.0 - at) for at, name in enumerate([*PLACES, "p:BaTiO3"])})
    place(database, PLACES, EXPLAINED)
    return campaign


def test_a_map_has_places_predictions_and_how_each_stands(
    api: httpx.Client, campaign: ReviewedCampaign
) -> None:
    path = f"/campaigns/{campaign.name}/iterations/0/map"
    answer = api.get(path)
    found = answer.json()
    assert (found["n_pool"], found["n_shown"], found["n_placed"], found["explained"]) == (5, 5, 4, EXPLAINED)
    order = [found["material_ids"].index(name) for name in [*PLACES, "p:BaTiO3"]]
    assert [found["formulas"][at] for at in order] == ["SrTiO3", "PbTiO3", "AlLaO3", "CaTiO3", "BaTiO3"]
    xs, ys = column(found["x"]), column(found["y"])
    assert [(xs[at], ys[at]) for at in order] == [*PLACES.values(), (None, None)]
    gap, energy = found["properties"]
    assert (gap["name"], gap["unit"]) == ("band_gap_direct", "eV")
    assert [column(gap["mean"])[at] for at in order] == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert [column(energy["mean"])[at] for at in order] == [-2.0, -3.0, -4.0, -5.0, -6.0]
    assert [column(found["score"])[at] for at in order] == [1.0, 0.667, 0.333, None, None]
    told = [found["statuses"][code] for code in base64.b64decode(found["status"])]
    assert [told[at] for at in order] == ["ranked", "ranked", "ranked", "unlisted", "unlisted"]
    numbers = np.frombuffer(base64.b64decode(found["candidate_ids"]), "<f8")
    listed = api.get("/candidates", params={"campaign": campaign.name}).json()["items"]
    assert [int(numbers[at]) for at in order] == [*(each["candidate_id"] for each in listed), 0, 0]

    again = api.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    few = api.get(path, params={"limit": 3}).json()
    assert (few["n_pool"], sorted(few["formulas"])) == (5, ["AlLaO3", "PbTiO3", "SrTiO3"])


def test_what_the_page_about_the_api_says_reads_a_map(api: httpx.Client, campaign: ReviewedCampaign) -> None:
    read: dict[str, Any] = {"api": api}
    exec(commands_below("Candidates and materials", kind="python"), read)  # noqa: S102 - our own page
    assert campaign.name in api.get("/campaigns").text
    assert len(read["found"]) == 3
    places = zip(read["x"], read["y"], strict=True)
    shown = sorted((round(float(x), 2), round(float(y), 2)) for x, y in places if not np.isnan(x))
    assert shown == sorted(PLACES.values())


def test_a_hit_of_an_earlier_iteration_stays_on_the_map(
    api: httpx.Client, campaign: ReviewedCampaign
) -> None:
    listed = api.get("/candidates", params={"campaign": campaign.name}).json()["items"]
    campaign.move(listed[0]["candidate_id"], "flagged", "in_validation")
    campaign.answer(0, "p:SrTiO3", 1.5, -2.5)
    campaign.rank(1, ["p:PbTiO3"])
    campaign.predict(1, dict.fromkeys(PLACES, (1.0, -2.0)))
    found = api.get(f"/campaigns/{campaign.name}/iterations/{campaign.key(1)}/map").json()
    told = dict(zip(found["formulas"], base64.b64decode(found["status"]), strict=True))
    assert {name: found["statuses"][code] for name, code in told.items()} == {
        "SrTiO3": "hit", "PbTiO3": "ranked", "AlLaO3": "unlisted", "CaTiO3": "unlisted",
    }  # fmt: skip


def test_of_what_is_not_ranked_or_not_described_there_is_no_map(
    api: httpx.Client, campaign: ReviewedCampaign, database: Database
) -> None:
    missing = api.get(f"/campaigns/{campaign.name}/iterations/7/map")
    assert (missing.status_code, missing.json()["detail"]) == (
        404,
        f"Campaign {campaign.name} has no iteration '7'.",
    )
    with database.transaction(Role.OWNER) as connection:
        connection.execute(sa.text("DELETE FROM vector_bases"))
    found = api.get(f"/campaigns/{campaign.name}/iterations/0/map").json()
    assert (found["n_placed"], found["explained"]) == (0, None)


def test_candidates_that_are_named_are_listed(api: httpx.Client, campaign: ReviewedCampaign) -> None:
    listed = [
        each["candidate_id"]
        for each in api.get("/candidates", params={"campaign": campaign.name}).json()["items"]
    ]
    found = api.get("/candidates", params={"candidates": f"{listed[2]},{listed[0]},999999"}).json()
    assert [each["candidate_id"] for each in found["items"]] == [listed[0], listed[2]]
    assert api.get("/candidates", params={"candidates": "1,x"}).status_code == 422


def middle(page: Page) -> tuple[float, float, float, float]:
    box = page.locator("#map-over").bounding_box()
    assert box is not None
    return box["x"], box["y"], box["width"], box["height"]


def spot(page: Page, material: str) -> tuple[float, float]:
    """Where a material lies in the window."""
    x, y, _, _ = middle(page)
    at = page.evaluate(
        "name => { const i = review.map.placeOf.get(name); return review.map.where(i); }", material
    )
    return x + at[0], y + at[1]


@pytest.fixture
def opened(page: Page, database: Database, campaign: ReviewedCampaign) -> Iterator[tuple[str, list[str]]]:
    failures: list[str] = []
    with signed_in(page, database) as url:
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.on("console", lambda message: failures.append(message.text) if message.type == "error" else None)
        page.goto(f"{url}/campaigns/{campaign.name}/map")
        expect(page.locator("#map-canvas[data-drawn='4']")).to_be_visible()
        yield url, failures


@pytest.mark.browser
def test_one_is_looked_at_and_what_is_drawn_around_is_flagged(
    page: Page, opened: tuple[str, list[str]], campaign: ReviewedCampaign, database: Database
) -> None:
    url, failures = opened
    expect(page.locator("#map-told")).to_have_text("4 of 5 materials; 1 without features yet")
    expect(page.locator("#map-axes")).to_contain_text("They keep 42\u2009% of the features' variance")
    expect(page.locator("#map-legend")).to_contain_text("Ranked 3")
    page.mouse.move(*spot(page, "p:CaTiO3"))
    expect(page.locator("#map-tip")).to_contain_text("CaTiO3")
    expect(page.locator("#map-tip")).to_contain_text("4.00 ± 0.10 eV")
    clicked = spot(page, "p:SrTiO3")
    page.mouse.click(*clicked)
    expect(page.locator("#map-panel")).to_contain_text("p:SrTiO3")
    expect(page.get_by_role("link", name="Open candidate")).to_be_visible()
    expect(page).to_have_url(f"{url}/campaigns/{campaign.name}/map?point=p:SrTiO3")
    expect(page.locator("#map-tip")).to_be_hidden()
    assert spot(page, "p:SrTiO3") == pytest.approx(clicked, abs=1)  # though the panel took its room

    page.locator("#map-colour").select_option("mean.band_gap_direct")
    expect(page.locator("#map-legend")).to_contain_text("4.00")
    expect(page.locator("#map-legend strong")).to_have_text("Band gap direct (eV)")
    expect(page.locator("#map-legend .map-aim i")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator("#map-panel")).to_be_hidden()
    (x, y), (right, _), (_, top) = (spot(page, name) for name in ("p:SrTiO3", "p:PbTiO3", "p:AlLaO3"))
    page.locator("#map-lasso").click()
    page.mouse.move(x - 20, y + 20)
    page.mouse.down()
    for corner in ((right + 20, y + 20), (right + 20, top - 20), (x - 20, top - 20), (x - 20, y + 18)):
        page.mouse.move(*corner, steps=4)
    page.mouse.up()
    expect(page.locator("#map-chosen h2")).to_have_text("3 materials selected")
    page.reload()
    expect(page.locator("#map-chosen h2")).to_have_text("3 materials selected")
    page.locator("#map-flag").click()
    expect(page.locator("#decide-title")).to_have_text("Flag 3 candidates")
    page.keyboard.type("they are alike")
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("3 candidates flagged for validation.")
    page.locator("#map-colour").select_option("status")
    expect(page.locator("#map-legend")).to_contain_text("Flagged 3")
    assert set(statuses(database).values()) == {"flagged"}
    assert {reason for *_, reason in decisions(database)} == {"they are alike"}

    page.locator("#map-grid").click()
    expect(page.locator("#candidate-count")).to_have_text("3 candidates")
    assert sorted(formulas(page)) == ["AlLaO3", "PbTiO3", "SrTiO3"]
    assert failures == []


@pytest.mark.browser
def test_each_standing_has_the_colour_of_its_chip_and_a_shape_of_its_own(
    page: Page, opened: tuple[str, list[str]], campaign: ReviewedCampaign
) -> None:
    _, failures = opened
    listed = page.evaluate(
        "name => review.ask(`/candidates?campaign=${name}`).then((page) => page.items.map((each) => each.candidate_id))",
        campaign.name,
    )
    campaign.move(listed[0], "rejected", kind="withdrawn", reason="lead")
    campaign.move(listed[1], "flagged")
    expect(page.locator("#map-legend")).to_contain_text("Rejected 1")
    expect(page.locator("#map-legend")).to_contain_text("Flagged 1")
    shapes = {
        each: page.locator(f"#map-legend i.status-{each}").get_attribute("class")
        for each in ("ranked", "flagged", "rejected")
    }
    assert shapes == {
        "ranked": "status-ranked shape-disc",
        "flagged": "status-flagged shape-triangle",
        "rejected": "status-rejected shape-cross",
    }
    pixel = """([x, y, name]) => {
      const canvas = document.getElementById("map-canvas");
      const [left, top] = [canvas.getBoundingClientRect().left, canvas.getBoundingClientRect().top];
      const at = canvas.getContext("2d").getImageData((x - left) * devicePixelRatio, (y - top) * devicePixelRatio, 1, 1).data;
      const look = getComputedStyle(document.querySelector(`#map-legend i.status-${name}`)).backgroundColor;
      return [`rgb(${at[0]}, ${at[1]}, ${at[2]})`, look];
    }"""
    for material, name in (("p:SrTiO3", "rejected"), ("p:PbTiO3", "flagged"), ("p:AlLaO3", "ranked")):
        drawn, look = page.evaluate(pixel, [*spot(page, material), name])
        assert drawn == look, name
    assert failures == []


@pytest.mark.browser
def test_where_nothing_is_described_the_map_says_how_to_come_by_it(
    page: Page, database: Database, campaign: ReviewedCampaign
) -> None:
    with database.transaction(Role.OWNER) as connection:
        connection.execute(sa.text("DELETE FROM vector_bases"))
    with signed_in(page, database, "viewer") as url:
        page.goto(f"{url}/campaigns/{campaign.name}/map")
        expect(page.locator("#map-message")).to_contain_text("No features of this pool are known yet")
        expect(page.locator("#map-message").get_by_role("link", name="Runs")).to_be_visible()
