"""A run beats while its process works, and only then."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
import pytest

from catalyst_assets.errors import RunGivenUpError
from resources.object_store import ObjectStore
from resources.postgres.database import Database, Role, Row, execute, fetch_all
from resources.runs.heartbeat import Standing, heartbeat
from resources.settings import Settings


def beat_of(database: Database, run_id: str) -> Row | None:
    with database.transaction() as connection:
        rows = fetch_all(connection, "loop/heartbeats", run_ids=[run_id])
    return rows[0] if rows else None


def lose(database: Database, run_id: str) -> None:
    """Take a run's claim away, as another process does."""
    other = Database({role: database.url(role) for role in Role})
    with other.transaction() as connection:
        execute(connection, "loop/lose_claim", run_id=run_id, reason="it was silent")
    other.dispose()


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


def test_a_run_that_lost_its_claim_writes_nothing_in_any_thread_and_does_not_begin_again(
    database: Database, settings: Settings
) -> None:
    def write(role: Role) -> None:
        with database.transaction(role):
            pytest.fail("it may still write")

    with heartbeat(database, settings, "run"):
        with database.transaction() as connection:
            assert fetch_all(connection, "loop/held_claims") == [{"run_id": "run", "is_old": False}]
        lose(database, "run")
        with ThreadPoolExecutor() as threads:
            for role in (Role.PIPELINE, Role.VALIDATOR, Role.APP):
                with pytest.raises(RunGivenUpError, match=r"Run run was given up at .*: it was silent"):
                    threads.submit(write, role).result()
        with pytest.raises(RunGivenUpError):
            ObjectStore(settings.object_store_url, before_write=database.require_claim).put_bytes("a", b"b")
    with pytest.raises(RunGivenUpError), heartbeat(database, settings, "run"):
        pytest.fail("it began again")
    with heartbeat(database, settings, "another"), database.transaction() as connection:
        execute(connection, "loop/make_claim", run_id="third")


def test_taking_a_claim_away_cuts_off_what_was_being_written_under_it(
    database: Database, settings: Settings
) -> None:
    def be_cut_off() -> None:
        with database.transaction() as connection:
            execute(connection, "loop/make_claim", run_id="written half-way")
            lose(database, "run")
            execute(connection, "loop/make_claim", run_id="and on")

    with heartbeat(database, settings, "run"), pytest.raises(RunGivenUpError, match="given up"):
        be_cut_off()
    with database.transaction() as connection:
        assert fetch_all(connection, "loop/held_claims") == []


def test_a_run_that_was_canceled_while_its_process_slept_finds_out_before_it_writes(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    awake = time.monotonic
    with heartbeat(database, settings, "run", standing=lambda: Standing.ENDED):
        with database.transaction():
            pass  # it was seen alive a moment ago
        monkeypatch.setattr(time, "monotonic", lambda: awake() + 120)
        with pytest.raises(RunGivenUpError, match="ended from outside"), database.transaction():
            pytest.fail("it may still write")
        monkeypatch.undo()
        with pytest.raises(RunGivenUpError), database.transaction():
            pytest.fail("it may write again")


def test_a_run_that_is_asked_to_end_from_another_host_is_told_by_one_signal(
    database: Database, quick: Settings
) -> None:
    told: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: told.append(number))
    try:
        with heartbeat(database, quick, "run", standing=lambda: Standing.ASKED_TO_END):
            first = beat_of(database, "run")
            assert first is not None
            for _ in range(3):
                first = wait_for_another(database, first)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert told == [signal.SIGTERM]
