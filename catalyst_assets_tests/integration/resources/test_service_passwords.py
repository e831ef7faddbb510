"""On a server that somebody else runs, a service knows the password of its own role, and none the owner's."""

import json
import uuid
from pathlib import Path
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from catalyst_assets_tests.integration.resources.running import OWN, running
from resources.platform import Platform
from resources.postgres.connection import connect
from resources.postgres.database import Role, Sibling
from resources.postgres.embedded import EmbeddedPostgres
from resources.settings import load_settings


def test_on_an_external_database_none_has_the_owners(
    tmp_path: Path, postgres_server: EmbeddedPostgres
) -> None:
    name, password = f"lab_{uuid.uuid4().hex[:12]}", "owner-of-the-laboratory"
    administer(postgres_server, f"CREATE ROLE {name} LOGIN CREATEDB CREATEROLE PASSWORD '{password}'")
    for role in (Role.PIPELINE, Role.VALIDATOR, Role.APP, Role.ANALYST):
        administer(postgres_server, f"GRANT {role} TO {name} WITH ADMIN OPTION")
    administer(postgres_server, f"CREATE DATABASE {name} OWNER {name}")
    socket = quote(str(postgres_server.cluster.socket_dir), safe="")
    url = f"postgresql://{name}:{password}@/{name}?host={socket}"
    with running(tmp_path, CATALYST_DATABASE_URL=url) as installation:
        file = tmp_path / "database-logins.json"
        assert file.stat().st_mode & 0o777 == 0o600
        made = json.loads(file.read_text())["logins"]
        passwords = {name: login["password"] for name, login in made.items()} | {"owner": password}
        assert installation.known(passwords) == OWN
        assert password not in file.read_text()

    settings = load_settings(home=tmp_path, database_logins=file)
    with connect(settings) as database:  # as a run of the daemon does
        for role in (Role.PIPELINE, Role.VALIDATOR, Role.APP):
            with database.transaction(role) as connection:
                assert connection.exec_driver_sql("SELECT current_user").scalar_one() == role
                with pytest.raises(sa.exc.DBAPIError, match="permission denied"):
                    connection.exec_driver_sql("SET ROLE catalyst_owner")
        with Platform(settings, database).tracking.run("trained_model", "demo__0000", "run") as tracked:
            pass
        assert tracked.problem == ""
        engine = sa.create_engine(database.sibling_url(Sibling.DAGSTER), poolclass=sa.NullPool)
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM runs").scalar_one() == 0
    assert not (tmp_path / "postgres").exists()


def administer(server: EmbeddedPostgres, statement: str) -> None:
    engine = sa.create_engine(
        server.owner_url("postgres"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool
    )
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)
