"""A campaign, and a whole `catalyst up`, whose objects are in a bucket."""

import time
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import psutil
import pytest

from catalyst_assets.bench.chaos.campaign import state_of
from catalyst_assets.commands.driver import LoopDriver
from catalyst_assets.loop.campaigns import start_campaign
from catalyst_assets.loop.jobs import PREPARATION_JOB
from catalyst_assets_tests.conftest import Template, cloned_database
from catalyst_assets_tests.integration.loop.loop_process import CAMPAIGN
from catalyst_assets_tests.integration.resources.running import Running, running
from catalyst_assets_tests.integration.resources.test_running_services import admins_token
from catalyst_assets_tests.integration.s3_server import BUCKET, PREFIX, SECRET, URL, keys_of
from catalyst_assets_tests.processes import processes_of
from resources.platform import Platform
from resources.postgres.embedded import EmbeddedPostgres
from resources.settings import Settings, load_settings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
LAUNCH = """
mutation ($job: String!) {
  launchRun(executionParams: {selector: {repositoryName: "__repository__",
    repositoryLocationName: "catalyst_assets", jobName: $job}}) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
  }
}
"""
LOOK = """
query ($run: ID!) {
  runOrError(runId: $run) { ... on Run { status } }
  logsForRun(runId: $run) { ... on EventConnection { events { ... on LogsCapturedEvent { logKey } } } }
}
"""
LOGS = "query ($key: [String!]!) { capturedLogs(logKey: $key) { stderr } }"


def drive(settings: Settings, server: EmbeddedPostgres, template: Template) -> dict[str, list[str]]:
    """Drive a campaign through an iteration on a new database, and return what it leaves there."""
    campaign = CAMPAIGN.model_copy(update={"stop": CAMPAIGN.stop.model_copy(update={"max_iterations": 1})})
    with cloned_database(server, template) as database, dg.DagsterInstance.ephemeral() as instance:
        driver = LoopDriver(Platform(settings, database), instance)
        driver.execute(PREPARATION_JOB)
        start_campaign(database, campaign)
        driver.drive(campaign.name)
        return state_of(database)


@pytest.mark.usefixtures("_mlflow_tables")
def test_a_campaign_ends_on_a_bucket_as_it_does_on_a_folder(
    tmp_path: Path, bucket_client: Any, postgres_server: EmbeddedPostgres, template: Template
) -> None:
    folder, bucket = tmp_path / "folder", tmp_path / "bucket"
    expected = drive(load_settings(home=folder, shard_size=16), postgres_server, template)
    found = drive(load_settings(home=bucket, shard_size=16, object_store=URL), postgres_server, template)

    for name, rows in expected.items():
        assert found[name] == rows, f"{name} differ"
    for name in ("rankings", "candidates", "predictions", "results"):
        assert expected[name], name

    stored = [key.removeprefix(f"{PREFIX}/") for key in keys_of(bucket_client)]
    objects = folder / "objects"
    on_disk = [path.relative_to(objects).as_posix() for path in objects.rglob("*") if path.is_file()]
    # Runs of Dagster and of MLflow have random names.
    assert {kind_of(key) for key in stored} == {kind_of(key) for key in on_disk}
    by_content = [key for key in on_disk if kind_of(key) not in ("mlflow", "steps")]
    assert by_content
    assert sorted(by_content) == [key for key in stored if kind_of(key) not in ("mlflow", "steps")]
    assert not bucket.exists()


def kind_of(key: str) -> str:
    return key.split("/")[0]


def test_an_installation_on_a_bucket_shows_its_logs_and_no_secret(tmp_path: Path, bucket_client: Any) -> None:
    with running(tmp_path, CATALYST_OBJECT_STORE=URL) as installation:
        named = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
        assert SECRET not in str(named)
        told = installation.known({"bucket": SECRET})
        assert {name for name, known in told.items() if known} == {
            "api", "dagster-webserver", "dagster-daemon", "mlflow",
        }  # fmt: skip
        others = [
            process
            for process in processes_of(tmp_path)
            if "postgres" in process.name() or "keeper.py" in " ".join(process.cmdline())
        ]
        assert others
        assert not [process for process in others if SECRET in str(process.environ())]

        run, events = launched(installation, "ingest_reference_tables")
        (file,) = [event["logKey"] for event in events if event]
        key = [run, "compute_logs", file]
        assert f"{PREFIX}/logs/storage/{'/'.join(key)}.err" in keys_of(bucket_client)
        shown = asked(installation, LOGS, key=key)["capturedLogs"]["stderr"]
        assert "raw_reference_tables" in shown
        assert SECRET not in shown
    for file in [*(tmp_path / "logs").rglob("*"), *(tmp_path / "dagster").rglob("*.yaml")]:
        if file.is_file():
            assert SECRET not in file.read_text(errors="replace"), file
    for name in keys_of(bucket_client):
        assert SECRET.encode() not in bucket_client.get_object(Bucket=BUCKET, Key=name)["Body"].read(), name
    assert not (tmp_path / "objects").exists()


def asked(installation: Running, question: str, **variables: Any) -> Any:
    """Ask Dagster's webserver as an admin's program."""
    answer = httpx.post(
        f"{installation.urls['DAGSTER']}/graphql",
        json={"query": question, "variables": variables},
        headers={"authorization": f"Bearer {admins_token(installation)}"},
        timeout=60,
    )
    return answer.json()["data"]


def launched(installation: Running, job: str) -> tuple[str, list[dict[str, Any]]]:
    """Have the daemon run a job; return its run and events once it has succeeded."""
    made = asked(installation, LAUNCH, job=job)["launchRun"]
    assert made["__typename"] == "LaunchRunSuccess", made
    run = made["run"]["runId"]
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        found = asked(installation, LOOK, run=run)
        if found["runOrError"]["status"] in ("SUCCESS", "FAILURE", "CANCELED"):
            assert found["runOrError"]["status"] == "SUCCESS"
            return run, found["logsForRun"]["events"]
        time.sleep(2)
    raise AssertionError(f"the run did not end: {found}")
