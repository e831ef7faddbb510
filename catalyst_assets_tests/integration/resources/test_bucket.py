"""With the object store on S3, what another host needs lies in the bucket, and nobody is shown its credentials."""

import asyncio
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import pytest
from dagster._core.remote_representation.external_data import RepositorySnap
from dagster._core.storage.compute_log_manager import ComputeIOType
from dagster_aws.s3 import S3Resource

from catalyst_assets.build import build_defs
from catalyst_assets.errors import CatalystError, UsageError
from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from catalyst_assets_tests.integration.distributed.workers import require_redis
from catalyst_assets_tests.integration.s3_server import BUCKET, PREFIX, SECRET, URL, keys_of
from resources.bucket.clients import make_bucket, require_bucket
from resources.dagster_instance import prepare_dagster_home
from resources.platform import Platform
from resources.postgres.database import Database, Role
from resources.services import WORKER_QUEUES, describe_services, equip_services
from resources.settings import Settings, load_settings
from resources.supervisor import free_port


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a new home whose objects are in the bucket."""
    return load_settings(home=tmp_path / "home", object_store=URL)


@pytest.fixture
def elsewhere(
    tmp_path: Path, database: Database, bucket_client: Any, dagster_instance: dg.DagsterInstance
) -> dg.DagsterInstance:
    """The same instance as another host sees it: another home, the same database and bucket."""
    home = load_settings(home=tmp_path / "other-host", object_store=URL)
    folder = prepare_dagster_home(home, database)["DAGSTER_HOME"]
    return dg.DagsterInstance.from_config(folder)


@dg.asset
def talkative(context: dg.AssetExecutionContext) -> None:
    print("said to the standard output")
    context.log.info("said to Dagster")


def test_what_a_step_prints_is_read_on_another_host(
    settings: Settings,
    bucket_client: Any,
    dagster_instance: dg.DagsterInstance,
    elsewhere: dg.DagsterInstance,
) -> None:
    run = dg.materialize([talkative], instance=dagster_instance)

    (key,) = elsewhere.compute_log_manager.get_log_keys_for_log_key_prefix(
        [run.run_id, "compute_logs"], ComputeIOType.STDOUT
    )
    data = elsewhere.compute_log_manager.get_log_data(key)
    assert data.stdout == b"said to the standard output\n"
    assert b"said to Dagster" in (data.stderr or b"")
    stored = f"{PREFIX}/logs/storage/{'/'.join(key)}"
    assert {f"{stored}.out", f"{stored}.err"} <= set(keys_of(bucket_client))
    assert [path for path in (settings.home / "logs" / "runs").rglob("*.*") if path.is_file()] == []


def test_logs_are_downloaded_through_dagsters_own_server(
    dagster_instance: dg.DagsterInstance, elsewhere: dg.DagsterInstance
) -> None:
    from dagster._core.workspace.context import WorkspaceProcessContext
    from dagster_webserver.app import create_app_from_workspace_process_context

    run = dg.materialize([talkative], instance=dagster_instance)
    manager = elsewhere.compute_log_manager
    (key,) = manager.get_log_keys_for_log_key_prefix([run.run_id, "compute_logs"], ComputeIOType.STDOUT)
    shown = manager.get_log_metadata(key)
    assert shown.stdout_location == f"s3://{BUCKET}/{PREFIX}/logs/storage/{'/'.join(key)}.out"
    assert shown.stdout_download_url == f"/logs/{'/'.join(key)}/out"

    question = (
        "query ($key: [String!]!) { capturedLogs(logKey: $key) { stdout stderr }"
        " capturedLogsMetadata(logKey: $key) { stdoutDownloadUrl } }"
    )

    async def ask(app: Any) -> tuple[Any, bytes]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://dagster") as server:
            asked = {"query": question, "variables": {"key": key}}
            answer = (await server.post("/graphql", json=asked)).json()["data"]
            link = answer["capturedLogsMetadata"]["stdoutDownloadUrl"]
            return answer["capturedLogs"], (await server.get(link)).content

    with WorkspaceProcessContext(elsewhere, workspace_load_target=None) as context:
        logs, downloaded = asyncio.run(ask(create_app_from_workspace_process_context(context)))
    assert logs["stdout"] == "said to the standard output\n"
    assert "said to Dagster" in logs["stderr"]
    assert downloaded == b"said to the standard output\n"


def test_a_sensor_that_says_nothing_writes_nothing(
    bucket_client: Any, dagster_instance: dg.DagsterInstance
) -> None:
    manager = dagster_instance.compute_log_manager
    with manager.open_log_stream(["a_sensor", "tick", "1"], ComputeIOType.STDERR):
        pass
    assert keys_of(bucket_client) == []
    with manager.open_log_stream(["a_sensor", "tick", "2"], ComputeIOType.STDERR) as stream:
        assert stream is not None
        stream.write("it failed")
    assert keys_of(bucket_client) == [f"{PREFIX}/logs/storage/a_sensor/tick/2.err"]


def test_a_step_whose_logs_cannot_be_kept_does_its_work(
    dagster_instance: dg.DagsterInstance, bucket_client: Any
) -> None:
    manager = dagster_instance.compute_log_manager
    bucket_client.delete_bucket(Bucket=BUCKET)
    try:
        run = dg.materialize([talkative], instance=dagster_instance)
    finally:
        bucket_client.create_bucket(Bucket=BUCKET)
    assert run.success
    said = [entry.message for entry in run.all_events if "log" in (entry.message or "")]
    assert any("Exception while cleaning up compute log capture" in message for message in said), said
    # What could not be sent is still where the step ran.
    (key,) = manager.local_manager.get_log_keys_for_log_key_prefix(  # type: ignore[attr-defined]
        [run.run_id, "compute_logs"], ComputeIOType.STDOUT
    )
    assert manager.get_log_data(key).stdout == b"said to the standard output\n"


@pytest.mark.usefixtures("_mlflow_tables")
def test_files_of_a_training_are_in_the_bucket(platform: Platform, bucket_client: Any) -> None:
    import mlflow

    with platform.tracking.run("trained_model", "demo__0003", "dagster-run-1") as run:
        run.log(artifacts={"report.json": b"{}", "plots/parity.png": b"png"})

    assert run.problem == ""
    folder = f"{PREFIX}/mlflow/demo/{run.run_id}/artifacts"
    assert keys_of(bucket_client) == [f"{folder}/plots/parity.png", f"{folder}/report.json"]
    assert platform.tracking.client.get_run(run.run_id).info.artifact_uri == f"s3://{BUCKET}/{folder}"
    # As MLflow's pages read them.
    found = mlflow.artifacts.load_text(f"s3://{BUCKET}/{folder}/report.json")
    assert found == "{}"


def test_a_work_order_of_a_job_is_in_the_bucket(
    platform: Platform, bucket_client: Any, campaign: ReviewedCampaign, dagster_instance: dg.DagsterInstance
) -> None:
    (candidate, _) = campaign.rank(0, ["demo:1", "demo:2"], ["SrTiO3", "BaTiO3"])
    campaign.move(candidate, "flagged", actor="expert")
    with platform.database.transaction(Role.OWNER) as connection:  # a structure that can be written as CIF
        connection.exec_driver_sql(
            "UPDATE materials SET structure_json = structure_json || "
            '\'{"lattice": {"matrix": [[4, 0, 0], [0, 4, 0], [0, 0, 4]]}, "sites": '
            '[{"species": [{"element": "Sr", "occu": 1}], "abc": [0, 0, 0]}]}\''
        )
    job = build_defs(platform=platform).resolve_job_def("export_work_order")
    config = {"ops": {"export_order": {"config": {"campaign": campaign.name}}}}
    done = job.execute_in_process(run_config=config, instance=dagster_instance)

    folder = f"work-orders/{campaign.name}/{done.run_id[:8]}"
    keys = [key.removeprefix(f"{PREFIX}/") for key in keys_of(bucket_client) if "/work-orders/" in key]
    assert [key for key in keys if not key.startswith(f"{folder}/structures/")] == [
        f"{folder}/{campaign.name}-results.csv",
        f"{folder}/{campaign.name}-results.xlsx",
        f"{folder}/{campaign.name}-work-order.html",
    ]
    (outcome,) = [event for event in done.all_events if event.is_successful_output]
    shown = outcome.step_output_data.metadata["table"].value
    assert shown == f"{URL}/{folder}/{campaign.name}-results.csv"
    assert not (platform.settings.home / "work-orders").exists()


def test_an_asset_is_handed_a_client_that_finds_its_own_credentials(
    platform: Platform, bucket_client: Any
) -> None:
    bucket_client.put_object(Bucket=BUCKET, Key="one", Body=b"1")

    @dg.op
    def list_all(s3: S3Resource) -> list[str]:
        found = s3.get_client().list_objects_v2(Bucket=BUCKET)
        return [each["Key"] for each in found["Contents"]]

    @dg.job
    def listing() -> None:
        list_all()

    s3 = build_defs(platform=platform).resources["s3"]  # type: ignore[index]
    done = listing.execute_in_process(resources={"s3": s3})
    assert done.output_for_node("list_all") == ["one"]


def test_no_page_of_dagster_shows_credentials(settings: Settings, s3_environment: None) -> None:
    repository = build_defs(settings=settings).get_repository_def()
    shown = {one.name: one for one in RepositorySnap.from_def(repository).resources or ()}
    assert shown["platform"].configured_values["object_store"] == f'"{URL}"'
    assert SECRET not in repr(shown)
    assert all(value in ("null", "false", "true", "5") for value in shown["s3"].configured_values.values())
    written = (Path(prepare_dagster_home(settings)["DAGSTER_HOME"]) / "dagster.yaml").read_text()
    assert SECRET not in written
    assert "AWS" not in written


def test_only_services_that_use_the_bucket_are_told_its_credentials(
    settings: Settings, s3_environment: None, dagster_instance: dg.DagsterInstance, platform: Platform
) -> None:
    require_redis()

    def told(settings: Settings) -> set[str]:
        services = equip_services(describe_services(settings), settings, platform.database)
        return {one.name for one in services if SECRET in one.environment.values()}

    workers = {f"worker-{queue}" for queue in WORKER_QUEUES}
    celery = settings.model_copy(update={"executor": "celery"})
    assert told(celery) == {"api", "dagster-webserver", "dagster-daemon", "mlflow"} | workers
    assert told(celery.model_copy(update={"object_store": None})) == set()


def test_a_bucket_that_cannot_be_used_is_told_before_anything_starts(
    settings: Settings, bucket_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_bucket(settings)
    require_bucket(load_settings(home=settings.home))  # a folder needs none
    with pytest.raises(CatalystError, match=r"The bucket nobody-made-this cannot be used: .*Not Found"):
        require_bucket(load_settings(object_store="s3://nobody-made-this/prefix"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    with pytest.raises(CatalystError, match=f"cannot be used: .*{endpoint}") as caught:
        require_bucket(settings)
    assert "AWS_ENDPOINT_URL" in caught.value.remedy
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)  # it remembers them
    with pytest.raises(CatalystError, match="Unable to locate credentials"):
        require_bucket(settings)


@pytest.mark.usefixtures("s3_environment")
def test_a_bucket_is_made_where_there_is_none(settings: Settings) -> None:
    wanted = settings.model_copy(update={"object_store": f"s3://{BUCKET}-made-at-start/prefix"})
    with pytest.raises(CatalystError, match="Not Found"):
        require_bucket(wanted)
    for _ in range(2):
        make_bucket(wanted)
    require_bucket(wanted)


@pytest.mark.usefixtures("s3_environment")
def test_a_bucket_is_made_on_a_server_that_starts_a_moment_later(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from moto.server import ThreadedMotoServer

    port = free_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    late = threading.Timer(2, server.start)
    late.start()
    wanted = settings.model_copy(update={"object_store": f"s3://{BUCKET}-made-late/prefix"})
    try:
        make_bucket(wanted)
        require_bucket(wanted)
    finally:
        late.join()
        server.stop()


@pytest.mark.parametrize("name", ["object_store", "results_folder"])
def test_credentials_in_a_url_are_refused_and_not_repeated(name: str) -> None:
    with pytest.raises(UsageError, match=f"CATALYST_{name.upper()}.*not in the URL") as refused:
        load_settings(**{name: f"s3://key:{SECRET}@discovery/prefix"})
    assert SECRET not in str(refused.value)
    with pytest.raises(UsageError, match="name a bucket"):
        load_settings(**{name: "s3:///prefix"})


def test_a_file_of_credentials_does_as_well_as_variables(
    bucket_client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    program = (
        "from resources.object_store import ObjectStore\n"
        "from resources.bucket.compute_logs import BucketComputeLogs\n"
        "from dagster._core.storage.compute_log_manager import ComputeIOType\n"
        f"ObjectStore({URL!r}).put_bytes('one', b'1')\n"
        f"logs = BucketComputeLogs({BUCKET!r}, '{PREFIX}/logs', {str(tmp_path)!r})\n"
        "with logs.open_log_stream(['a', 'b'], ComputeIOType.STDERR) as stream:\n"
        "    stream.write('said')\n"
    )

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=120
        )

    refused = run()
    assert refused.returncode != 0
    assert "redentials" in refused.stderr
    file = tmp_path / "aws-credentials"
    file.write_text(f"[default]\naws_access_key_id = test\naws_secret_access_key = {SECRET}\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    done = run()
    assert done.returncode == 0, done.stderr
    assert keys_of(bucket_client) == [f"{PREFIX}/logs/storage/a/b.err", f"{PREFIX}/one"]
