"""The pages of runs and of data in a real browser, beside a Dagster that answers as told."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import Locator, Page, expect

from catalyst_assets_tests.integration.dash_app.dagster_stub import (
    NO_REFRESHES,
    RUN,
    dagster_that_answers,
    shown,
)
from catalyst_assets_tests.integration.dash_app.ingested import add_file, add_records, set_aside
from catalyst_assets_tests.integration.dash_app.review_page import signed_in
from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from resources.platform import Platform
from resources.postgres.database import Role

pytestmark = pytest.mark.browser

KEY = "oxide-perovskites-demo__0000"
OTHER = RUN.replace("0b3f", "1c40")
LEARNED = {"message": "catalyst_assets.errors.LoopError: There are no labels. Load some.", "cause": None}


def going_on(status: str = "STARTED") -> dict[str, Any]:
    return shown(status, dagster__partition=KEY, catalyst__campaign="oxide-perovskites-demo") | {
        "endTime": None
    }


def failed() -> dict[str, Any]:
    tags = {"dagster__partition": KEY, "dagster__sensor_name": "loop_sensor"}
    return shown("FAILURE", **tags) | {"runId": OTHER, "startTime": 100.0, "endTime": 300.0}


def listed(*runs: dict[str, Any]) -> dict[str, Any]:
    return {"data": {"runsOrError": {"__typename": "Runs", "results": list(runs)}}}


@pytest.fixture
def answers() -> dict[str, Any]:
    """What Dagster says: an iteration that runs, one that failed."""
    steps = [{"key": "training_set"}, {"key": "trained_model"}, {"key": "predictions"}]
    standing = [
        {"stepKey": "training_set", "status": "SUCCESS"},
        {"stepKey": "trained_model", "status": "IN_PROGRESS"},
    ]
    event = {
        "__typename": "ExecutionStepFailureEvent",
        "stepKey": "training_set",
        "message": "failed",
        "error": LEARNED,
    }
    return {
        "Runs": listed(going_on(), failed()),
        "Run": {"data": {"runOrError": {"__typename": "Run", **going_on()}}},
        "Steps": {"data": {"r0": {"executionPlan": {"steps": steps}, "stepStats": standing}}},
        "Events": {"data": {"r0": {"eventConnection": {"events": [event]}}}},
        "Stop": {"data": {"terminateRun": {"__typename": "TerminateRunSuccess"}}},
        "Launch": {"data": {"launchRun": {"__typename": "LaunchRunSuccess", "run": shown("QUEUED")}}},
        "Refreshes": NO_REFRESHES,
    }  # fmt: skip


@contextmanager
def opened(page: Page, platform: Platform, port: int, role: str = "admin") -> Iterator[str]:
    settings = platform.settings.model_copy(update={"dagster_port": port})
    with signed_in(page, platform.database, role, settings) as url:
        yield url


def row(page: Page, text: str) -> Locator:
    return page.locator(".listing tbody tr", has_text=text)


def watched(page: Page) -> list[str]:
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.on(
        "console",
        lambda message: (
            failures.append(f"{message.text} {message.location['url']}") if message.type == "error" else None
        ),
    )
    return failures


def test_an_admin_sees_what_runs_and_why_it_failed_stops_one_and_launches_another(
    page: Page, platform: Platform, answers: dict[str, Any], campaign: ReviewedCampaign
) -> None:
    campaign.rank(0, ["p:SrTiO3"])
    campaign.wait("3 candidates are in validation", "Send their results")
    asked: list[dict[str, Any]] = []
    with dagster_that_answers(answers, asked) as port, opened(page, platform, port) as url:
        failures = watched(page)
        page.get_by_role("link", name="Runs", exact=True).click()
        expect(page).to_have_url(f"{url}/runs")
        expect(page.locator("#waits")).to_contain_text("3 candidates are in validation")
        expect(page.locator("#waits")).to_contain_text("Send their results")
        running = row(page, "Running")
        expect(running).to_contain_text("1 of 3 steps · trained model")
        expect(running.get_by_role("link", name="iteration 0")).to_have_attribute(
            "href", "/campaigns/oxide-perovskites-demo?iteration=0"
        )
        broken = row(page, "Failed")
        expect(broken.locator(".cause")).to_have_text("There are no labels. Load some.")
        expect(broken).to_contain_text("sensor loop_sensor")
        expect(broken).to_contain_text("3 min 20 s")
        expect(broken.get_by_role("link", name="Log")).to_have_attribute(
            "href", re.compile(f":{port}/runs/{OTHER}$")
        )

        running.get_by_role("button", name="Stop").click()
        expect(page.locator("#stop-run-what")).to_have_text(f"Iteration of {KEY}")
        answers["Run"] = {"data": {"runOrError": {"__typename": "Run", **going_on("CANCELED")}}}
        answers["Runs"] = listed(going_on("CANCELED"), failed())
        page.locator("#stop-run-confirm").click()
        expect(page.locator("#toasts")).to_contain_text(f"Iteration of {KEY} is stopped.")
        expect(row(page, "Stopped")).to_be_visible()

        broken.get_by_role("button", name="again").click()
        expect(page.locator("#launch-job")).to_have_value("iteration")
        expect(page.locator("#launch-partition")).to_have_value(KEY)
        answers["Runs"] = listed(going_on("STARTED"))
        page.locator("#launch-run-confirm").click()
        expect(page.locator("#launch-run-complaint")).to_contain_text("of iteration is started already")
        answers["Runs"] = listed()
        page.locator("#launch-run-confirm").click()
        expect(page.locator("#toasts")).to_contain_text(f"Iteration of {KEY} is queued.")
        launched = next(sent for sent in asked if "Launch" in sent["query"].split()[1])
        assert launched["variables"]["executionParams"]["selector"]["jobName"] == "iteration"
    assert [text for text in failures if "409" not in text] == []


def test_filters_are_in_the_address_and_a_dagster_that_is_gone_is_told(
    page: Page, platform: Platform, answers: dict[str, Any], campaign: ReviewedCampaign
) -> None:
    asked: list[dict[str, Any]] = []
    with dagster_that_answers(answers, asked) as port, opened(page, platform, port, "viewer") as url:
        page.goto(f"{url}/runs")
        expect(row(page, "Running")).to_be_visible()
        expect(page.get_by_role("button", name="Stop")).to_have_count(0)
        expect(page.locator("#launch-run-open")).to_be_hidden()
        expect(page.get_by_text("Log ↗").first).to_be_hidden()
        page.get_by_role("link", name="Failed", exact=True).click()
        expect(page.locator(".chip.chosen")).to_have_text("Failed")
        page.locator("#runs-campaigns summary").click()
        page.locator("#runs-campaigns .menu").get_by_role("link", name=campaign.name).click()
        expect(page).to_have_url(f"{url}/runs?state=failed&campaign={campaign.name}")
        expect(page.locator("#runs-campaigns summary")).to_have_text(campaign.name)
        expect(page.locator(".chip.chosen")).to_have_text("Failed")
        wanted = {"statuses": ["FAILURE"], "tags": [{"key": "catalyst/campaign", "value": campaign.name}]}
        assert wanted in [sent["variables"].get("filter") for sent in asked]
        answers["Runs"] = listed()
        page.reload()
        expect(page.locator("#runs-list")).to_contain_text("No run is like that")
        answers["Runs"] = {"data": None, "errors": [{"message": "no database"}]}
        page.goto(f"{url}/runs")
        expect(page.locator("#runs-trouble")).to_contain_text("Dagster could not answer: no database.")
        expect(page.locator("#runs-list")).to_contain_text("Nobody knows what runs")
        expect(page.locator("#offline")).to_be_hidden()


def test_what_was_set_aside_is_found_by_reason_and_record(
    page: Page, platform: Platform, answers: dict[str, Any], campaign: ReviewedCampaign
) -> None:
    database = platform.database
    campaign.rank(0, ["p:SrTiO3", "p:PbTiO3"])
    add_records(database, "optimade_mp", ["p:SrTiO3", "p:PbTiO3"])
    add_file(database, "optimade_mp", "https://example.org/page-1", "failed", "it is no JSON")
    add_file(database, "optimade_mp", "https://example.org/page-2", "parsed", "4 loaded")
    set_aside(
        database,
        "optimade_mp",
        [f"structure: two atoms are 0.{n} Å apart" for n in range(60)],
        {"id": "mp-7"},
    )
    set_aside(database, "optimade_mp", ["band_gap: -1 eV is negative"])
    with dagster_that_answers(answers, []) as port, opened(page, platform, port, "viewer") as url:
        failures = watched(page)
        page.get_by_role("link", name="Data", exact=True).click()
        source = row(page, "optimade_mp")
        expect(source.locator("td.number")).to_have_text(["4", "2", "61"])
        expect(source).to_contain_text("CC-BY-4.0")
        source.get_by_role("link", name="1 failed").click()
        expect(page.locator(".listing tbody tr")).to_have_count(1)
        expect(page.locator(".cause")).to_have_text("it is no JSON")
        page.go_back()
        source.get_by_role("link", name="61").click()
        expect(page).to_have_url(f"{url}/data?show=set-aside&source=optimade_mp")
        expect(page.locator("#data-shown .tools strong")).to_have_text("61 records")
        page.get_by_role("link", name="structure: two atoms are … Å apart").click()
        expect(page.locator(".listing tbody tr")).to_have_count(50)
        expect(page.get_by_role("link", name="Export CSV")).to_have_attribute(
            "href", re.compile(r"^/api/v1/exports/quarantine\.csv\?source=optimade_mp&kind=structure")
        )
        page.get_by_role("link", name="Older").click()
        expect(page.locator(".listing tbody tr")).to_have_count(10)
        last = row(page, "row 0")
        expect(last).to_contain_text("structure: two atoms are 0.0 Å apart")
        last.locator("summary").click()
        expect(last.locator("pre")).to_contain_text('"id": "mp-7"')
        page.get_by_role("link", name="Uploads").click()
        expect(page.locator("#data-shown")).to_contain_text("Nobody uploaded anything yet")
        expect(page.locator("#live")).to_have_text("Live")
        with database.transaction(Role.APP) as connection:
            connection.execute(sa.text(
                "INSERT INTO uploads (author, sha256, size_bytes, files) VALUES ('Grace Hopper', :sha, 30, "
                "CAST('[{\"name\": \"wishes.txt\", \"size_bytes\": 30}]' AS jsonb))"
            ), {"sha": "1" * 64})  # fmt: skip
        expect(row(page, "wishes.txt")).to_contain_text("Grace Hopper")
        row(page, "wishes.txt").get_by_role("link").click()
        expect(page.locator("#upload-panel")).to_contain_text("0 new, 0 known already, 0 refused")
    assert failures == []
