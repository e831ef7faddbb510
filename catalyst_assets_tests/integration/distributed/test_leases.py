"""The lease of a step: who has it, and what becomes of the writes of who had it."""

import time

import pytest
import sqlalchemy as sa

from catalyst_assets.errors import RunGivenUpError
from resources.distributed.leases import Lease, StepId, silence_seconds, take_lease
from resources.postgres.database import Database, Role, execute
from resources.settings import Settings

pytestmark = pytest.mark.timeout(120)
STEP = StepId("a-run", "predict[rows_0_16]", 0)
WRITE = sa.text(
    "INSERT INTO raw_files (source, url, sha256, size_bytes, licence) VALUES ('test', 'a', repeat('0', 64), 1, 'CC0-1.0')"
)


@pytest.fixture
def quick(settings: Settings) -> Settings:
    return settings.model_copy(update={"heartbeat_seconds": 0.05})


@pytest.fixture
def other(database: Database) -> Database:
    """The database as another process opens it."""
    return Database({role: database.url(role) for role in Role})


def hand_over(database: Database) -> None:
    with database.transaction() as connection:
        execute(connection, "leases/submit", **STEP.parameters(), queue="predict")


def taken(database: Database, settings: Settings) -> Lease:
    lease = take_lease(database, settings, STEP)
    assert lease is not None
    return lease


def test_one_process_at_a_time_has_a_lease(database: Database, other: Database, quick: Settings) -> None:
    assert take_lease(database, quick, STEP) is None, "nobody has handed it over"
    hand_over(database)
    taken(database, quick)
    assert take_lease(other, quick, STEP) is None
    time.sleep(2 * silence_seconds(quick))
    taken(other, quick)


def test_what_a_silent_process_had_begun_to_write_neither_lands_nor_holds_up_the_next(
    database: Database, other: Database, quick: Settings
) -> None:
    hand_over(database)
    silent = taken(database, quick)

    def sleep_while_writing() -> None:
        with silent.carried_by(database), database.transaction() as begun:
            begun.execute(WRITE)
            time.sleep(2 * silence_seconds(quick))
            with taken(other, quick).carried_by(other), other.transaction() as connection:
                connection.execute(WRITE)
            begun.execute(sa.text("SELECT 1"))

    for _ in range(2):  # it has lost its lease for good
        with pytest.raises(RunGivenUpError, match="another process does the step"):
            sleep_while_writing()
    with other.transaction() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM raw_files")).scalar_one() == 1
