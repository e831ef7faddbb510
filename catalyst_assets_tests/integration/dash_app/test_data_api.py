"""What the API tells of sources, of what was set aside, and of what campaigns wait for."""

import csv
import io
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from catalyst_assets_tests.integration.dash_app.dagster_stub import dagster_that_answers
from catalyst_assets_tests.integration.dash_app.ingested import add_file, add_records, set_aside
from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from catalyst_assets_tests.integration.dash_app.serving import api_client
from catalyst_assets_tests.integration.dash_app.test_api_page import NEEDED, commands_below
from resources.platform import Platform
from resources.postgres.database import Database

FAR = "structure: two atoms are {} Å apart; band_gap: 'x{}' is no number"


def test_a_source_tells_what_came_of_it_and_when_it_is_asked_again(
    platform: Platform, campaign: ReviewedCampaign, tmp_path: Path
) -> None:
    database = platform.database
    campaign.rank(0, ["p:SrTiO3", "p:PbTiO3"])
    add_records(database, "optimade_mp", ["p:SrTiO3", "p:PbTiO3"])
    for url, status in (
        ("page 1", "failed"),
        ("page 1", "parsed"),
        ("page 2", "failed"),
        ("page 3", "pending"),
    ):
        add_file(database, "optimade_mp", url, status, "no JSON" if status == "failed" else "")
    set_aside(database, "optimade_mp", ["structure: no sites"])
    named = tmp_path / "sources.yaml"
    named.write_text("aflow: {matchbook: 'species(Ti)'}\n", encoding="utf-8")
    tick = {"pipelineName": "ingest_aflow", "scheduleState": {"status": "RUNNING"},
            "futureTicks": {"results": [{"timestamp": 4e9}]}}  # fmt: skip
    stopped = tick | {"pipelineName": "ingest_optimade", "scheduleState": {"status": "STOPPED"}}
    schedules: dict[str, Any] = {"__typename": "Schedules", "results": [tick, stopped]}
    runs = {f"r{place}": {"results": []} for place in range(9)} | {"r1": {"results": [{"endTime": 60.0}]}}
    answers = {"Refreshes": {"data": {"schedulesOrError": schedules, **runs}}}
    with dagster_that_answers(answers, []) as port:
        settings = platform.settings.model_copy(update={"dagster_port": port, "sources_file": named})
        with api_client(database, settings, may="read") as api:
            found = api.get("/sources").json()
            mp, aflow = found["items"]
    assert (found["total"], found["schedules"]) == (2, "known")
    counts = {name: mp[name] for name in mp if name.startswith("n_")}
    assert counts == {
        "n_files": 4, "n_waiting": 1, "n_failed": 1, "n_records": 4, "n_materials": 2, "n_set_aside": 1,
    }  # fmt: skip
    assert (mp["source"], mp["licences"], mp["job"]) == ("optimade_mp", ["CC-BY-4.0"], "ingest_optimade")
    assert "does not name it" in mp["unavailable"]
    assert (mp["next_refresh_at"], mp["is_late"]) == (None, False)
    assert (aflow["source"], aflow["n_files"], aflow["fetched_at"], aflow["unavailable"]) == (
        "aflow",
        0,
        None,
        "",
    )
    assert (aflow["refreshed_at"], aflow["is_late"]) == ("1970-01-01T00:01:00Z", True)
    assert aflow["next_refresh_at"] == "2096-10-02T07:06:40Z"


def test_without_dagster_sources_are_told_and_their_schedules_are_not(
    api: httpx.Client, database: Database
) -> None:
    add_file(database, "my_oxides", "oxides.csv")
    found = api.get("/sources").json()
    assert (found["schedules"], found["items"][0]["n_files"]) == ("unknown", 1)
    assert found["items"][0]["title"] == "the reference tables"
    add_file(database, "my_oxides", "more.csv")
    assert api.get("/sources").json()["items"][0]["n_files"] == 2


def test_files_that_cannot_be_read_say_why_until_another_takes_their_place(
    api: httpx.Client, database: Database
) -> None:
    for url, status, note in (
        ("a.csv", "failed", "cut off"), ("a.csv", "parsed", "3 loaded"), ("b.csv", "failed", "no table"),
    ):  # fmt: skip
        add_file(database, "my_oxides", url, status, note)
    shown = api.get("/sources/files", params={"limit": 2}).json()
    assert [(each["url"], each["note"], each["is_current"]) for each in shown["items"]] == [
        ("b.csv", "no table", True), ("a.csv", "3 loaded", True),
    ]  # fmt: skip
    (older,) = api.get("/sources/files", params={"before": shown["next"]}).json()["items"]
    assert (older["note"], older["is_current"]) == ("cut off", False)
    failed = api.get(
        "/sources/files", params={"status": "failed", "current": True, "source": "my_oxides"}
    ).json()
    assert [each["url"] for each in failed["items"]] == ["b.csv"]
    assert failed["next"] is None


def test_reasons_are_counted_alike_whatever_numbers_and_names_they_hold(
    api: httpx.Client, database: Database
) -> None:
    set_aside(database, "aflow", [FAR.format(0.31, 1), FAR.format(0.4, 2), "formula: TiO2 is not CO2"])
    set_aside(
        database, "my_oxides", ["gap: 1e3 eV is not between -2.5 and 50 eV"], {"gap": "1e3", "note": "=1+1"}
    )
    found = api.get("/quarantine/reasons").json()
    assert found["total"] == 4
    assert [(each["source"], each["kind"], each["n"]) for each in found["items"]] == [
        ("aflow", "structure: two atoms are … Å apart; band_gap: … is no number", 2),
        ("aflow", "formula: TiO2 is not CO2", 1),
        ("my_oxides", "gap: … eV is not between … and … eV", 1),
    ]
    assert found["items"][0]["example"] == FAR.format(0.4, 2)
    chosen = {"source": "aflow", "kind": found["items"][0]["kind"]}
    page = api.get("/quarantine", params={**chosen, "limit": 1}).json()
    assert page["items"][0]["reason"] == FAR.format(0.4, 2)
    (last,) = api.get("/quarantine", params={**chosen, "before": page["next"]}).json()["items"]
    assert (last["record"], last["reason"]) == ("row 0", FAR.format(0.31, 1))

    answer = api.get("/exports/quarantine.csv", params={"source": "my_oxides"})
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert (row["record"], row["payload"]) == ("row 0", '{"gap": "1e3", "note": "=1+1"}')
    assert len(list(csv.reader(io.StringIO(api.get("/exports/quarantine.csv").text)))) == 5


def test_the_commands_about_sources_do_what_they_say(
    api: httpx.Client, database: Database, tmp_path: Path
) -> None:
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} missing")
    add_file(database, "my_oxides", "oxides.csv")
    set_aside(database, "my_oxides", ["gap: 99 is too large"])
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands_below("Sources")],
        env={
            "PATH": os.environ["PATH"],
            "API": str(api.base_url).rstrip("/"),
            "AUTH": f"Authorization: {api.headers['Authorization']}",
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == "my_oxides: 0 materials, 1 set aside\n1 my_oxides: gap: … is too large\n"
    assert "gap: 99 is too large" in (tmp_path / "set-aside.csv").read_text(encoding="utf-8")


def test_what_answers_a_validator_is_told_nobody(api: httpx.Client, database: Database) -> None:
    add_file(database, "answers", "answers.csv", answers=True)
    set_aside(database, "answers", ["gap: 99 is too large"], {"gap": 99})
    (refusal,) = api.get("/quarantine").json()["items"]
    assert (refusal["source"], refusal["payload"]) == ("answers", None)
    (row,) = csv.DictReader(io.StringIO(api.get("/exports/quarantine.csv").text))
    assert row["payload"] == ""


def test_waits_name_the_campaign_the_reason_and_the_remedy(
    api: httpx.Client, campaign: ReviewedCampaign
) -> None:
    assert api.get("/waits").json() == {"items": [], "total": 0}
    campaign.wait("3 candidates are in validation", "Send their results")
    (wait,) = api.get("/waits").json()["items"]
    assert (wait["campaign"], wait["reason"], wait["remedy"]) == (
        campaign.name, "3 candidates are in validation", "Send their results",
    )  # fmt: skip
