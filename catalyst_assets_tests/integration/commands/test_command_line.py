"""What the command line says to wrong input: one message, a remedy, the right exit code, nothing left behind."""

import json
import os
import signal
import socket
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from resources.code_version import code_version
from resources.settings import Settings

_COMMANDS = ["demo", "up", "status", "db", "campaign", "bench"]


def catalyst(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "catalyst_assets.cli", *arguments],
        capture_output=True, text=True, check=False, timeout=120,
        env=os.environ | {"COLUMNS": "200", "NO_COLOR": "1"} | environment,
    )  # fmt: skip


def refused(outcome: subprocess.CompletedProcess[str], code: int) -> str:
    assert outcome.returncode == code, outcome.stderr
    assert "Traceback" not in outcome.stderr
    return " ".join(outcome.stderr.split())


def test_help_names_every_command() -> None:
    outcome = catalyst("--help")
    assert outcome.returncode == 0
    assert [name for name in _COMMANDS if name not in outcome.stdout] == []


@pytest.mark.parametrize("name", _COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    outcome = catalyst(name, "--help")
    assert outcome.returncode == 0
    assert "Usage: catalyst" in outcome.stdout


def test_the_version_names_the_release_and_the_code() -> None:
    outcome = catalyst("--version")
    assert outcome.returncode == 0
    assert outcome.stdout.startswith(f"catalyst {metadata.version('catalyst-discovery')}")
    assert code_version() in outcome.stdout or not code_version().startswith("git:")


def test_a_missing_campaign_file_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "no such.yaml"
    assert "no such.yaml" in refused(
        catalyst("campaign", "start", str(missing), "--home", str(tmp_path / "h")), 2
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("band_gap_direct", "band_gap_dirct", "band_gap_direct"),
        ("method: PBE", "method: PEB", "PBE"),
        ("strategy: probability_of_feasibility", "strategy: luck", "strategy"),
        ("batch_size: 10", "batch_size: none", "batch_size"),
        ("pool: {source: perovskite_pbe}", "pool: {}", "pool"),
        ("validator: reference_table", "validator: oracle", "validator"),
        ("seed: 0", "seed: [", "campaign.yaml"),
    ],
)
def test_a_malformed_campaign_is_refused_by_field(tmp_path: Path, old: str, new: str, named: str) -> None:
    import catalyst_assets.campaigns

    shipped = Path(next(iter(catalyst_assets.campaigns.__path__))) / "oxide-perovskites-demo.yaml"
    text = shipped.read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "campaign.yaml"
    file.write_text(text.replace(old, new), encoding="utf-8")
    assert named in refused(catalyst("campaign", "start", str(file), "--home", str(tmp_path / "h")), 2)
    assert not (tmp_path / "h").exists()


def test_a_campaign_over_an_empty_pool_is_refused(tmp_path: Path) -> None:
    outcome = catalyst("campaign", "start", "oxide-perovskites-demo", "--home", str(tmp_path / "home"))
    message = refused(outcome, 2)
    assert "pool" in message
    assert "materials" in message


def test_a_wrong_setting_is_named(tmp_path: Path) -> None:
    message = refused(catalyst("demo", "--home", str(tmp_path / "h"), CATALYST_EXECUTOR="carrier-pigeon"), 2)
    assert "CATALYST_EXECUTOR" in message
    assert not (tmp_path / "h").exists()


def test_options_out_of_range_are_usage_errors(tmp_path: Path) -> None:
    assert "--iterations" in refused(catalyst("demo", "--iterations", "0", "--home", str(tmp_path / "h")), 2)
    assert "--batch" in refused(catalyst("demo", "--batch", "-3", "--home", str(tmp_path / "h")), 2)


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "home"
    file.write_text("not a folder")
    refused(catalyst("demo", "--home", str(file)), 2)
    assert file.read_text() == "not a folder"


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    message = refused(catalyst("demo", "--home", "/proc/no/home"), 1)
    assert "/proc/no/home" in message


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    outcome = catalyst("--debug", "campaign", "start", str(tmp_path / "none.yaml"))
    assert outcome.returncode == 1
    assert "Traceback" in outcome.stderr


def test_a_look_into_the_database_shows_rows_and_changes_nothing(shared_settings: Settings) -> None:
    place = environment_of(shared_settings)
    outcome = catalyst("db", "query", "SELECT 1::int AS one, 'a%b' AS text", "--json", **place)
    assert json.loads(outcome.stdout) == [{"one": 1, "text": "a%b"}]
    assert "permission denied" in refused(
        catalyst("db", "query", "SELECT * FROM reference_values", **place), 2
    )
    two = refused(catalyst("db", "query", "COMMIT; DELETE FROM quarantine", **place), 2)
    assert two.startswith("Error: That is not one statement, but several or none.")
    outcome = catalyst(
        "db", "query", "SELECT current_user AS me, count(*) AS n FROM quarantine", "--json", **place
    )
    assert json.loads(outcome.stdout) == [{"me": "catalyst_analyst", "n": 0}]
    assert "IN ROLE catalyst_analyst" in refused(catalyst("db", "url", **place), 2)


def test_a_table_that_is_not_there_is_named_without_dagsters_words(
    shared_settings: Settings, dagster_instance: object, tmp_path: Path
) -> None:
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(
        "source: mine\ntable: no such.csv\nlicence: none\nstructure: {cif: cif}\nrecord: [id]\n",
        encoding="utf-8",
    )
    outcome = catalyst(
        "ingest", "reference_tables", "--mapping", str(mapping), **environment_of(shared_settings)
    )
    said = refused(outcome, 2)
    assert said.startswith("Error: Cannot read the table")
    assert "no such.csv" in said


@pytest.mark.parametrize("before", [signal.SIG_DFL, signal.SIG_IGN], ids=["by hand", "beside a script"])
def test_an_interrupted_command_ends_at_once_and_says_that_it_can_be_gone_on_with(
    shared_settings: Settings, dagster_instance: object, tmp_path: Path, before: signal.Handlers
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    provider = tmp_path / "dead.yaml"
    provider.write_text(f"name: dead\nbase_url: http://127.0.0.1:{port}\nlicence: none\n", encoding="utf-8")
    command = [sys.executable, "-m", "catalyst_assets.cli", "ingest", "optimade", "--provider", str(provider)]
    running = subprocess.Popen(
        command,
        env=os.environ | environment_of(shared_settings),
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, before),
    )
    assert running.stderr is not None
    waits = next(line for line in running.stderr if "asked again" in line)
    running.send_signal(signal.SIGINT)
    rest = running.stderr.read()
    running.stderr.close()

    assert running.wait(timeout=60) == 130
    assert f"127.0.0.1:{port}" in waits
    assert "Interrupted: the same command goes on from here." in rest


def environment_of(settings: Settings) -> dict[str, str]:
    url = settings.database_url
    assert url is not None
    return {"CATALYST_HOME": str(settings.home), "CATALYST_DATABASE_URL": url.get_secret_value()}
