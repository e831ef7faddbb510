"""Real services for tests: one PostgreSQL server a session (and xdist worker), a fresh database a test."""

import contextlib
import os
import shutil
import signal
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import hypothesis
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from resources.dagster_instance import guard_finished_runs, prepare_dagster_home
from resources.mlflow.tracking import Tracking
from resources.platform import Platform
from resources.postgres.connection import open_embedded
from resources.postgres.database import Database, Role, Sibling
from resources.postgres.embedded import EmbeddedPostgres
from resources.postgres.migrations import upgrade_schema
from resources.settings import Settings, get_settings, load_settings

_OWN_TEMPORARY = pytest.StashKey[Path]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Keep temporary folders out of pytest's shared one, and let processes that tests start be interrupted.

    Every session of pytest closes that folder to other users, and for root PostgreSQL is another user. Where pytest
    runs beside a script, SIGINT is ignored, and Dagster then has SIGTERM ignored too.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if not config.option.basetemp:
        config.stash[_OWN_TEMPORARY] = Path(tempfile.mkdtemp(prefix="catalyst-tests-"))
        config.option.basetemp = str(config.stash[_OWN_TEMPORARY] / "tmp")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the temporary folders of this session."""
    folder = config.stash.get(_OWN_TEMPORARY, None)
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


# Two busy cores make any example slow now and then.
hypothesis.settings.register_profile("catalyst", deadline=None)
# For tests that take more examples by hand, such as those of spellings of a crystal.
hypothesis.settings.register_profile("many", deadline=None, max_examples=10_000)
hypothesis.settings.load_profile("catalyst")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in list(os.environ):
        if name.startswith(("CATALYST_", "DAGSTER_", "MLFLOW_", "MP_API_")):
            monkeypatch.delenv(name)
    if Path("/dev/nvidiactl").exists():
        monkeypatch.setenv(
            "CATALYST_PROCESSES_PER_DEVICE", "8"
        )  # no process of the tests waits for another's end
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a new, empty home; runs may read what tests write, and ask servers of tests."""
    return load_settings(
        home=tmp_path / "home",
        data_folders=os.pathsep.join([str(tmp_path), str(Path(__file__).parent)]),
        data_endpoints="http://127.0.0.1",
    )


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A server whose database `catalyst` is migrated and serves as template."""
    with EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), durable=False) as server:
        database = open_embedded(server)
        upgrade_schema(database)
        database.dispose()
        yield server


class _TestDatabase(Database):
    """A clone of the template; those of Dagster and MLflow are made when first asked for."""

    def __init__(self, server: EmbeddedPostgres, name: str) -> None:
        super().__init__({role: server.url(role, name) for role in Role})
        self._server = server
        self._name = name
        self.names: list[str] = []

    def sibling_url(self, sibling: Sibling) -> str:
        name = f"{self._name}_{sibling}"
        if name not in self.names:
            with contextlib.suppress(sa.exc.ProgrammingError):  # another process may have made it
                self.create(name, f"TEMPLATE {sibling} OWNER catalyst_{sibling}")
        return self._server.url(f"catalyst_{sibling}", name)

    def create(self, name: str, options: str) -> None:
        self._administer(f"CREATE DATABASE {name} {options}")
        self.names.append(name)

    def drop(self) -> None:
        self.dispose()
        for sibling in Sibling:  # another process may have made it
            self._administer(f"DROP DATABASE IF EXISTS {self._name}_{sibling} WITH (FORCE)")
        self._administer(f"DROP DATABASE {self._name} WITH (FORCE)")

    def _administer(self, statement: str) -> None:
        url = self._server.owner_url("postgres")
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)


@dataclass(frozen=True)
class Template:
    """What the databases and homes of some tests begin with.

    Attributes
    ----------
    database
        Name of the database that is cloned.
    objects
        Folder of an object store that is copied; None for an empty one.
    """

    database: str = "catalyst"
    objects: Path | None = None


@contextmanager
def prepared_template(
    server: EmbeddedPostgres, home: Path, prepare: Callable[[Platform], None]
) -> Iterator[Template]:
    """Prepare an installation once, for every test of a module to begin with a copy of it."""
    name = f"prepared_{uuid.uuid4().hex}"
    database = _TestDatabase(server, name)
    database.create(name, "TEMPLATE catalyst")
    prepared = Platform(load_settings(home=home), database)
    prepare(prepared)
    database.dispose()
    yield Template(name, Path(prepared.settings.object_store_url))
    database.drop()


@pytest.fixture(scope="module")
def template() -> Template:
    """A migrated, empty database and an empty home; modules that need more override it."""
    return Template()


@contextmanager
def cloned_database(server: EmbeddedPostgres, template: Template) -> Iterator[Database]:
    """Make databases as in a template, those of Dagster and MLflow empty, and drop them in the end."""
    name = f"test_{uuid.uuid4().hex}"
    opened = _TestDatabase(server, name)
    opened.create(name, f"TEMPLATE {template.database}")
    yield opened
    opened.drop()


@pytest.fixture
def database(postgres_server: EmbeddedPostgres, template: Template) -> Iterator[Database]:
    """The databases of one test: `catalyst` as in the template, those of Dagster and MLflow empty."""
    with cloned_database(postgres_server, template) as opened:
        yield opened


@pytest.fixture(scope="session")
def _dagster_tables(postgres_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Make Dagster's tables once, in the template."""
    home = load_settings(home=tmp_path_factory.mktemp("dagster"))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in prepare_dagster_home(home, open_embedded(postgres_server)).items():
            patch.setenv(name, value)
        dg.DagsterInstance.get().dispose()
        guard_finished_runs(open_embedded(postgres_server))


@pytest.fixture(scope="session")
def _mlflow_tables(postgres_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Make MLflow's tables once, in the template."""
    url = postgres_server.url("catalyst_mlflow", "mlflow")
    _ = Tracking(load_settings(home=tmp_path_factory.mktemp("mlflow")), url).client
    with sa.create_engine(postgres_server.owner_url("postgres")).connect() as connection:
        # MLflow keeps its connections, and a database with connections is no template.
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'mlflow'"
        )


@pytest.fixture
def shared_settings(settings: Settings, database: Database) -> Settings:
    """Settings by which another process reaches this test's home and database."""
    return settings.model_copy(update={"database_url": SecretStr(database.url(Role.OWNER))})


@pytest.fixture
def platform(settings: Settings, database: Database, template: Template) -> Platform:
    """What assets get, on this test's home and database."""
    if template.objects is not None:
        shutil.copytree(template.objects, settings.object_store_url)
    return Platform(settings, database)


@pytest.fixture
def own_environment(shared_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables by which commands and other processes reach this test's installation."""
    assert shared_settings.database_url is not None
    monkeypatch.setenv("CATALYST_DATABASE_URL", shared_settings.database_url.get_secret_value())
    monkeypatch.setenv("CATALYST_HOME", str(shared_settings.home))


@pytest.fixture
def dagster_instance(
    settings: Settings, database: Database, _dagster_tables: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dg.DagsterInstance]:
    """The persistent Dagster instance of this test's home; its variables are set for child processes."""
    for name, value in prepare_dagster_home(settings, database).items():
        monkeypatch.setenv(name, value)
    with dg.DagsterInstance.get() as instance:
        yield instance
