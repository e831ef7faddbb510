"""Imported once by the process that runs are forked from: the code location and its libraries, so that no run waits.

It only imports: what opens a connection, starts a thread or a GPU would not survive the fork.
"""

import importlib
import logging
import pkgutil
import time
import warnings
from pathlib import Path
from typing import Final

from catalyst_assets.constants import CODE_LOCATION

# What an iteration imports inside its functions; what is not installed is left out.
_LIBRARIES: Final = (
    "dagster._cli.api",
    "dagster_postgres",
    "sqlalchemy.dialects.postgresql.psycopg2",
    "torch",
    "pymatgen.core",
    "pymatviz.utils.data",
    "botorch.models",
    "mlflow.store.tracking.sqlalchemy_store",
    "mlflow.tracking",
    "dagster_mlflow",
    "sklearn.ensemble",
    "scipy.stats",
    "pandera.pandas",
    "pyarrow.dataset",
    "upath",
    "matplotlib.figure",
)
# Modules of ours that assets import inside their functions.
_STAGES: Final = (
    "campaigns",
    "learning",
    "prediction",
    "acquisition",
    "validation",
    "representation",
    "ingestion",
    "loop",
)
_ROOT: Final = Path(__file__).resolve().parents[2]
_CODE: Final = ("catalyst_assets", "resources", "sql")

_log = logging.getLogger(__name__)
_started: Final = time.time()


def code_has_changed() -> bool:
    """Tell whether a file of the platform is newer than what was imported of it."""
    files = (path for name in _CODE for path in (_ROOT / name).rglob("*.*") if path.suffix in (".py", ".sql"))
    return any(path.stat().st_mtime > _started for path in files)


def _own_modules() -> list[str]:
    packages = [importlib.import_module(f"catalyst_assets.{stage}") for stage in _STAGES]
    return [
        module.name
        for package in packages
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if not module.ispkg
    ]


def _import_all() -> None:
    for name in (CODE_LOCATION, *_LIBRARIES, *_own_modules()):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what libraries say of themselves; nothing runs yet
                module = importlib.import_module(name)
            if name == CODE_LOCATION:
                module.defs.get_repository_def().load_all_definitions()
        except Exception as error:  # a run that needs it will say so in its own log
            _log.warning("%s is not preloaded: %s", name, error)


_import_all()
