"""Services that each run by themselves, with a folder of secrets of their own, as their containers do."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from catalyst_assets.loop.jobs import PREPARATION_JOB
from catalyst_assets_tests.integration.resources.test_bucket_installation import LAUNCH, LOOK
from catalyst_assets_tests.processes import eventually
from resources.apart.names import ServiceName
from resources.apart.secrets import write_secrets
from resources.postgres.embedded import EmbeddedPostgres
from resources.settings import load_settings
from resources.supervisor import free_port
from resources.web.asking import AskingFor
from resources.web.asking_dagster import DagsterServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
_CATALYST = str(Path(sys.executable).with_name("catalyst"))
# Of the loopback, so that PostgreSQL's own port is free there.
_DATABASE_HOST = "127.0.57.32"


@contextmanager
def bridge(target: str) -> Iterator[None]:
    """Let a socket of the file system be reached as PostgreSQL on a host."""

    def pump(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        finally:
            sink.close()

    def accept() -> None:
        while True:
            try:
                came, _ = listener.accept()
            except OSError:
                return
            onward = socket.socket(socket.AF_UNIX)
            onward.connect(target)
            for pair in ((came, onward), (onward, came)):
                threading.Thread(target=pump, args=pair, daemon=True).start()

    with socket.create_server((_DATABASE_HOST, 5432)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield
        listener.shutdown(socket.SHUT_RDWR)


class Apart:
    """Where services run apart, and what all of them are told."""

    def __init__(self, folder: Path, socket_path: Path) -> None:
        self.folder = folder
        self.socket = socket_path
        self.ports = {name: free_port() for name in ("APP", "API", "DAGSTER", "MLFLOW")}
        shared = {f"CATALYST_{name}_PORT": str(port) for name, port in self.ports.items()}
        self.told = shared | {
            "PATH": os.environ["PATH"],
            "OMP_NUM_THREADS": "1",
            "CATALYST_OBJECT_STORE": str(folder / "objects"),
            "CATALYST_API_URL": f"http://127.0.0.1:{self.ports['API']}",
            "CATALYST_DAGSTER_URL": f"http://127.0.0.1:{self.ports['DAGSTER']}",
            "CATALYST_API_WORKERS": "1",
        }

    def environment(self, name: str, secrets: str) -> dict[str, str]:
        """What one of them is told."""
        own = {
            "CATALYST_SECRETS": str(self.folder / "secrets" / secrets),
            "CATALYST_HOME": str(self.folder / name),
        }
        if secrets in ("runs", "mlflow"):
            own["CATALYST_DATABASE_LOGINS"] = str(self.folder / "secrets" / secrets / "logins.json")
        if name in (ServiceName.DAGSTER_DAEMON, ServiceName.DAGSTER_WEBSERVER, ServiceName.CODE_LOCATION):
            own["CATALYST_CODE_LOCATION"] = f"unix:{self.socket}"
        return self.told | own

    def catalyst(self, secrets: str, *arguments: str) -> str:
        """What a command says."""
        done = subprocess.run(
            [_CATALYST, *arguments],
            env=self.environment("cli", secrets),
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr

    @contextmanager
    def served(self, name: ServiceName) -> Iterator[Callable[[], bool]]:
        """Run a service, and tell whether its own health check is content."""
        secrets = "runs" if name in (ServiceName.DAGSTER_DAEMON, ServiceName.CODE_LOCATION) else name.value
        environment = self.environment(name, secrets)
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen([_CATALYST, "serve", name], env=environment, stdout=log, stderr=log)
        try:
            yield lambda: process.poll() is None and is_healthy(name, environment)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def is_healthy(name: ServiceName, environment: dict[str, str]) -> bool:
    command = [sys.executable, "-m", "resources.apart.health", name]
    return subprocess.run(command, env=environment, check=False, capture_output=True).returncode == 0


@pytest.fixture
def apart(tmp_path: Path) -> Iterator[Apart]:
    with EmbeddedPostgres(tmp_path / "server", durable=False) as server:
        write_secrets(tmp_path / "secrets", _DATABASE_HOST, "127.0.0.1")
        password = (tmp_path / "secrets" / "postgres" / "password").read_text()
        for statement in (
            f"CREATE ROLE catalyst LOGIN CREATEDB CREATEROLE PASSWORD '{password}'",
            "DROP DATABASE IF EXISTS catalyst",
            "CREATE DATABASE catalyst OWNER catalyst",
        ):
            administer(server, statement)
        # A path of a test's own would be too long for a socket.
        with bridge(str(server.cluster.socket_dir / ".s.PGSQL.5432")), tempfile.TemporaryDirectory() as short:
            yield Apart(tmp_path, Path(short) / "code")


def administer(server: EmbeddedPostgres, statement: str) -> None:
    import sqlalchemy as sa

    engine = sa.create_engine(
        server.owner_url("postgres"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool
    )
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)


def test_services_apart_are_healthy_and_a_run_asked_of_one_is_done_by_another(apart: Apart) -> None:
    logins = str(apart.folder / "secrets" / "prepare" / "logins.json")
    for _ in range(2):  # as at each start of the containers
        assert (
            apart.catalyst("prepare", "deployment", "prepare", "--logins", logins)
            == "Database and bucket are ready.\n"
        )
    with ExitStack() as stack:
        health = {name: stack.enter_context(apart.served(name)) for name in ServiceName}
        for name, is_content in health.items():
            assert eventually(is_content, 120), (
                f"{name}: {(apart.folder / f'{name}.log').read_text()[-2000:]}"
            )
        os.environ["CATALYST_SECRETS"] = str(apart.folder / "secrets" / "api")
        try:
            settings = load_settings(dagster_url=apart.told["CATALYST_DAGSTER_URL"])
        finally:
            del os.environ["CATALYST_SECRETS"]
        dagster = DagsterServer(apart.told["CATALYST_DAGSTER_URL"], AskingFor(settings))
        launched = dagster.ask(LAUNCH, job=PREPARATION_JOB)["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        run = launched["run"]["runId"]

        def status() -> str:
            return str(dagster.ask(LOOK, run=run)["runOrError"]["status"])

        assert eventually(lambda: status() in ("SUCCESS", "FAILURE"), 120)
        assert status() == "SUCCESS"
    for name in (ServiceName.API, ServiceName.CODE_LOCATION):
        assert not is_healthy(name, apart.environment(name, "runs"))


def test_what_is_wrong_with_a_preparation_is_said_before_anything_is_made(apart: Apart) -> None:
    logins = apart.folder / "secrets" / "prepare" / "logins.json"
    said = apart.catalyst("runs", "deployment", "prepare", "--logins", str(logins))
    assert "Set CATALYST_DATABASE_URL to its owner's URL" in said
    said = apart.catalyst("prepare", "deployment", "prepare", "--logins", str(apart.folder / "absent.json"))
    assert "absent.json" in said
    assert not (apart.folder / "cli" / "postgres").exists()
    assert not (apart.folder / "objects").exists()
