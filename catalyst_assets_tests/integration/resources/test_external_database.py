import uuid
from collections.abc import Iterator
from urllib.parse import quote

import dagster as dg
import pytest
import sqlalchemy as sa

from catalyst_assets.commands.driver import LoopDriver
from catalyst_assets.errors import DatabaseUnavailableError, SchemaVersionError, UsageError
from catalyst_assets.loop.campaigns import start_campaign
from catalyst_assets.loop.jobs import PREPARATION_JOB
from catalyst_assets_tests.integration.loop.loop_process import CAMPAIGN
from resources.dagster_instance import prepare_dagster_home
from resources.platform import Platform
from resources.postgres.connection import connect
from resources.postgres.database import Role, Sibling
from resources.postgres.embedded import EmbeddedPostgres
from resources.settings import Settings, load_settings

PASSWORD = "p@ss/w:rd % #1"


@pytest.fixture(scope="module")
def foreign_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """Somebody else's server, with a login that may make databases and roles but is no superuser."""
    with EmbeddedPostgres(tmp_path_factory.mktemp("foreign"), durable=False) as server:
        administer(server, f"CREATE ROLE lab LOGIN CREATEDB CREATEROLE PASSWORD '{PASSWORD}'")
        yield server


def administer(server: EmbeddedPostgres, statement: str) -> None:
    engine = sa.create_engine(
        server.owner_url("postgres"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool
    )
    with engine.connect() as connection:
        connection.exec_driver_sql(statement.replace("%", "%%"))


@pytest.fixture
def external(foreign_server: EmbeddedPostgres, settings: Settings) -> Settings:
    name = f"lab_{uuid.uuid4().hex}"
    administer(foreign_server, f"CREATE DATABASE {name} OWNER lab")
    socket = quote(str(foreign_server.cluster.socket_dir), safe="")
    url = f"postgresql://lab:{quote(PASSWORD, safe='')}@/{name}?host={socket}&application_name=ours"
    return load_settings(home=settings.home, database_url=url)


def test_an_external_database_serves_all_roles_and_starts_no_server(external: Settings) -> None:
    with connect(external, upgrade=True) as database:
        for role in (Role.PIPELINE, Role.VALIDATOR, Role.APP):
            with database.transaction(role) as connection:
                assert connection.exec_driver_sql("SELECT current_user").scalar_one() == role
        with (
            database.transaction(Role.PIPELINE) as connection,
            pytest.raises(sa.exc.ProgrammingError, match="denied"),
        ):
            connection.exec_driver_sql("SELECT * FROM reference_values")
        with database.transaction(Role.VALIDATOR) as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM reference_values").scalar_one() == 0
    assert not (external.home / "postgres").exists()


def test_dagster_and_mlflow_get_databases_beside_it(
    external: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(external, upgrade=True) as database:
        for name, value in prepare_dagster_home(external, database).items():
            monkeypatch.setenv(name, value)
        with dg.DagsterInstance.get() as instance:
            instance.add_dynamic_partitions("al_iteration", ["demo__0000"])
            assert instance.get_dynamic_partitions("al_iteration") == ["demo__0000"]
        with Platform(external, database).tracking.run("trained_model", "demo__0000", "run") as tracked:
            pass
        assert tracked.run_id
        assert tracked.problem == ""
        names = [sa.make_url(database.sibling_url(sibling)).database for sibling in Sibling]
        assert names == [
            f"{sa.make_url(database.url(Role.OWNER)).database}_{s}" for s in ("dagster", "mlflow")
        ]
    with connect(external):
        pass


@pytest.mark.slow
def test_a_campaign_is_driven_on_a_database_whose_owner_has_a_name_of_its_own(external: Settings) -> None:
    campaign = CAMPAIGN.model_copy(update={"stop": CAMPAIGN.stop.model_copy(update={"max_iterations": 1})})
    with connect(external, upgrade=True) as database, dg.DagsterInstance.ephemeral() as instance:
        driver = LoopDriver(Platform(external, database), instance)
        driver.execute(PREPARATION_JOB)
        start_campaign(database, campaign)
        driver.drive(campaign.name)
        with database.transaction(Role.PIPELINE) as connection:
            ranked = (
                connection.exec_driver_sql("SELECT partition_key FROM rankings ORDER BY 1").scalars().all()
            )
            assert ranked == [f"{campaign.name}__0000"]
            with pytest.raises(sa.exc.ProgrammingError, match="candidates of it have been acted upon"):
                connection.exec_driver_sql("UPDATE candidates SET rank = rank + 1000")


def test_an_external_database_is_not_migrated_unasked(external: Settings) -> None:
    with pytest.raises(SchemaVersionError, match="is at schema 0"), connect(external):
        pass


def test_a_missing_database_is_named_without_its_password(external: Settings) -> None:
    assert external.database_url is not None
    url = external.database_url.get_secret_value().replace("/lab_", "/absent_")
    with (
        pytest.raises(DatabaseUnavailableError, match="no database 'absent_") as caught,
        connect(load_settings(home=external.home, database_url=url)),
    ):
        pass
    assert PASSWORD not in str(caught.value)
    assert quote(PASSWORD, safe="") not in str(caught.value)


@pytest.mark.parametrize("server", ["127.0.0.1:1", "no-such-host.invalid"])
def test_an_unreachable_server_is_named_without_its_password(settings: Settings, server: str) -> None:
    url = f"postgresql://lab:secret-word@{server}/catalyst"
    with (
        pytest.raises(DatabaseUnavailableError, match=server.split(":")[0]) as caught,
        connect(load_settings(home=settings.home, database_url=url)),
    ):
        pass
    assert "secret-word" not in str(caught.value)
    assert "CATALYST_DATABASE_URL" in caught.value.remedy


@pytest.mark.parametrize("url", ["mysql://u:secret-word@h/d", "postgresql://u:secret-word@h", "secret-word"])
def test_what_is_no_postgresql_url_is_wrong_usage_without_its_password(settings: Settings, url: str) -> None:
    with pytest.raises(UsageError) as caught, connect(load_settings(home=settings.home, database_url=url)):
        pass
    assert "secret-word" not in str(caught.value)
