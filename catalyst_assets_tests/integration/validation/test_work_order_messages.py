"""Another system is told of each batch once, by signed messages that are sent until it takes them."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from catalyst_assets.build import build_defs
from catalyst_assets.validation.work_orders.messages import (
    announce,
    deliver_due,
    write_messages,
)
from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from catalyst_assets_tests.loading import query
from resources.platform import Platform
from resources.postgres.database import Database, Role
from resources.web.webhooks import sign

SECRET = "a secret of this test"
CELL: dict[str, Any] = {
    "lattice": {"matrix": [[4, 0, 0], [0, 4, 0], [0, 0, 4]]},
    "sites": [{"species": [{"element": "Sr", "occu": 1}], "abc": [0, 0, 0]}],
}


@dataclass
class Receiver:
    """What a laboratory's own system got, and how it answers."""

    statuses: list[int] = field(default_factory=list)
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    held: threading.Event = field(default_factory=threading.Event)
    url: str = ""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    kept = Receiver()
    kept.held.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            kept.held.wait(10)
            kept.received.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(kept.statuses.pop(0) if kept.statuses else 204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.url = f"http://127.0.0.1:{server.server_address[1]}/orders"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield kept
    kept.held.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def laboratory(database: Database) -> ReviewedCampaign:
    seeded = ReviewedCampaign(database)
    return ReviewedCampaign(database, document=seeded.document | {"validator": "laboratory"}).start()


@pytest.fixture
def telling(platform: Platform, receiver: Receiver) -> Platform:
    told = {"work_order_webhook": receiver.url, "work_order_secret": SecretStr(SECRET)}
    return Platform(platform.settings.model_copy(update=told), platform.database)


def flag(campaign: ReviewedCampaign, *materials: str) -> list[int]:
    numbers = campaign.rank(0, materials, ["SrTiO3"] * len(materials))
    with campaign.database.transaction(Role.OWNER) as connection:
        cell = {"cell": json.dumps(CELL)}
        connection.execute(sa.text("UPDATE materials SET structure_json = CAST(:cell AS jsonb)"), cell)
    for number in numbers:
        campaign.move(number, "flagged")
    return numbers


def due_now(platform: Platform) -> None:
    with platform.database.transaction() as connection:
        connection.execute(sa.text("UPDATE work_order_messages SET next_attempt_at = now()"))


def test_batch_is_told_once_with_what_a_laboratory_needs(
    telling: Platform, receiver: Receiver, laboratory: ReviewedCampaign
) -> None:
    numbers = flag(laboratory, "demo:1", "demo:2")
    assert write_messages(telling) == 0  # somebody may be reviewing still
    assert write_messages(telling, quiet_seconds=0.0) == 1
    assert write_messages(telling, quiet_seconds=0.0) == 0
    assert deliver_due(telling) == (1, 0)
    assert deliver_due(telling) == (0, 0)
    ((headers, body),) = receiver.received
    message = json.loads(body)
    assert [each["candidate"] for each in message["candidates"]] == numbers
    assert (message["campaign"], message["iteration"], message["method"]) == (
        "oxide-perovskites-demo",
        0,
        "PBE",
    )
    assert message["properties"][0] == {
        "property": "band_gap_direct",
        "label": "Band gap direct",
        "unit": "eV",
    }
    assert "_cell_length_a" in message["candidates"][0]["cif"]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["idempotency-key"] == headers["webhook-id"] == message["id"]


def test_what_was_not_taken_is_sent_again_as_it_was(
    telling: Platform, receiver: Receiver, laboratory: ReviewedCampaign
) -> None:
    flag(laboratory, "demo:1")
    write_messages(telling, quiet_seconds=0.0)
    receiver.statuses[:] = [500, 302]
    assert deliver_due(telling) == (0, 1)
    assert deliver_due(telling) == (0, 0)  # it rests first
    for expected in ((0, 1), (1, 0)):
        due_now(telling)
        assert deliver_due(telling) == expected
    assert len({(headers["webhook-id"], body) for headers, body in receiver.received}) == 1
    statement = "SELECT attempts, delivered_at IS NOT NULL, failure FROM work_order_messages"
    assert query(telling, statement) == [(3, True, "")]


def test_candidate_that_failed_and_is_flagged_again_is_told_again(
    telling: Platform, receiver: Receiver, laboratory: ReviewedCampaign
) -> None:
    first, second = flag(laboratory, "demo:1", "demo:2")
    write_messages(telling, quiet_seconds=0.0)
    laboratory.move(first, "in_validation")
    assert write_messages(telling, quiet_seconds=0.0) == 0
    laboratory.move(first, "flagged", reason="did not form")
    assert write_messages(telling, quiet_seconds=0.0) == 1
    deliver_due(telling)
    told = [[each["candidate"] for each in json.loads(body)["candidates"]] for _, body in receiver.received]
    assert told == [[first, second], [first]]


def test_receiver_that_hangs_holds_nobody_up(
    telling: Platform, receiver: Receiver, laboratory: ReviewedCampaign
) -> None:
    flag(laboratory, "demo:1")
    write_messages(telling, quiet_seconds=0.0)
    receiver.held.clear()
    thread = announce(telling)
    assert thread is not None
    while not query(telling, "SELECT 1 FROM work_order_messages WHERE attempts = 1"):
        thread.join(0.02)
    assert announce(telling) is None
    receiver.held.set()
    thread.join(10)
    assert query(telling, "SELECT delivered_at IS NOT NULL FROM work_order_messages") == [(True,)]
    again = announce(telling)
    assert again is not None
    again.join(10)
    assert len(receiver.received) == 1


def test_nothing_is_told_without_an_address(platform: Platform, telling: Platform) -> None:
    assert announce(platform) is None
    names = {sensor.name for sensor in build_defs(platform=platform).sensors or ()}
    assert "work_orders_sensor" not in names
    assert "work_orders_sensor" in {sensor.name for sensor in build_defs(platform=telling).sensors or ()}


def test_signature_is_that_of_the_standard() -> None:
    # The example of https://github.com/standard-webhooks/standard-webhooks, signed with its libraries.
    signature = sign(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
