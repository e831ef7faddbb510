import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from catalyst_assets_tests.processes import eventually, processes_of
from resources.postgres.embedded import EmbeddedPostgres
from resources.supervisor import answers

CATALYST = [str(Path(sys.executable).with_name("catalyst"))]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    home = tmp_path / "a home with spaces"
    yield home
    for process in processes_of(home):
        process.kill()


@pytest.fixture
def environment(home: Path) -> dict[str, str]:
    """Variables that name the home and ports of its own."""
    with socket.socket() as app, socket.socket() as dagster, socket.socket() as mlflow:
        ports = {"APP": app, "DAGSTER": dagster, "MLFLOW": mlflow}
        for probe in ports.values():
            probe.bind(("127.0.0.1", 0))
        chosen = {f"CATALYST_{name}_PORT": str(probe.getsockname()[1]) for name, probe in ports.items()}
    return {**os.environ, "CATALYST_HOME": str(home), **chosen}


def catalyst(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*CATALYST, *arguments], env=environment, capture_output=True, text=True, check=False
    )


def status(environment: dict[str, str]) -> dict[str, object]:
    return json.loads(catalyst(environment, "status", "--json").stdout)


@pytest.mark.slow
def test_up_serves_everything_survives_a_crash_and_leaves_nothing(
    home: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    said = tmp_path / "said"
    with said.open("w") as output:
        up = subprocess.Popen([*CATALYST, "up"], env=environment, stdout=output, stderr=output)
    try:
        assert eventually(lambda: "Everything runs" in said.read_text() or up.poll() is not None, 180.0)
        for name in ("APP", "DAGSTER", "MLFLOW"):
            url = f"http://127.0.0.1:{environment[f'CATALYST_{name}_PORT']}"
            assert url in said.read_text()
            assert answers(url)
        shown = status(environment)
        assert shown["up"] == up.pid
        assert shown["database"]["schema"] >= 1
        assert all(service["answers"] for service in shown["services"].values())

        second = catalyst(environment, "up")
        assert second.returncode == 2
        assert f"process {up.pid}" in second.stderr

        (daemon,) = [p for p in psutil.Process(up.pid).children() if "resources.runs.daemon" in p.cmdline()]
        daemon.kill()
        assert eventually(lambda: "dagster-daemon was started again" in said.read_text())
    finally:
        up.send_signal(signal.SIGTERM)
        assert up.wait(60) == 0
    assert processes_of(home) == []
    cluster = EmbeddedPostgres(home).cluster
    control = subprocess.run(
        [str(cluster.binaries / "pg_controldata"), "-D", str(cluster.data)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "shut down\n" in control.stdout
    assert status(environment)["up"] is None


def test_a_busy_port_ends_up_before_anything_starts(home: Path, environment: dict[str, str]) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", int(environment["CATALYST_DAGSTER_PORT"])))
        holder.listen()
        refused = catalyst(environment, "up")
    assert refused.returncode == 2
    assert environment["CATALYST_DAGSTER_PORT"] in refused.stderr
    assert "--dagster-port" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (home / "postgres").exists()


def test_a_fresh_database_is_made_migrated_and_described(home: Path, environment: dict[str, str]) -> None:
    missing = catalyst(environment, "db", "status")
    assert missing.returncode == 2
    assert "no database" in missing.stderr
    assert status(environment)["database"] is None
    assert not home.exists()

    upgraded = catalyst(environment, "db", "upgrade")
    assert upgraded.returncode == 0, upgraded.stderr
    assert "applied 0001 first_schema" in upgraded.stdout
    described = json.loads(catalyst(environment, "db", "status", "--json").stdout)
    assert described["pending"] == []
    shown = status(environment)["database"]
    assert (shown["kind"], shown["schema"]) == ("embedded", described["version"])
    assert processes_of(home) == []


def test_a_home_that_cannot_be_used_fails_without_a_traceback(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    refused = catalyst(environment | {"CATALYST_HOME": str(tmp_path / "file")}, "db", "upgrade")
    assert refused.returncode == 1
    assert "cannot be used" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert (
        "Traceback"
        in catalyst(
            environment | {"CATALYST_HOME": str(tmp_path / "file")}, "--debug", "db", "upgrade"
        ).stderr
    )
