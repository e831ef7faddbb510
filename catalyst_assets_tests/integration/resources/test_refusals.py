"""What PostgreSQL refuses is told as what it is: it answers, and only where it does not is it said to be gone."""

import pytest
import sqlalchemy as sa

from catalyst_assets.errors import DatabaseBusyError, DatabaseUnavailableError, TransactionConflictError
from resources.postgres.database import Database, Role


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        ("40P01", TransactionConflictError, "Two transactions waited for each other"),
        ("40001", TransactionConflictError, "Another transaction changed what this one had read"),
        ("53300", DatabaseBusyError, "PostgreSQL has no connection free as catalyst_pipeline: because."),
        ("55P03", DatabaseBusyError, "Others hold what this needs as catalyst_pipeline: because."),
        ("57014", DatabaseBusyError, "PostgreSQL ended the statement as catalyst_pipeline: because."),
        ("57P01", DatabaseUnavailableError, "PostgreSQL does not answer as catalyst_pipeline: because."),
    ],
)
def test_a_refusal_is_told_by_its_kind(
    database: Database, code: str, kind: type[DatabaseUnavailableError], said: str
) -> None:
    statement = f"DO $$ BEGIN RAISE EXCEPTION 'because' USING ERRCODE = '{code}'; END $$"
    with pytest.raises(DatabaseUnavailableError, match=said) as refused, database.transaction() as connection:
        connection.execute(sa.text(statement))
    assert type(refused.value) is kind


def test_a_statement_that_takes_too_long_is_told_so(database: Database) -> None:
    too_long = "SET LOCAL statement_timeout = '20ms'; SELECT pg_sleep(5)"
    with pytest.raises(DatabaseBusyError) as refused, database.transaction() as connection:
        connection.exec_driver_sql(too_long)
    assert str(refused.value) == (
        "PostgreSQL ended the statement as catalyst_pipeline: canceling statement due to statement timeout. "
        "Ask for less at once, or give it longer."
    )


def test_a_server_without_a_free_connection_is_told_so(database: Database) -> None:
    with database.transaction(Role.OWNER) as connection:
        name = connection.execute(sa.text("SELECT current_database()")).scalar_one()
        connection.execute(sa.text(f"ALTER DATABASE {name} CONNECTION LIMIT 0"))
    with (
        pytest.raises(
            DatabaseBusyError, match="has no connection free as catalyst_app: too many connections"
        ),
        database.transaction(Role.APP),
    ):
        pass
