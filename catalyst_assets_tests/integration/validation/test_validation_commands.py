"""`catalyst validation list`, `retry`, `cancel`: what people see of the work, and what their word changes."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml

from catalyst_assets.cli import main
from catalyst_assets.validation.answering import validate_iteration
from catalyst_assets.validation.jobs import records
from catalyst_assets.validation.jobs.answers import Finding
from catalyst_assets.validation.registry import find_validator
from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from resources.platform import Platform
from resources.postgres.database import Database, Role, fetch_one

Catalyst = Callable[..., str]


@pytest.fixture
def catalyst(
    own_environment: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Catalyst:
    """The command in this process, on 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments: str, code: int = 0, group: str = "validation", out: bool = False) -> str:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["catalyst", group, *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        assert ended.value.code == code, told.out + told.err
        return told.err if code and not out else told.out

    return run


def campaign_of(database: Database, validator: str) -> ReviewedCampaign:
    """A campaign that has gone to its first ranking."""
    begun = ReviewedCampaign(database, name=f"by-{validator}")
    begun.document = begun.document | {
        "name": begun.name,
        "validator": validator,
        "failures": {"attempts": 1},
    }
    return begun.start()


def flag(database: Database, *candidates: int) -> None:
    with database.transaction() as connection:
        for candidate in candidates:
            fetch_one(
                connection, "acquisition/transition", candidate_id=candidate, to_status="flagged", actor="ada",
                reason="",
            )  # fmt: skip


def validate(platform: Platform, begun: ReviewedCampaign) -> None:
    """What a materialization of `validation_results` does."""
    validator = find_validator(begun.document["validator"], platform)
    validate_iteration(platform.database, begun.key(0), validator)


def fail(platform: Platform, job_id: str, reason: str) -> None:
    job = records.read_job(platform.database, job_id)
    records.finish(platform.database, job, Finding("failed", reason=reason), {})


def listed(catalyst: Catalyst, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(catalyst("list", "--json", *arguments))
    return found


def test_work_is_listed_retried_and_cancelled(platform: Platform, catalyst: Catalyst) -> None:
    database = platform.database
    assert catalyst("list") == "Nothing waits for a validator, and no calculation failed.\n"
    assert listed(catalyst) == []
    computed, measured = campaign_of(database, "command"), campaign_of(database, "laboratory")
    one, two, three = computed.rank(0, ["p:AgAlO3", "p:BaTiO3", "p:SrTiO3"])
    (sample,) = measured.rank(0, ["p:LaGaO3"])
    flag(database, one, two, sample)
    validate(platform, computed)

    rows = listed(catalyst)
    assert [(row["candidate"], row["status"]) for row in rows] == [
        (one, "waiting"), (two, "waiting"), (sample, "flagged")
    ]  # fmt: skip
    assert {row["job"] is None for row in rows[:2]} == {False}
    assert rows[2] | {"since": ""} == {
        "job": None, "candidate": sample, "campaign": "by-laboratory", "material_id": "p:LaGaO3", "formula": "LaGaO3",
        "validator": "laboratory", "method": "PBE", "properties": ["band_gap_direct", "formation_energy_per_atom"],
        "status": "flagged", "since": "", "reason": "", "folder": None,
    }  # fmt: skip
    assert [row["candidate"] for row in listed(catalyst, "--campaign", "by-laboratory")] == [sample]
    assert "There is no campaign nobody." in catalyst("list", "--campaign", "nobody", code=2)

    job = rows[0]["job"]
    fail(platform, job, "not converged in 300 steps")
    validate(platform, computed)
    told = catalyst("list")
    assert f"{job[:12]} (AgAlO3) failed: not converged in 300 steps" in told
    assert max(len(line) for line in told.splitlines() if "converged" not in line) <= 80
    failed = next(row for row in listed(catalyst) if row["job"] == job)
    assert (failed["candidate"], failed["status"]) == (one, "failed")

    assert catalyst("retry", str(one)).splitlines() == [
        f"Calculation {job[:12]} waits again.", f"Candidate {one} is flagged again."
    ]  # fmt: skip
    assert "is waiting: nothing of it failed." in catalyst("retry", job[:8], code=2)
    validate(platform, computed)
    assert records.read_job(database, job).attempt == 3

    said = catalyst("cancel", job[:8], "--reason", "another phase")
    assert said.splitlines() == [f"Calculation {job[:12]} is cancelled.", f"Candidate {one} is withdrawn."]
    ended = next(row for row in listed(catalyst) if row["job"] == job)
    assert (ended["status"], ended["reason"].startswith("another phase (")) == ("cancelled", True)
    assert "is over: there is nothing to cancel" in catalyst("cancel", job, "--reason", "again", code=2)
    assert f"Candidate {sample} is withdrawn." in catalyst("cancel", str(sample), "--reason", "no precursor")
    assert "No reason is given" in catalyst("cancel", str(two), "--reason", " ", code=2)
    assert catalyst("retry", str(sample)) == f"Candidate {sample} is flagged again.\n"
    assert f"Candidate {three} is ranked: nothing of it failed." in catalyst("retry", str(three), code=2)
    for name in ("999999", "ffffff", "abc", "%", "'; DROP TABLE candidates"):
        assert "There is no candidate and no calculation" in catalyst("retry", name, code=2)


def test_what_others_wait_for_is_not_ended_with_one_candidate(platform: Platform, catalyst: Catalyst) -> None:
    database = platform.database
    first = campaign_of(database, "command")
    second = ReviewedCampaign(database, "the-other", first.document | {"name": "the-other"}).start()
    (one,), (other,) = first.rank(0, ["p:AgAlO3"]), second.rank(0, ["p:AgAlO3"])
    flag(database, one, other)
    validate(platform, first)
    validate(platform, second)
    (job,) = {row["job"] for row in listed(catalyst)}
    assert catalyst("cancel", str(one), "--reason", "mine no more") == f"Candidate {one} is withdrawn.\n"
    assert records.read_job(database, job).status == "waiting"
    assert f"Calculation {job[:12]} is cancelled." in catalyst("cancel", str(other), "--reason", "nor mine")


def test_a_closed_iteration_takes_nothing_back(platform: Platform, catalyst: Catalyst) -> None:
    begun = campaign_of(platform.database, "laboratory")
    (candidate,) = begun.rank(0, ["p:AgAlO3"])
    flag(platform.database, candidate)
    catalyst("cancel", str(candidate), "--reason", "no time")
    with platform.database.transaction(Role.OWNER) as connection:
        connection.execute(sa.text("UPDATE active_learning_runs SET status = 'closed', closed_at = now()"))
    assert f"Candidate {candidate} belongs to iteration by-laboratory__0000, which is closed" in " ".join(
        catalyst("retry", str(candidate), code=2).split()
    )


def test_a_campaign_whose_program_is_not_set_lacks_it(
    platform: Platform, catalyst: Catalyst, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = campaign_of(platform.database, "command")
    file = tmp_path / "by-command.yaml"
    file.write_text(yaml.safe_dump(begun.document))
    said = catalyst("validate", str(file), group="campaign", code=1, out=True)
    assert "missing: CATALYST_VALIDATOR_COMMAND is not set: the validator `command` has no program." in said
    monkeypatch.setenv("CATALYST_VALIDATOR_COMMAND", "run {job")
    assert "has a brace that nothing closes" in catalyst(
        "validate", str(file), group="campaign", code=1, out=True
    )


def test_a_thousand_rows_are_told_in_forty(platform: Platform, catalyst: Catalyst) -> None:
    begun = campaign_of(platform.database, "laboratory")
    candidates = begun.rank(0, [f"p:{n}" for n in range(1_000)], ["Sr0.5Ba0.5TiO3"] * 1_000)
    with platform.database.transaction(Role.OWNER) as connection:
        connection.execute(
            sa.text("SELECT transition_candidate(candidate_id, 'flagged', 'ada') FROM candidates")
        )
    lines = catalyst("list").splitlines()
    assert "1,000 flagged" in lines[0]
    assert lines[-1] == "… and 960 more: --all, --campaign or --json"
    assert len(lines) < 50
    assert max(map(len, lines)) <= 80
    assert len(listed(catalyst)) == len(candidates)
