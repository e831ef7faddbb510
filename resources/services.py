"""What `catalyst up` runs, and the note by which other commands find it.

How programs are kept going is `supervisor`'s business.
"""

import contextlib
import dataclasses
import fcntl
import json
import os
import secrets
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import pydantic

from catalyst_assets.constants import Queue
from catalyst_assets.errors import UsageError
from resources.bucket.clients import bucket_environment
from resources.dagster_instance import (
    daemon_beats,
    prepare_dagster_home,
    settings_environment,
    workspace_file,
)
from resources.distributed.broker import NAME as REDIS
from resources.distributed.broker import own_redis, prepare_redis
from resources.mlflow.tracking import Tracking
from resources.paths import make_private
from resources.postgres.cluster import using_home
from resources.postgres.connection import service_database
from resources.postgres.database import Database, Role, Sibling
from resources.postgres.keeper import open_lock, try_lock
from resources.settings import Settings
from resources.supervisor import Service

_INHERITED: Final = frozenset({
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TERM", "VIRTUAL_ENV",
    "LD_LIBRARY_PATH", "LD_PRELOAD", "PGSSLROOTCERT", "PGSSLMODE",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
})  # fmt: skip
# Locale, Python, how arithmetic is spread over the machine, and by what calculations find schedulers, modules, MPI and
# the data of their codes.
_INHERITED_PREFIXES: Final = (
    "LC_", "XDG_", "PYTHON", "CUDA_", "NVIDIA_", "OMP_", "MKL_", "OPENBLAS_", "NUMEXPR_", "TORCH_", "PYTORCH_",
    "SLURM_", "SBATCH_", "SRUN_", "LMOD_", "MODULE", "LOADEDMODULES", "OMPI_", "I_MPI_", "PMIX_", "UCX_", "FI_", "KMP_",
    "GPAW_", "ASE_", "VASP_", "ESPRESSO_", "PMG_",
)  # fmt: skip
_SECRET: Final = ("CATALYST_", "DAGSTER_", "MLFLOW_", "MP_API_", "AWS_", "PG")
# Calculations are followed by runs of their own, in the process of the run.
WORKER_QUEUES: Final = (Queue.INGEST, Queue.PREDICT, Queue.VALIDATE, Queue.GPU)
_HERE: Final = ("127.0.0.1", "127.0.0.1")
OF_ALL: Final = {
    "PYTHONSAFEPATH": "1",  # a folder `resources` in the working directory must not shadow ours
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - compared, not bound


def describe_services(settings: Settings, *, mlflow: bool = True, apart: bool = False) -> list[Service]:
    """Return the programs of an installation, still without their environment.

    Parameters
    ----------
    apart
        They are for different hosts: the API is reached from others, and what the executor needs runs elsewhere.
    """
    host = settings.host
    address = _address(host)
    python = (sys.executable, "-m")

    def web(
        name: str,
        module: str,
        port: int,
        option: str,
        ready_path: str,
        bound: tuple[str, str] = (host, address),
    ) -> Service:
        return Service(
            name,
            (*python, *module.split(), "--host", bound[0], "--port", str(port)),
            port=port,
            port_option=f"--{option}-port or CATALYST_{option.upper()}_PORT",
            url=f"http://{bound[1]}:{port}",
            ready_path=ready_path,
        )

    serve = "resources.web.workers dash_app.server:"
    api = f"{serve}create_api_from_environment --workers {settings.api_workers}"
    daemon = (*python, "resources.runs.daemon", "-w", str(workspace_file(settings)))
    services = [
        *([] if apart else _distributed(settings)),
        web("api", api, api_port(settings), "api", "/api/v1/health", (host, address) if apart else _HERE),
        web(
            "review-app",
            f"{serve}create_pages_from_environment",
            settings.app_port,
            "app",
            "/sign-in",
        ),
        web(
            "dagster-webserver",
            "resources.web.dagster_server",
            settings.dagster_port,
            "dagster",
            "/server_info",
        ),
        Service("dagster-daemon", daemon, keeps_work=True),
    ]
    if mlflow:
        services.append(
            web("mlflow", "resources.web.mlflow_server", settings.mlflow_port, "mlflow", "/health")
        )
    return services


def _distributed(settings: Settings) -> list[Service]:
    """Return what the executor celery needs: Redis, unless another one is named, and a worker a queue."""
    if settings.executor != "celery":
        return []
    redis = [own_redis(settings)] if settings.redis_url is None else []
    workers = [Service(f"worker-{queue}", worker_command(queue)) for queue in WORKER_QUEUES]
    return redis + workers


def worker_command(queue: Queue, concurrency: int | None = None) -> tuple[str, ...]:
    """Return the program that takes steps from a queue; told nothing, one at a time, or one a GPU."""
    module = "resources.distributed.worker"
    at_once = () if concurrency is None else ("--concurrency", str(concurrency))
    return (sys.executable, "-m", module, "--queue", queue.value, *at_once)


def app_address(settings: Settings) -> str:
    """Return where people on this machine find the review app."""
    return f"http://{_address(settings.host)}:{settings.app_port}"


def dagster_address(settings: Settings) -> str:
    """Return where servers of the installation find Dagster's webserver."""
    return settings.dagster_url or f"http://{_address(settings.host)}:{settings.dagster_port}"


def api_port(settings: Settings) -> int:
    """Return the port of the API's own process."""
    after = settings.app_port + 1 if settings.app_port < 65535 else settings.app_port - 1
    return settings.api_port or after


def _address(host: str) -> str:
    return _EVERYWHERE.get(host, f"[{host}]" if ":" in host else host)


def equip_services(services: Sequence[Service], settings: Settings, database: Database) -> list[Service]:
    """Give each service its whole environment: what it needs of ours, and the login of its own role alone.

    The daemon, whose runs take several roles, finds them in the home. The bucket's credentials are told to those that
    read it or write there: not to Redis, nor to the pages.

    Raises
    ------
    CatalystError
        The home cannot be written.
    DatabaseUnavailableError
        An external server refuses to make logins.
    """
    logins = service_database(settings, database)
    if any(service.name == REDIS for service in services):
        prepare_redis(settings)
    common = _common_environment(settings)
    bucket = bucket_environment(settings)
    dagster = _dagster_environment(settings)
    told = _told(settings, "MP_API_KEY", "CATALYST_WORK_ORDER_SECRET", "CATALYST_REDIS_URL")
    own = {
        "api": bucket | {"CATALYST_APP_DATABASE_URL": logins.url(Role.APP)},
        "dagster-webserver": dagster | {"CATALYST_DAGSTER_DATABASE_URL": logins.sibling_url(Sibling.DAGSTER)},
        "dagster-daemon": dagster | told,
        "mlflow": bucket | mlflow_environment(settings, logins),
    }
    asking = {
        "CATALYST_API_URL": f"http://127.0.0.1:{api_port(settings)}",
        "CATALYST_SERVICE_SECRET": secrets.token_hex(32),
    }
    own = {name: each if name == "dagster-daemon" else each | asking for name, each in own.items()}
    own["review-app"] = asking
    own |= {f"worker-{queue}": _worker_variables(settings, queue) for queue in WORKER_QUEUES}
    equipped = [
        dataclasses.replace(
            service,
            environment=inherited_environment()
            if service.name == REDIS
            else common | own.get(service.name, {}),
        )
        for service in services
    ]
    return [
        dataclasses.replace(service, is_alive=lambda: daemon_beats(database))
        if service.name == "dagster-daemon"
        else service
        for service in equipped
    ]


def worker_environment(settings: Settings, database: Database, queue: Queue) -> dict[str, str]:
    """Return the whole environment of a worker that a person starts.

    Raises
    ------
    CatalystError, DatabaseUnavailableError
        As `equip_services`.
    """
    service_database(settings, database)
    return _common_environment(settings) | _worker_variables(settings, queue)


def _common_environment(settings: Settings) -> dict[str, str]:
    return inherited_environment() | settings_environment(settings, secrets=False) | OF_ALL


def mlflow_environment(settings: Settings, logins: Database) -> dict[str, str]:
    """Return what MLflow's server is told of its store."""
    return {
        "MLFLOW_BACKEND_STORE_URI": logins.sibling_url(Sibling.MLFLOW),
        "MLFLOW_DEFAULT_ARTIFACT_ROOT": Tracking(settings, "").artifact_root,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }


def _dagster_environment(settings: Settings) -> dict[str, str]:
    home = prepare_dagster_home(settings)["DAGSTER_HOME"]
    dagster = bucket_environment(settings) | {"DAGSTER_HOME": home}
    if not settings.embedded:
        dagster["CATALYST_DATABASE_LOGINS"] = str(settings.logins_file)
    return dagster


def _worker_variables(settings: Settings, queue: Queue) -> dict[str, str]:
    """Return what a worker needs beside what every program gets; keys of sources only where sources are read."""
    keys = {
        Queue.INGEST: ("MP_API_KEY",),
        Queue.VALIDATE: ("CATALYST_WORK_ORDER_SECRET",),
    }
    return _dagster_environment(settings) | _told(settings, "CATALYST_REDIS_URL", *keys.get(queue, ()))


def _told(settings: Settings, *names: str) -> dict[str, str]:
    secrets_by_name = {
        "MP_API_KEY": settings.mp_api_key,
        "CATALYST_WORK_ORDER_SECRET": settings.work_order_secret,
        "CATALYST_REDIS_URL": settings.redis_url,
    }
    found = {name: secrets_by_name[name] for name in names}
    return {name: secret.get_secret_value() for name, secret in found.items() if secret is not None}


def inherited_environment() -> dict[str, str]:
    """Return what programs of any kind find their way by; nothing that only this process was told."""
    return {
        name: value
        for name, value in os.environ.items()
        if name in _INHERITED or name.startswith(_INHERITED_PREFIXES)
    }


def foreign_environment() -> dict[str, str]:
    """Return what a program that is not ours may know of this process: what it finds its way by, and no key or password."""
    return {name: value for name, value in inherited_environment().items() if not name.startswith(_SECRET)}


@dataclass(frozen=True)
class RunningInstallation:
    """A `catalyst up` that is running on a home.

    Attributes
    ----------
    urls
        Of the services that have pages, by name.
    programs
        Names of the others.
    """

    pid: int
    urls: dict[str, str]
    programs: list[str] = field(default_factory=list)


@contextlib.contextmanager
def announced(settings: Settings, services: Sequence[Service]) -> Iterator[None]:
    """Hold the home for one `catalyst up` and note where its services are.

    Raises
    ------
    UsageError
        Another one runs on this home.
    """
    note = settings.home / "up.json"
    with using_home(settings.home):
        make_private(settings.home)
        lock = open_lock(settings.home / "up.lock")
    try:
        if not try_lock(lock):
            running = find_running(settings)
            raise UsageError(
                f"`catalyst up` runs already on {settings.home}"
                + (f", as process {running.pid}." if running else "."),
                "Stop it, or choose another home with --home or CATALYST_HOME.",
            )
        urls = {service.name: service.url for service in services if service.url}
        programs = [service.name for service in services if not service.url]
        note.write_text(
            json.dumps({"pid": os.getpid(), "urls": urls, "programs": programs}), encoding="utf-8"
        )
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
            note = (settings.home / "up.json").read_bytes()
            return pydantic.TypeAdapter(RunningInstallation).validate_json(note)
    finally:
        os.close(lock)
    return None
