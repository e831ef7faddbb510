"""The Dagster instance of an installation: its home, its storage in PostgreSQL, its environment.

The instance's behaviour is `dagster.yaml`; this module only says where things lie. The store (`dagster_storage`) is
kept out of that file because Dagster's own commands read it wherever they are run, with no PostgreSQL to go to.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import yaml
from pydantic import SecretStr

from catalyst_assets.constants import Queue
from catalyst_assets.errors import CatalystError, DatabaseUnavailableError
from resources.paths import make_private, project_file
from resources.postgres.database import Database, Sibling, fetch_one, load_query, run_as_written
from resources.settings import Settings

if TYPE_CHECKING:
    import dagster as dg

LOCATION: Final = "catalyst_assets"
# Its threads beat every half minute.
_DAEMON_SILENCE: Final = timedelta(minutes=3)
# More steps of a pool than that are not handed to workers at a time; a row each in Dagster's store.
_MOST_UNDER_WORKERS: Final = 256


def _store(settings: Settings) -> str:
    storage = {"home": str(settings.home), "external": not settings.embedded}
    parts = {
        "storage": {"custom": {"module": "resources.dagster_storage", "class": "InstallationStorage", "config": storage}},
        "compute_logs": _compute_logs(settings),
    }  # fmt: skip
    return f"\n{yaml.safe_dump(parts, sort_keys=False)}"


def _compute_logs(settings: Settings) -> dict[str, object]:
    folder = str(settings.home / "logs" / "runs")
    if settings.bucket is None:
        return {
            "module": "dagster._core.storage.local_compute_log_manager",
            "class": "LocalComputeLogManager",
            "config": {"base_dir": folder},
        }
    bucket, prefix = settings.bucket
    return {
        "module": "resources.bucket.compute_logs",
        "class": "BucketComputeLogs",
        "config": {"bucket": bucket, "prefix": f"{prefix}/logs".lstrip("/"), "local_dir": folder},
    }


def prepare_dagster_home(settings: Settings, database: Database | None = None) -> dict[str, str]:
    """Write ``<home>/dagster/dagster.yaml`` and return the environment that leads to it.

    With these variables ``DagsterInstance.get()`` opens the persistent instance, in this process
    (once they are in ``os.environ``) and in every child, whatever its working directory; the same
    settings reach the child too.

    Parameters
    ----------
    database
        Whose store is used; None lets each process find it from the home, as one of the owner's.

    Raises
    ------
    CatalystError
        The home cannot be written.
    """
    home = settings.dagster_home
    wanted = project_file("dagster.yaml").read_text(encoding="utf-8") + _store(settings)
    target = home / "dagster.yaml"
    try:
        for folder in (settings.home, home, settings.home / "logs"):
            make_private(folder)
        (settings.home / "logs" / "runs").mkdir(parents=True, exist_ok=True)
        if not target.exists() or target.read_text(encoding="utf-8") != wanted:
            _replace(target, wanted)
    except OSError as error:
        raise CatalystError(
            f"Dagster's home {home} cannot be written: {error.strerror or error}.",
            "Free disk space, or choose another home with --home or CATALYST_HOME.",
        ) from error
    environment = settings_environment(settings) | {"DAGSTER_HOME": str(home)}
    if database is not None:
        environment["CATALYST_DAGSTER_DATABASE_URL"] = database.sibling_url(Sibling.DAGSTER)
    return environment


def workspace_file(settings: Settings) -> Path:
    """Return the file that says where the code is: in the process that reads it, or served at ``code_location``.

    Raises
    ------
    CatalystError
        The home cannot be written.
    """
    if settings.code_location is None:
        return project_file("workspace.yaml")
    host, _, port = settings.code_location.rpartition(":")
    where = {"socket": port} if host == "unix" else {"host": host, "port": int(port)}
    served = {**where, "location_name": LOCATION}
    target = settings.dagster_home / "workspace.yaml"
    try:
        make_private(settings.dagster_home)
        _replace(target, yaml.safe_dump({"load_from": [{"grpc_server": served}]}))
    except OSError as error:
        raise CatalystError(
            f"{target} cannot be written: {error.strerror or error}.",
            "Free disk space, or choose another home with --home or CATALYST_HOME.",
        ) from error
    return target


def settings_environment(settings: Settings, *, secrets: bool = True) -> dict[str, str]:
    """Return the variables by which another process reads the same settings.

    Parameters
    ----------
    secrets
        False leaves out passwords and keys.
    """
    environment = {}
    for name in settings.model_fields_set | {"home"}:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            value = value.get_secret_value() if secrets else None
        if value is not None:
            environment["MP_API_KEY" if name == "mp_api_key" else f"CATALYST_{name.upper()}"] = str(value)
    return environment


def guard_finished_runs(database: Database) -> None:
    """Have Dagster's own database hold that a run which has ended stays as it ended; its tables must be there.

    Raises
    ------
    DatabaseUnavailableError
        The server cannot be reached.
    """
    import sqlalchemy as sa

    engine = sa.create_engine(database.sibling_url(Sibling.DAGSTER), poolclass=sa.NullPool)
    try:
        with engine.begin() as connection:
            if fetch_one(connection, "dagster/guarded") is None:
                run_as_written(connection, load_query("dagster/guard").text)
    except sa.exc.OperationalError as error:
        raise DatabaseUnavailableError(
            f"Dagster's database does not answer: {str(error.orig).strip().splitlines()[0]}.",
            "Run `catalyst status`; see the server's log under the home folder.",
        ) from error


def daemon_beats(database: Database) -> bool:
    """Tell whether Dagster's daemon has given a sign of life lately; also while nobody can be asked."""
    import sqlalchemy as sa

    engine = sa.create_engine(database.sibling_url(Sibling.DAGSTER), poolclass=sa.NullPool)
    since = datetime.now(UTC).replace(tzinfo=None) - _DAEMON_SILENCE
    try:
        with engine.connect() as connection:
            found = fetch_one(connection, "dagster/daemon_beats", since=since)
    except sa.exc.DBAPIError:
        return True
    return found is None or bool(found["beats"])


def limit_pools(instance: "dg.DagsterInstance", settings: Settings) -> None:
    """Bound how many steps of a pool are on their way.

    So many calculations run as set. Under `celery` workers are the limit, and leases of devices; else the GPU is one
    step's, and the other pools have `dagster.yaml`'s limit. What a person has set for those stays.
    """
    storage = instance.event_log_storage
    is_celery = settings.executor == "celery"
    storage.set_concurrency_slots(Queue.DFT, settings.dft_jobs)
    storage.set_concurrency_slots(Queue.GPU, _MOST_UNDER_WORKERS if is_celery else 1)
    chosen = {pool.name: pool.limit for pool in storage.get_pool_limits() if not pool.from_default}
    for queue in (Queue.INGEST, Queue.PREDICT, Queue.VALIDATE):
        if is_celery and queue not in chosen:
            storage.set_concurrency_slots(queue, _MOST_UNDER_WORKERS)
        elif not is_celery and chosen.get(queue) == _MOST_UNDER_WORKERS:
            storage.delete_concurrency_limit(queue)


def _replace(path: Path, text: str) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
