"""What a person should know is raised once, told wherever people look, and cleared when it no longer holds."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import dagster as dg
import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from typer.testing import CliRunner

from catalyst_assets.cli import app as command_line
from catalyst_assets.loop.jobs import PREPARATION_JOB
from catalyst_assets.loop.notices.installation import look_at_installation
from catalyst_assets.loop.notices.keeping import post_notices, standing_notices
from catalyst_assets.validation.answering import validate_iteration
from catalyst_assets.validation.results.ledger import retract
from catalyst_assets_tests.integration.dash_app.serving import api_client
from catalyst_assets_tests.integration.loop.following import Followed
from dash_app.components.waiting import notice_banner
from dash_app.contract import Notice
from resources.platform import Platform
from resources.postgres.database import Database, Role, Row


@pytest.fixture
def followed(platform: Platform, dagster_instance: dg.DagsterInstance) -> Followed:
    followed = Followed(platform, dagster_instance)
    followed.rank(0, ["p:A", "p:B"], flag=1)
    followed.advance()
    return followed


def notices(database: Database, campaign: str | None = None) -> list[Row]:
    with database.transaction(Role.APP) as connection:
        return standing_notices(connection, campaign)


def wait_since(followed: Followed, age: timedelta) -> None:
    with followed.platform.database.transaction(Role.OWNER) as connection:
        connection.execute(sa.text("UPDATE campaign_waits SET since = now() - :age"), {"age": age})


@contextmanager
def receiving(status: int = 204) -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    received: list[tuple[dict[str, str], bytes]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            received.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the library
            pass

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/alerts", received
    server.shutdown()


def test_a_campaign_that_waits_for_days_raises_a_notice_once_that_everybody_sees(
    followed: Followed, own_environment: None
) -> None:
    database = followed.platform.database
    wait_since(followed, timedelta(days=2))
    followed.advance()
    assert notices(database) == []
    wait_since(followed, timedelta(days=4))
    followed.advance()
    followed.advance()
    (notice,) = notices(database, followed.name)
    assert (notice["kind"], notice["subject"]) == ("stalled", "answers followed__0000")
    assert notice["message"].endswith("UTC: 1 candidate of iteration 0 awaits the laboratory")

    with api_client(database, followed.platform.settings) as api:
        (shown,) = api.get("/campaigns/followed").json()["notices"]
    assert (shown["kind"], shown["message"]) == ("stalled", notice["message"])
    assert notice["message"] in str(notice_banner(Notice.model_validate(shown)))
    listed = CliRunner().invoke(command_line, ["status"]).output
    assert f"followed: {notice['message']}" in listed
    told = json.loads(CliRunner().invoke(command_line, ["campaign", "show", "followed", "--json"]).output)
    assert [each["message"] for each in told["notices"]] == [notice["message"]]

    followed.insert(0, "p:A", band_gap_direct=1.5, formation_energy_per_atom=-2.5)
    validate_iteration(database, "followed__0000", None)
    followed.advance()
    assert notices(database) == []


def test_unfit_results_are_told_of_until_they_are_corrected_or_retracted(followed: Followed) -> None:
    database = followed.platform.database
    followed.insert(0, "p:A", band_gap_direct=-4.0)
    validate_iteration(database, "followed__0000", None)
    followed.advance()
    (notice,) = notices(database)
    assert notice["kind"] == "unfit"
    assert notice["message"].startswith(
        "1 result of iteration 0 cannot be learned from: band_gap_direct of p:A is -4 eV"
    )
    with database.transaction(Role.VALIDATOR) as connection:
        number = connection.execute(sa.text("SELECT result_id FROM validation_results")).scalar_one()
        retract(connection, number, by="ada", reason="sign")
    followed.advance()
    assert notices(database) == []


def test_unfit_results_that_no_iteration_asked_for_are_told_of_without_a_campaign(followed: Followed) -> None:
    database = followed.platform.database
    followed.insert(None, "p:A", band_gap_direct=-4.0)
    followed.advance()
    look_at_installation(followed.instance, database)
    (notice,) = notices(database)
    assert (notice["campaign"], notice["kind"]) == (None, "unfit")
    assert notice["message"].startswith(
        "1 result of no iteration cannot be learned from: band_gap_direct of p:A is -4 eV"
    )
    with database.transaction(Role.VALIDATOR) as connection:
        number = connection.execute(sa.text("SELECT result_id FROM validation_results")).scalar_one()
        retract(connection, number, by="ada", reason="sign")
    look_at_installation(followed.instance, database)
    assert notices(database) == []


def test_notices_are_posted_once_signed_and_again_when_nobody_answered(followed: Followed) -> None:
    database = followed.platform.database
    wait_since(followed, timedelta(days=4))
    followed.advance()
    settings = followed.platform.settings
    assert post_notices(database, settings) == 0
    with receiving(status=503) as (url, refused):
        down = settings.model_copy(update={"alert_webhook": url})
        assert post_notices(database, down) == 0
    assert len(refused) == 1
    with receiving() as (url, received):
        asked = {"alert_webhook": url, "webhook_secret": SecretStr("between us")}
        assert post_notices(database, settings.model_copy(update=asked)) == 1
        assert post_notices(database, settings.model_copy(update=asked)) == 0
    ((headers, body),) = received
    told = json.loads(body)
    assert (told["type"], told["campaign"], told["kind"]) == ("notice.raised", "followed", "stalled")
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(b"between us", content, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert told["id"] == headers["webhook-id"] == refused[0][0]["webhook-id"]


def test_a_job_of_no_campaign_that_failed_is_told_of_until_it_succeeds(
    platform: Platform, dagster_instance: dg.DagsterInstance
) -> None:
    @dg.op
    def prepare(context: dg.OpExecutionContext) -> None:
        if context.run.tags["fails"] == "yes":
            raise ValueError("the source is gone")

    @dg.job(name=PREPARATION_JOB)
    def preparation() -> None:
        prepare()

    for fails, expected in (("yes", 1), ("yes", 1), ("no", 0)):
        preparation.execute_in_process(instance=dagster_instance, raise_on_error=False, tags={"fails": fails})
        look_at_installation(dagster_instance, platform.database)
        found = notices(platform.database)
        assert len(found) == expected
        if found:
            assert (found[0]["campaign"], found[0]["kind"]) == (None, "failed")
            assert "the source is gone" in found[0]["message"]
