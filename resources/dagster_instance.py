"""The Dagster instance of an installation: its home, its storage in PostgreSQL, its environment.

The instance's behaviour is `dagster.yaml`; this module only says where things lie. The store is kept out of
that file because Dagster's own commands read it wherever they are run, with no PostgreSQL to go to.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from catalyst_assets.constants import Queue
from catalyst_assets.errors import CatalystError
from resources.paths import project_file
from resources.postgres.database import Database, Sibling
from resources.settings import Settings

if TYPE_CHECKING:
    import dagster as dg

_STORE = """
storage:
  postgres:
    postgres_url: {env: DAGSTER_PG_URL}

compute_logs:
  module: dagster._core.storage.local_compute_log_manager
  class: LocalComputeLogManager
  config:
    base_dir: {env: DAGSTER_COMPUTE_LOGS}
"""


def prepare_dagster_home(settings: Settings, database: Database) -> dict[str, str]:
    """Write ``<home>/dagster/dagster.yaml`` and return the environment that leads to it.

    With these variables ``DagsterInstance.get()`` opens the persistent instance, in this process
    (once they are in ``os.environ``) and in every child, whatever its working directory; the same
    settings reach the child too.

    Raises
    ------
    CatalystError
        The home cannot be written.
    """
    home = settings.dagster_home
    compute_logs = settings.home / "logs" / "runs"
    wanted = project_file("dagster.yaml").read_text(encoding="utf-8") + _STORE
    target = home / "dagster.yaml"
    try:
        home.mkdir(parents=True, exist_ok=True)
        compute_logs.mkdir(parents=True, exist_ok=True)
        if not target.exists() or target.read_text(encoding="utf-8") != wanted:
            _replace(target, wanted)
    except OSError as error:
        raise CatalystError(
            f"Dagster's home {home} cannot be written: {error.strerror or error}.",
            "Free disk space, or choose another home with --home or CATALYST_HOME.",
        ) from error
    return settings_environment(settings) | {
        "DAGSTER_HOME": str(home),
        "DAGSTER_PG_URL": database.sibling_url(Sibling.DAGSTER),
        "DAGSTER_COMPUTE_LOGS": str(compute_logs),
    }


def settings_environment(settings: Settings) -> dict[str, str]:
    """Return the variables by which another process reads the same settings."""
    environment = {}
    for name in settings.model_fields_set | {"home"}:
        value = getattr(settings, name)
        if value is not None:
            text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            environment[f"CATALYST_{name.upper()}"] = text
    return environment


def limit_pools(instance: "dg.DagsterInstance") -> None:
    """Let one step at a time have the GPU; the other pools have the default of `dagster.yaml`."""
    instance.event_log_storage.set_concurrency_slots(Queue.GPU, 1)


def _replace(path: Path, text: str) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
