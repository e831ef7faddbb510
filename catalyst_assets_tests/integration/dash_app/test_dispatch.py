"""Campaigns started, gone on with and stopped by the API, models and runs: what the API hands on to others."""

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import pytest

from catalyst_assets.loop.asked.answering import answer_requests
from catalyst_assets.report.requested import reports_to_write, write_requested
from catalyst_assets_tests.integration.dash_app.dagster_stub import (
    FAILED_STEP,
    RUN,
    dagster_that_answers,
    shown,
)
from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from catalyst_assets_tests.integration.dash_app.serving import api_client
from catalyst_assets_tests.integration.dash_app.test_api_page import NEEDED, commands_below
from catalyst_assets_tests.integration.loop.following import LABORATORY
from dash_app.api.dispatch import requests
from dash_app.api.dispatch.jobs import LAUNCHABLE
from resources.paths import project_file
from resources.platform import Platform
from resources.supervisor import free_port

YAML = {"Content-Type": "application/yaml"}


@pytest.fixture
def admin(platform: Platform) -> Iterator[httpx.Client]:
    """A client with an admin's token, on the object store of the platform; no Dagster answers."""
    settings = platform.settings.model_copy(update={"dagster_port": free_port()})
    with api_client(platform.database, settings, may="admin") as client:
        yield client


@contextmanager
def loop_of(platform: Platform) -> Iterator[None]:
    """What the daemon does of a campaign: answer requests, rank its first iteration, have reports written."""
    ended = threading.Event()
    database = platform.database

    def follow() -> None:
        ranked = False
        with dg.DagsterInstance.ephemeral() as instance:
            while not ended.wait(0.02):
                told = answer_requests(platform)
                if not ranked and any("is active" in line for line in told):
                    ReviewedCampaign(database, "silver-oxides").rank(0, ["p:AgAlO3"])
                    ranked = True
                for run in reports_to_write(database, instance):
                    write_requested(platform, run.request_id)

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_a_campaign_is_started_gone_on_with_and_stopped_by_curl_as_the_page_says(
    admin: httpx.Client, platform: Platform, campaign: ReviewedCampaign, tmp_path: Path
) -> None:
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} missing")
    campaign.rank(0, ["p:AgAlO3"])
    authorization = f"Authorization: {admin.headers['Authorization']}"
    with loop_of(platform):
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands_below("Campaigns and runs")],
            env={"PATH": os.environ["PATH"], "API": str(admin.base_url).rstrip("/"), "AUTH": authorization},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        told = StringIO()
        with redirect_stdout(told):
            exec(commands_below("Campaigns and runs", kind="python"), {"api": admin})  # noqa: S102 - our own page
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == [
        "Campaign silver-oxides is valid, and cannot run here yet: No member of the pool has features: materialize "
        "`backbone` and `structure_embeddings`.",
        "Campaign silver-oxides is active: its test set is frozen.",
        "Campaign silver-oxides opens its next iteration.",
        "Campaign silver-oxides has ended.",
        "The report of campaign silver-oxides is written.",
        "stopped by Ada Lovelace: the furnace is needed elsewhere",
        "Nobody knows how many hits the pool holds, and nothing is evaluated yet: there is no random choice to compare with.",
        "[0,null]",
    ]
    assert told.getvalue().splitlines() == [
        "`catalyst campaign start` with its file lets it go on.",
        "0 0 0 None",
    ]
    assert "stopped by Ada Lovelace: the furnace" in (tmp_path / "silver-oxides.html").read_text()
    asked = admin.get("/campaign-requests", params={"campaign": "silver-oxides", "limit": 5}).json()
    assert [(each["kind"], each["status"], each["actor"]) for each in asked["items"]] == [
        ("next", "refused", "Ada Lovelace"), ("report", "done", "Ada Lovelace"), ("stop", "done", "Ada Lovelace"), ("next", "done", "Ada Lovelace"),
        ("start", "done", "Ada Lovelace"),
    ]  # fmt: skip
    rest = admin.get("/campaign-requests", params={"before": asked["next"]}).json()
    assert [(each["kind"], each["status"]) for each in rest["items"]] == [("validate", "refused")]
    events = admin.get("/events", params={"after": 0, "kind": "request.*", "follow": "false"}).text
    assert events.count("event: request.waiting") == 6
    assert events.count("event: request.done") == 4
    assert events.count("event: request.refused") == 2


class Turns(dict[str, Any]):
    """Answers by name, in their order; the last one stays."""

    def __getitem__(self, name: str) -> Any:
        given = super().__getitem__(name)
        return given.pop(0) if len(given) > 1 else given[0]


def test_runs_are_listed_launched_watched_and_stopped_by_curl_as_the_page_says(
    platform: Platform, campaign: ReviewedCampaign
) -> None:
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} missing")
    ReviewedCampaign(platform.database, "silver-oxides", LABORATORY | {"name": "silver-oxides"}).start().rank(
        0, ["p:AgAlO3"]
    )
    page = (project_file("docs") / "api.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```console\n(\$ curl.*?/runs\?.*?)```", page, flags=re.DOTALL)
    failed = shown("FAILURE", dagster__partition="silver-oxides__0000")
    answers = Turns(
        Runs=[
            {"data": {"runsOrError": {"__typename": "Runs", "results": found}}} for found in ([failed], [])
        ],
        Events=[{"data": {"r0": {"eventConnection": {"events": [FAILED_STEP]}}}}],
        Steps=[{"data": {"r0": {}}}],
        Launch=[
            {
                "data": {
                    "launchRun": {
                        "__typename": "LaunchRunSuccess",
                        "run": shown("QUEUED", catalyst__user="Ada Lovelace"),
                    }
                }
            }
        ],
        Run=[
            {"data": {"runOrError": {"__typename": "Run", **shown("STARTED", catalyst__user="Ada Lovelace")}}}
        ],
        Stop=[{"data": {"terminateRun": {"__typename": "TerminateRunSuccess"}}}],
    )
    with dagster_that_answers(answers, []) as port:
        settings = platform.settings.model_copy(update={"dagster_port": port})
        with api_client(platform.database, settings, may="admin") as admin:
            ran = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", re.sub(r"^\$ ", "", block, flags=re.MULTILINE)],
                env={
                    "PATH": os.environ["PATH"],
                    "API": str(admin.base_url).rstrip("/"),
                    "AUTH": f"Authorization: {admin.headers['Authorization']}",
                },
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
            address = f"http://{admin.base_url.host}:{port}/runs/{RUN}"
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == [
        "iteration silver-oxides__0000: There are no labels. Load some.",
        '"started"',
        '"Ada Lovelace"',
        f'"{address}"',
        '"started"',
    ]


def test_what_is_wrong_with_a_campaigns_file_is_said_at_once_field_by_field(
    admin: httpx.Client, campaign: ReviewedCampaign
) -> None:
    def refused(body: Any, status: int = 422) -> dict[str, Any]:
        sent = {"json": body} if isinstance(body, dict) else {"content": body, "headers": YAML}
        answer = admin.post("/campaigns", **sent)
        assert answer.status_code == status, answer.text
        problem: dict[str, Any] = answer.json()
        return problem

    wrong = LABORATORY | {"criteria": [{"property": "band_gap_direct", "min": "high"}], "batch": 3}
    told = refused(wrong)
    assert {each["pointer"] for each in told["errors"]} == {"/criteria/0/min", "/batch"}
    assert all(each["remedy"] == "Correct these fields and send it again." for each in told["errors"])
    (unknown,) = refused(LABORATORY | {"criteria": [{"property": "band_gap_dierct", "min": 1}]})["errors"]
    assert unknown["pointer"] == "/criteria/0/property"
    assert "did you mean band_gap_direct" in unknown["message"]
    (method,) = refused(LABORATORY | {"method": "PBE99"})["errors"]
    assert method["pointer"] == "/method"
    (sense,) = refused(LABORATORY | {"pool": {"elements": ["Xx"]}})["errors"]
    assert sense["pointer"] == "/pool/elements"
    for text, said in (
        ("name: [", "cannot be read as YAML: line 2"),
        ("name: a\nname: b", "given twice"),
        ('name: "\\0"', "control character"),
        ("- a", "The body holds list"),
        ("[" * 5000, "nested too deep"),
        (b"\xff", "not UTF-8"),
        ("", "The body holds nothing"),
    ):
        assert said in refused(text)["detail"]
    assert admin.post("/campaigns", content="name: x").status_code == 415
    assert admin.post("/campaigns", json=[LABORATORY]).status_code == 422
    for path in ("stop", "next", "retry", "report"):
        body = {"json": {"reason": "x"}} if path == "stop" else {}
        assert admin.post(f"/campaigns/nowhere/{path}", **body).status_code == 404  # type: ignore[arg-type]
    assert admin.post(f"/campaigns/{campaign.name}/stop", json={"reason": " "}).status_code == 422
    assert admin.get("/campaign-requests").json() == {"items": [], "next": None}
    assert admin.get("/campaign-requests/1").status_code == 404
    assert admin.get(f"/campaigns/{campaign.name}/report").status_code == 404


def test_asking_again_asks_once_and_too_much_is_refused(
    admin: httpx.Client,
    platform: Platform,
    campaign: ReviewedCampaign,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(requests, "_MOST_WAITING", 4)
    path = f"/campaigns/{campaign.name}"
    first = admin.post(f"{path}/next", headers={"Idempotency-Key": "1"})
    again = admin.post(f"{path}/next", headers={"Idempotency-Key": "1"})
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.headers["Location"] == again.headers["Location"]
    assert first.headers["Location"].endswith(f"/campaign-requests/{first.json()['request_id']}")
    reports = {admin.post(f"{path}/report").json()["request_id"] for _ in range(3)}
    assert len(reports) == 1
    for _ in range(2):
        assert admin.post(f"{path}/retry").status_code == 202
    full = admin.post(f"{path}/stop", json={"reason": "x"})
    assert (full.status_code, full.json()["type"]) == (503, "urn:catalyst:problem:nobody-answers")
    answer_requests(platform)
    assert admin.post(f"{path}/stop", json={"reason": "x"}).status_code == 202


def test_models_say_what_they_were_trained_on_and_which_is_champion(
    admin: httpx.Client, campaign: ReviewedCampaign
) -> None:
    campaign.rank(0, ["p:AgAlO3"])
    campaign.rank(1, ["p:AgAlO3"])
    campaign.register(0, version=1, champion=1)
    campaign.register(1, version=2, champion=1)
    found = admin.get(f"/campaigns/{campaign.name}/models").json()
    assert (found["total"], found["champion"]) == (2, 1)
    host = admin.base_url.host
    assert found["address"] == f"http://{host}:5000/#/models/{campaign.name}"
    newest, oldest = found["items"]
    assert (newest["name"], newest["is_champion"], oldest["is_champion"]) == (
        f"{campaign.name}@2",
        False,
        True,
    )
    assert (newest["iteration"], newest["label_count"], newest["superseded"]) == (1, 20, [])
    assert newest["address"] == f"{found['address']}/versions/2"
    assert admin.get("/campaigns/nowhere/models").status_code == 404


def test_where_dagster_does_not_answer_the_api_says_so(
    admin: httpx.Client, campaign: ReviewedCampaign
) -> None:
    for ask in (
        lambda: admin.get("/runs"),
        lambda: admin.get(f"/runs/{RUN}"),
        lambda: admin.post("/runs", json={"job": "features"}),
        lambda: admin.post(f"/runs/{RUN}/stop"),
    ):
        answer = ask()
        assert (answer.status_code, answer.json()["type"]) == (
            503,
            "urn:catalyst:problem:dagster-unavailable",
        )
        assert "does not answer at http://127.0.0.1:" in answer.json()["detail"]
        assert "dagster-webserver" in answer.json()["remedy"]
    for body, pointer in (
        ({"job": "calculation"}, "/job"),
        ({"job": "iteration"}, "/partition"),
        ({"job": "features", "partition": f"{campaign.name}__0000"}, "/partition"),
        ({"job": "iteration", "partition": f"{campaign.name}__0000"}, "/partition"),
        ({"job": "ingest_aflow"}, "/job"),
    ):
        refused = admin.post("/runs", json=body)
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)
    assert admin.get("/runs/1").status_code == 422


def test_every_job_that_may_be_launched_is_one_of_dagsters(platform: Platform) -> None:
    from catalyst_assets.build import build_defs

    jobs = {job.name: job for job in build_defs(platform=platform).resolve_all_job_defs()}
    assert {name: job.needs_partition for name, job in LAUNCHABLE.items()} == {
        name: jobs[name].partitions_def is not None for name in LAUNCHABLE
    }
