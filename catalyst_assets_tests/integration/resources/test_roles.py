import pytest
import sqlalchemy as sa

from resources.postgres.database import Database, Role

NOT_ALLOWED = "42501"


def sqlstate(database: Database, role: Role, *statements: str) -> str | None:
    try:
        with database.engine(role).begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
    except sa.exc.DBAPIError as error:
        return error.orig.pgcode
    return None


@pytest.mark.parametrize("role", [Role.PIPELINE, Role.APP])
def test_only_the_validator_reads_the_answers(database: Database, role: Role) -> None:
    read = "SELECT count(*) FROM reference_values"
    assert sqlstate(database, Role.VALIDATOR, read) is None
    assert sqlstate(database, role, read) == NOT_ALLOWED
    assert sqlstate(database, role, "COPY reference_values TO STDOUT") == NOT_ALLOWED
    assert (
        sqlstate(database, role, "INSERT INTO reference_values VALUES ('a','a','a','a',1,'a','a')")
        == NOT_ALLOWED
    )


@pytest.mark.parametrize("other", [Role.VALIDATOR, Role.OWNER])
def test_the_pipeline_cannot_become_another_role(database: Database, other: Role) -> None:
    assert sqlstate(database, Role.PIPELINE, f"SET ROLE {other}") == NOT_ALLOWED
    assert sqlstate(database, Role.PIPELINE, f"SET SESSION AUTHORIZATION {other}") == NOT_ALLOWED
    assert sqlstate(database, Role.PIPELINE, f"GRANT {other} TO catalyst_pipeline") == NOT_ALLOWED


def test_the_pipeline_cannot_read_the_answers_through_what_it_makes(database: Database) -> None:
    assert (
        sqlstate(database, Role.PIPELINE, "CREATE VIEW answers AS SELECT * FROM reference_values")
        == NOT_ALLOWED
    )
    assert sqlstate(database, Role.PIPELINE, "CREATE TABLE mine (x integer)") == NOT_ALLOWED


def test_each_role_logs_in_as_itself(database: Database) -> None:
    for role in Role:
        with database.transaction(role) as connection:
            assert connection.exec_driver_sql("SELECT session_user").scalar_one() == role


def test_a_wrong_password_is_refused(database: Database) -> None:
    url = sa.make_url(database.url(Role.PIPELINE)).set(password="wrong")
    with pytest.raises(sa.exc.OperationalError, match="password authentication failed"):
        sa.create_engine(url).connect()
