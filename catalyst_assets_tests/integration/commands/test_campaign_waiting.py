"""What `catalyst campaign show` and `retry` say of a campaign that waits."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from catalyst_assets.cli import app
from catalyst_assets.errors import UsageError
from catalyst_assets.loop.state import Wait
from catalyst_assets.loop.waits import read_wait, record_wait
from catalyst_assets_tests.growing import CAMPAIGN
from resources.platform import Platform
from resources.postgres.database import execute

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
FAILED = Wait(
    "training and ranking of iteration 0 failed 3 times",
    "repair",
    "growing-pool__0000 iteration",
    "Mend the cause.",
    "0123456789",
    NOON,
    NOON + timedelta(minutes=10),
)


def campaign(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["campaign", *arguments])


def wait(platform: Platform, waiting: Wait) -> None:
    with platform.database.transaction() as connection:
        known = read_wait(connection, CAMPAIGN.name)
        record_wait(connection, CAMPAIGN.name, waiting, known, lambda run_id: f"{run_id} has no disk left.")


@pytest.fixture
def started(platform: Platform, own_environment: None, monkeypatch: pytest.MonkeyPatch) -> Platform:
    monkeypatch.setenv("COLUMNS", "160")
    with platform.database.transaction() as connection:
        document = json.dumps(CAMPAIGN.document)
        execute(connection, "campaigns/upsert", name=CAMPAIGN.name, document=document, sha256=CAMPAIGN.sha256)
    return platform


def test_a_campaign_says_what_it_waits_for_and_tries_again_when_asked(started: Platform) -> None:
    name = CAMPAIGN.name
    assert json.loads(campaign("show", name, "--json").output)["waiting"] is None

    wait(started, Wait("12 materials have no features yet", "features", "features growing-pool__0000"))
    since = json.loads(campaign("show", name, "--json").output)["waiting"]["since"]
    wait(started, Wait("3 materials have no features yet", "features", "features growing-pool__0000"))
    told = json.loads(campaign("show", name, "--json").output)["waiting"]
    assert (told["waits_on"], told["reason"], told["since"]) == (
        "features",
        "3 materials have no features yet",
        since,
    )
    refused = campaign("retry", name).exception
    assert isinstance(refused, UsageError)
    assert "3 materials have no features yet" in refused.message

    wait(started, FAILED)
    told = json.loads(campaign("show", name, "--json").output)["waiting"]
    assert told["since"] > since
    assert told["next_try_at"] == "2026-11-27T12:10:00+00:00"
    said = " ".join(campaign("show", name).output.split())
    assert "training and ranking of iteration 0 failed 3 times." in said
    assert "Run 01234567 failed at 2026-11-27 12:00 UTC: 0123456789 has no disk left." in said
    assert "It is tried again at 2026-11-27 12:10 UTC. Mend the cause." in said

    asked = campaign("retry", name)
    assert asked.exit_code == 0
    assert f"Campaign {name} tries again" in asked.output
    missing = campaign("retry", "nobody").exception
    assert isinstance(missing, UsageError)
    assert "no campaign nobody" in missing.message
