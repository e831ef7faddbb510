"""What `catalyst up` runs, and the note by which other commands find it.

How programs are kept going is `supervisor`'s business.
"""

import contextlib
import dataclasses
import fcntl
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from catalyst_assets.errors import UsageError
from resources.dagster_instance import prepare_dagster_home, settings_environment
from resources.mlflow.tracking import Tracking
from resources.paths import project_file
from resources.postgres.cluster import home_unwritable
from resources.postgres.database import Database, Sibling
from resources.postgres.keeper import try_lock
from resources.settings import Settings
from resources.supervisor import Service

_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - compared, not bound


def describe_services(settings: Settings, *, mlflow: bool = True) -> list[Service]:
    """Return the programs of an installation, still without their environment."""
    workspace = str(project_file("workspace.yaml"))
    host = settings.host
    address = _EVERYWHERE.get(host, f"[{host}]" if ":" in host else host)

    def python(*arguments: str) -> tuple[str, ...]:
        return (sys.executable, "-m", *arguments)

    services = [
        Service(
            "review-app",
            python(
                *("uvicorn", "--factory", "dash_app.server:create_app_from_environment"),
                *("--host", host, "--port", str(settings.app_port)),
            ),
            port=settings.app_port,
            port_option="--app-port or CATALYST_APP_PORT",
            url=f"http://{address}:{settings.app_port}",
            ready_path="/api/v1/health",
        ),
        Service(
            "dagster-webserver",
            python("dagster_webserver", "-h", host, "-p", str(settings.dagster_port), "-w", workspace),
            port=settings.dagster_port,
            port_option="--dagster-port or CATALYST_DAGSTER_PORT",
            url=f"http://{address}:{settings.dagster_port}",
            ready_path="/server_info",
        ),
        Service("dagster-daemon", python("dagster._daemon", "run", "-w", workspace), keeps_work=True),
    ]
    if mlflow:
        services.append(
            Service(
                "mlflow",
                python(
                    *(
                        "mlflow",
                        "server",
                        "--host",
                        host,
                        "--port",
                        str(settings.mlflow_port),
                        "--workers",
                        "1",
                    )
                ),
                port=settings.mlflow_port,
                port_option="--mlflow-port or CATALYST_MLFLOW_PORT",
                url=f"http://{address}:{settings.mlflow_port}",
                ready_path="/health",
            )
        )
    return services


def equip_services(services: Sequence[Service], settings: Settings, database: Database) -> list[Service]:
    """Give each service the variables it needs, passwords only to whom they belong.

    Raises
    ------
    CatalystError
        The home cannot be written.
    """
    common = settings_environment(settings) | {
        "PYTHONSAFEPATH": "1",  # a folder `resources` in the working directory must not shadow ours
        "DO_NOT_TRACK": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    dagster = prepare_dagster_home(settings, database)
    mlflow = {
        "MLFLOW_BACKEND_STORE_URI": database.sibling_url(Sibling.MLFLOW),
        "MLFLOW_DEFAULT_ARTIFACT_ROOT": Tracking(settings, "").artifact_root,
        "MLFLOW_SERVE_ARTIFACTS": "false",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    own = {"dagster-webserver": dagster, "dagster-daemon": dagster, "mlflow": mlflow}
    return [
        dataclasses.replace(service, environment=common | own.get(service.name, {})) for service in services
    ]


@dataclass(frozen=True)
class RunningInstallation:
    """A `catalyst up` that is running on a home."""

    pid: int
    urls: dict[str, str]


@contextlib.contextmanager
def announced(settings: Settings, services: Sequence[Service]) -> Iterator[None]:
    """Hold the home for one `catalyst up` and note where its services are.

    Raises
    ------
    UsageError
        Another one runs on this home.
    """
    note = settings.home / "up.json"
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        lock = os.open(settings.home / "up.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise home_unwritable(settings.home, error) from error
    try:
        if not try_lock(lock):
            running = find_running(settings)
            raise UsageError(
                f"`catalyst up` runs already on {settings.home}"
                + (f", as process {running.pid}." if running else "."),
                "Stop it, or choose another home with --home or CATALYST_HOME.",
            )
        urls = {service.name: service.url for service in services if service.url}
        note.write_text(json.dumps({"pid": os.getpid(), "urls": urls}), encoding="utf-8")
        yield
        note.unlink(missing_ok=True)
    finally:
        os.close(lock)


def find_running(settings: Settings) -> RunningInstallation | None:
    """Return what runs on this home, or None."""
    try:
        lock = os.open(settings.home / "up.lock", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        with contextlib.suppress(OSError, ValueError):
            return RunningInstallation(**json.loads((settings.home / "up.json").read_text(encoding="utf-8")))
        return None
    else:
        return None
    finally:
        os.close(lock)
