"""A campaign under review, the API that decisions about it go through, a browser, and a bucket on an S3 server."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import httpx
import pytest

from catalyst_assets.build import build_defs
from catalyst_assets.loop.jobs import PREPARATION_JOB
from catalyst_assets_tests.conftest import Template, prepared_template
from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from catalyst_assets_tests.integration.dash_app.serving import api_client
from catalyst_assets_tests.integration.s3_server import BUCKET, keys_of, variables
from resources.platform import Platform
from resources.postgres.database import Database
from resources.postgres.embedded import EmbeddedPostgres

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Debian's Chromium, started once."""
    from playwright.sync_api import sync_playwright

    if not CHROMIUM.exists():
        if os.environ.get("CI"):
            pytest.fail(f"{CHROMIUM} is missing: install Debian's chromium.")
        pytest.skip(f"{CHROMIUM} is missing: install Debian's chromium to run this.")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def api(database: Database) -> Iterator[httpx.Client]:
    """A client of the API, served with the role of the app alone."""
    with api_client(database) as client:
        yield client


@pytest.fixture
def campaign(database: Database) -> ReviewedCampaign:
    """A campaign that was started and has no iteration yet."""
    return ReviewedCampaign(database).start()


@pytest.fixture(scope="session")
def shipped_set(
    postgres_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Template]:
    """The shipped set with its features, for modules that take it as their `template`."""

    def load(platform: Platform) -> None:
        job = build_defs(platform=platform).resolve_job_def(PREPARATION_JOB)
        with dg.DagsterInstance.ephemeral() as instance:
            assert job.execute_in_process(instance=instance).success

    with prepared_template(postgres_server, tmp_path_factory.mktemp("shipped"), load) as made:
        yield made


@pytest.fixture(scope="module")
def s3_endpoint() -> Iterator[str]:
    """moto's server, in a thread of this process."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3_environment(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables by which this process and its children find the server."""
    import s3fs

    for name, value in variables(s3_endpoint).items():
        monkeypatch.setenv(name, value)
    # Connections are kept by the process; an earlier test may have had another endpoint.
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture
def bucket_client(s3_environment: None) -> Iterator[Any]:
    """What somebody else sees of the bucket."""
    import boto3

    client = boto3.client("s3")
    client.create_bucket(Bucket=BUCKET)
    yield client
    for key in keys_of(client):
        client.delete_object(Bucket=BUCKET, Key=key)
    for upload in client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []):
        client.abort_multipart_upload(Bucket=BUCKET, Key=upload["Key"], UploadId=upload["UploadId"])
    client.delete_bucket(Bucket=BUCKET)
