"""Requests made up from the OpenAPI document: no 5xx, and no answer that the document does not describe."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest

from catalyst_assets_tests.integration.dash_app.dagster_stub import NO_REFRESHES, dagster_that_answers, shown
from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from catalyst_assets_tests.integration.dash_app.serving import api_client, bearer
from catalyst_assets_tests.results import submit_results
from resources.postgres.database import Database
from resources.settings import Settings

CHECKS: Final = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,unsupported_method,allow_header_conformance"
)
# A stream of events does not end by itself; its test is `test_events`.
ENDLESS: Final = "/events"
SCHEMATHESIS: Final = (
    sys.executable,
    "-c",
    "from schemathesis.cli import schemathesis; schemathesis()",
    "run",
)


def make_up_requests(
    api: httpx.Client, database: Database, folder: Path, phases: str, examples: int
) -> tuple[int, str]:
    """Send requests as an admin; return how many there were, and what was found."""
    authorization = bearer(database, "Tester", "admin")["Authorization"]
    ended = subprocess.run(
        [
            *SCHEMATHESIS, f"{api.base_url}openapi.json", "--checks", CHECKS, "--phases", phases,
            "--max-examples", str(examples), "--exclude-path", ENDLESS, "--header", f"Authorization: {authorization}",
            "--seed", "17", "--continue-on-failure", "--warnings", "off", "--no-color",
            "--suppress-health-check", "all", "--generation-database", "none",
        ],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    sent = re.search(r"([\d,]+) generated", ended.stdout)
    assert sent is not None, ended.stdout + ended.stderr
    return int(sent[1].replace(",", "")), "" if ended.returncode == 0 else ended.stdout


@pytest.fixture
def api(database: Database, settings: Settings) -> Iterator[httpx.Client]:
    """A client of the API, beside a Dagster that has no runs."""
    answers = {
        "Runs": {"data": {"runsOrError": {"__typename": "Runs", "results": []}}},
        "Run": {"data": {"runOrError": {"__typename": "RunNotFoundError", "message": "no run"}}},
        "Refreshes": NO_REFRESHES,
        "Launch": {"data": {"launchRun": {"__typename": "LaunchRunSuccess", "run": shown("QUEUED")}}},
    }
    with dagster_that_answers(answers, []) as port:
        changed = settings.model_copy(update={"dagster_port": port})
        with api_client(database, changed) as client:
            yield client


@pytest.fixture
def reviewed(database: Database, campaign: ReviewedCampaign) -> None:
    """Something to ask about: two iterations, results, one of them retracted."""
    campaign.rank(0, [f"p:M{place}" for place in range(6)])
    campaign.rank(1, [f"p:M{place}" for place in range(6)])
    submit_results(database, None, "p:M0", {"band_gap_direct": 1.5, "formation_energy_per_atom": -2.5})


@pytest.mark.usefixtures("reviewed")
def test_a_few_requests_to_every_operation_are_answered_as_described(
    api: httpx.Client, database: Database, tmp_path: Path
) -> None:
    sent, found = make_up_requests(api, database, tmp_path, "fuzzing", 2)
    assert not found, found
    assert sent > 20


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.usefixtures("reviewed")
def test_ten_thousand_requests_are_answered_as_described(
    api: httpx.Client, database: Database, tmp_path: Path
) -> None:
    sent, found = make_up_requests(api, database, tmp_path, "examples,coverage,fuzzing", 230)
    print(f"{sent:,} requests")
    assert not found, found
    assert sent >= 10_000
