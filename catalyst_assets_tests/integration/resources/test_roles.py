"""Each role of the database, by its own login, may do its own work and nothing else."""

from typing import Final

import dagster as dg
import pytest
import sqlalchemy as sa

from catalyst_assets.validation.answering import validate_iteration
from catalyst_assets_tests.integration.loop.following import Followed
from resources.platform import Platform
from resources.postgres.database import Database, Role

_NOBODY: Final = [
    "DROP TABLE quarantine",
    "TRUNCATE candidate_events",
    "ALTER TABLE candidates DISABLE TRIGGER ALL",
    "SET session_replication_role = replica",
    "CREATE TABLE mine (a int)",
    "CREATE SCHEMA mine",
    "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "ALTER ROLE catalyst_app SUPERUSER",
    "SET ROLE catalyst_owner",
    "SET SESSION AUTHORIZATION catalyst_owner",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT rolpassword FROM pg_authid",
    "UPDATE candidate_events SET actor = 'somebody else'",
    "DELETE FROM candidate_events",
    "INSERT INTO candidate_events (candidate_id, to_status, actor) SELECT candidate_id, 'validated', 'x' FROM candidates",
    "UPDATE candidates SET status = 'validated'",
    "DELETE FROM candidates",
    "UPDATE validation_results SET value = 0",
    "DELETE FROM validation_results",
    "UPDATE iteration_labels SET value = 0",
    "DELETE FROM iteration_labels",
    "DELETE FROM active_learning_runs",
    "UPDATE active_learning_runs SET document = '{}'",
    "UPDATE active_learning_runs SET label_sha256 = 'other'",
    "DELETE FROM materials",
    "DELETE FROM campaign_requests",
    "UPDATE run_stops SET actor = 'x'",
    "DELETE FROM schema_migrations",
    "SELECT transition_candidate(:ranked, 'validated', 'x')",
    "SELECT transition_candidate(:flagged, 'validated', 'x')",
    "INSERT INTO iteration_labels (partition_key, material_id, property, method, value, origin) "
    "VALUES ('followed__0000', 'p:C', 'band_gap_direct', 'PBE', 1, 'validated')",
]
_REFUSED: Final = {
    Role.PIPELINE: [
        "SET ROLE catalyst_validator",
        "SELECT * FROM reference_values",
        "SELECT sha256 FROM api_tokens",
        "INSERT INTO campaign_requests (kind, campaign, actor) VALUES ('stop', 'followed', 'x')",
        "UPDATE campaign_requests SET actor = 'x'",
        "UPDATE result_examinations SET problem = NULL",
        "INSERT INTO validation_results (material_id, property, method, outcome, value, unit, validator) "
        "VALUES ('p:C', 'band_gap_direct', 'PBE', 'measured', 1, 'eV', 'x')",
    ],
    Role.VALIDATOR: [
        "SET ROLE catalyst_pipeline",
        "SELECT sha256 FROM api_tokens",
        "UPDATE candidates SET rank = 1",
        "UPDATE materials SET properties = '{}'",
        "UPDATE predictions SET mean = '{0}'",
        "UPDATE campaigns SET document = '{}'",
    ],
    Role.APP: [
        "SET ROLE catalyst_pipeline",
        "SET ROLE catalyst_validator",
        "SELECT * FROM reference_values",
        "UPDATE candidates SET rank = 1",
        "UPDATE materials SET properties = '{}'",
        "UPDATE predictions SET mean = '{0}'",
        "UPDATE campaigns SET document = '{}'",
        "UPDATE campaign_requests SET status = 'done'",
        "INSERT INTO campaign_requests (kind, campaign, actor, status, answered_at) VALUES ('stop', 'x', 'x', 'done', now())",
        "UPDATE result_examinations SET problem = NULL",
    ],
    Role.ANALYST: [
        "SET ROLE catalyst_app",
        "SELECT * FROM reference_values",
        "SELECT * FROM public.candidates",
        "SELECT sha256 FROM api_tokens",
        "SELECT transition_candidate(:ranked, 'flagged', 'x')",
    ],
}  # fmt: skip


def outcome(database: Database, role: Role, statement: str, candidates: dict[str, int]) -> str:
    """Return how PostgreSQL refuses a statement; empty where it does not. Nothing of it stays."""
    named = {name: number for name, number in candidates.items() if f":{name}" in statement}
    engine = sa.create_engine(database.url(role), poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql("SET statement_timeout = '10s'; SET lock_timeout = '5s'")
        try:
            connection.execute(sa.text(statement), named)
            connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
        except sa.exc.DBAPIError as error:
            return str(error.orig).splitlines()[0]
        finally:
            connection.rollback()
    return ""


@pytest.fixture
def candidates(platform: Platform, dagster_instance: dg.DagsterInstance) -> dict[str, int]:
    """Candidates by how they stand: one is validated, one flagged, one ranked."""
    followed = Followed(platform, dagster_instance)
    validated, flagged, ranked = followed.rank(0, ["p:A", "p:B", "p:C"], flag=2)
    followed.insert(0, "p:A", band_gap_direct=1.5, formation_energy_per_atom=-2.5)
    validate_iteration(platform.database, "followed__0000", None)
    assert followed.statuses(0) == {"p:A": "validated", "p:B": "flagged", "p:C": "ranked"}
    return {"validated": validated, "flagged": flagged, "ranked": ranked}


def test_what_is_not_a_roles_own_work_is_refused(platform: Platform, candidates: dict[str, int]) -> None:
    database = platform.database
    done = [
        (role.value, statement)
        for role, own in _REFUSED.items()
        for statement in (*_NOBODY, *own)
        if not outcome(database, role, statement, candidates)
    ]
    assert done == []


def test_what_is_a_roles_own_work_is_not(platform: Platform, candidates: dict[str, int]) -> None:
    allowed = {
        Role.PIPELINE: [
            "UPDATE active_learning_runs SET metrics = '{}'",
            "SELECT transition_candidate(:ranked, 'flagged', 'x')",
        ],
        Role.VALIDATOR: ["SELECT transition_candidate(:flagged, 'in_validation', 'x')"],
        Role.APP: [
            "SELECT transition_candidate(:ranked, 'flagged', 'x')",
            "INSERT INTO campaign_requests (kind, campaign, reason, actor) VALUES ('stop', 'followed', 'x', 'x')",
        ],
        Role.ANALYST: ["SELECT * FROM reading.candidates"],
    }
    for role, statements in allowed.items():
        for statement in statements:
            assert outcome(platform.database, role, statement, candidates) == ""


def test_ranks_are_kept_once_a_candidate_of_the_iteration_was_acted_upon(
    platform: Platform, candidates: dict[str, int]
) -> None:
    for statement in (
        "UPDATE candidates SET rank = rank + 1000",
        "UPDATE candidates SET feasibility = 1 WHERE candidate_id = :ranked",
        "UPDATE rankings SET ranking_sha256 = 'other'",
        "INSERT INTO candidates (partition_key, material_id, rank, acquisition, predicted) "
        "VALUES ('followed__0000', 'p:rest', 100, 1, '{}')",
    ):
        refused = outcome(platform.database, Role.PIPELINE, statement, candidates)
        assert refused == "the ranks of followed__0000 are kept: candidates of it have been acted upon"


def test_a_temporary_table_of_the_same_name_hides_none_of_ours(
    platform: Platform, candidates: dict[str, int]
) -> None:
    hidden = {
        "candidates": "UPDATE public.candidates SET rank = rank + 1000",
        "active_learning_runs": "INSERT INTO public.iteration_labels (partition_key, material_id, property, method, value, "
        "origin) VALUES ('followed__0000', 'p:C', 'band_gap_direct', 'PBE', 1, 'validated')",
    }
    for table, statement in hidden.items():
        hiding = f"CREATE TEMPORARY TABLE {table} (LIKE public.{table}); SET LOCAL search_path = pg_temp, public; {statement}"
        assert outcome(platform.database, Role.PIPELINE, hiding, candidates)


def test_who_stages_nothing_has_no_temporary_tables(platform: Platform) -> None:
    # A copy of a template has not its privileges, so the template itself is looked at.
    with platform.database.transaction(Role.OWNER) as connection:
        rows = connection.exec_driver_sql(
            "SELECT rolname, has_database_privilege(oid, 'catalyst', 'TEMPORARY') FROM pg_roles WHERE rolname LIKE 'catalyst_%%'"
        )
        allowed = {role for role, is_allowed in rows if is_allowed}
    assert allowed == {Role.OWNER, Role.PIPELINE, Role.VALIDATOR}
