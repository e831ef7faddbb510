"""A service knows the password of its own role and no other, whoever runs the database."""

import json
import uuid
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest
import sqlalchemy as sa

from catalyst_assets_tests.integration.resources.running import Running, running
from catalyst_assets_tests.processes import eventually
from resources.platform import Platform
from resources.postgres.connection import connect
from resources.postgres.database import Role, Sibling
from resources.postgres.embedded import EmbeddedPostgres
from resources.settings import load_settings

OWN = {
    "review-app": {"catalyst_app"},
    "dagster-webserver": {"catalyst_dagster"},
    "dagster-daemon": set(),
    "mlflow": {"catalyst_mlflow"},
}
# What the shell of whoever starts it may hold.
OTHERS = {"DAGSTER_PG_URL": "postgresql://secret-of-the-shell", "PGPASSWORD": "secret-of-the-shell"}


def test_on_the_embedded_database_each_has_its_own(tmp_path: Path) -> None:
    with running(tmp_path, MP_API_KEY="key-of-materials-project", **OTHERS) as installation:
        passwords = json.loads((tmp_path / "postgres" / "passwords.json").read_text())
        assert known(installation, passwords) == OWN
        keys = known(installation, {"key": "key-of-materials-project", "shell": "secret-of-the-shell"})
        assert {name for name, found in keys.items() if found} == {"dagster-daemon"}
        assert keys["dagster-daemon"] == {"key"}


def test_on_an_external_database_none_has_the_owners(
    tmp_path: Path, postgres_server: EmbeddedPostgres
) -> None:
    name, password = f"lab_{uuid.uuid4().hex[:12]}", "owner-of-the-laboratory"
    administer(postgres_server, f"CREATE ROLE {name} LOGIN CREATEDB CREATEROLE PASSWORD '{password}'")
    for role in (Role.PIPELINE, Role.VALIDATOR, Role.APP):
        administer(postgres_server, f"GRANT {role} TO {name} WITH ADMIN OPTION")
    administer(postgres_server, f"CREATE DATABASE {name} OWNER {name}")
    socket = quote(str(postgres_server.cluster.socket_dir), safe="")
    url = f"postgresql://{name}:{password}@/{name}?host={socket}"
    with running(tmp_path, CATALYST_DATABASE_URL=url, **OTHERS) as installation:
        file = tmp_path / "database-logins.json"
        assert file.stat().st_mode & 0o777 == 0o600
        made = json.loads(file.read_text())["logins"]
        passwords = {name: login["password"] for name, login in made.items()} | {"owner": password}
        assert known(installation, passwords | {"shell": "secret-of-the-shell"}) == OWN
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


def known(installation: Running, passwords: dict[str, str]) -> dict[str, set[str]]:
    """Return whose passwords stand in the environment or command of each service and of what it started."""
    code_servers = {"dagster-webserver", "dagster-daemon"}
    assert eventually(lambda: all(len(installation.processes()[name]) > 1 for name in code_servers))
    found = {}
    for name, processes in installation.processes().items():
        texts = [f"{process.environ()} {process.cmdline()}" for process in processes if alive(process)]
        assert texts
        found[name] = {who for who, secret in passwords.items() if any(secret in text for text in texts)}
    return found


def alive(process: psutil.Process) -> bool:
    try:
        return bool(process.environ())
    except psutil.Error:
        return False


def administer(server: EmbeddedPostgres, statement: str) -> None:
    engine = sa.create_engine(
        server.owner_url("postgres"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool
    )
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)
