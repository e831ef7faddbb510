"""A run beats while its process works, and only then."""

import os
import time
from typing import Any

import psutil
import pytest

from resources.heartbeat import heartbeat
from resources.postgres.database import Database, Row, fetch_all
from resources.settings import Settings


def beat_of(database: Database, run_id: str) -> Row | None:
    with database.transaction() as connection:
        rows = fetch_all(connection, "loop/heartbeats", run_ids=[run_id])
    return rows[0] if rows else None


def wait_for_another(database: Database, first: Row) -> Row:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        now = beat_of(database, first["run_id"])
        assert now is not None
        if now["beat_at"] > first["beat_at"]:
            return now
        time.sleep(0.02)
    pytest.fail("the heart stood still")


@pytest.fixture
def quick(settings: Settings) -> Settings:
    return settings.model_copy(update={"heartbeat_seconds": 0.05})


def test_the_first_beat_is_there_before_the_work_and_names_the_process(
    database: Database, settings: Settings
) -> None:
    with heartbeat(database, settings, "run"):
        beat = beat_of(database, "run")
    assert beat is not None
    assert beat["pid"] == os.getpid()
    assert beat["process_started"] == pytest.approx(psutil.Process().create_time())


def test_a_run_goes_on_beating_until_its_work_ends(database: Database, quick: Settings) -> None:
    with heartbeat(database, quick, "run"):
        first = beat_of(database, "run")
        assert first is not None
        wait_for_another(database, first)
    last = beat_of(database, "run")
    time.sleep(0.3)
    assert beat_of(database, "run") == last


def test_a_beat_that_fails_is_tried_again(database: Database, quick: Settings) -> None:
    class Flaky(Database):
        calls = 0

        def transaction(self, *arguments: Any) -> Any:
            Flaky.calls += 1
            if Flaky.calls == 2:
                from catalyst_assets.errors import DatabaseUnavailableError

                raise DatabaseUnavailableError("The server is restarting.", "Wait.")
            return database.transaction(*arguments)

    with heartbeat(Flaky({}), quick, "run"):
        first = beat_of(database, "run")
        assert first is not None
        wait_for_another(database, first)
    assert Flaky.calls >= 3
