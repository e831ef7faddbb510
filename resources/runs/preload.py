"""Imported once by the process that runs are forked from: the code location and its libraries, so that no run waits.

It only imports: what opens a connection, starts a thread or a GPU would not survive the fork.
"""

import importlib
import logging
import time
from pathlib import Path
from typing import Final

from catalyst_assets.constants import CODE_LOCATION

# What an iteration imports inside its functions; what is not installed is left out.
_LIBRARIES: Final = (
    "torch",
    "pymatgen.core",
    "botorch.models",
    "mlflow.tracking",
    "dagster_mlflow",
    "sklearn.ensemble",
    "scipy.stats",
    "pyarrow.parquet",
    "matplotlib.figure",
)
_ROOT: Final = Path(__file__).resolve().parents[2]
_CODE: Final = ("catalyst_assets", "resources", "sql")

_log = logging.getLogger(__name__)
_started: Final = time.time()


def code_has_changed() -> bool:
    """Tell whether a file of the platform is newer than what was imported of it."""
    files = (path for name in _CODE for path in (_ROOT / name).rglob("*.*") if path.suffix in (".py", ".sql"))
    return any(path.stat().st_mtime > _started for path in files)


def _import_all() -> None:
    for name in (CODE_LOCATION, *_LIBRARIES):
        try:
            module = importlib.import_module(name)
            if name == CODE_LOCATION:
                module.defs.get_repository_def().load_all_definitions()
        except Exception as error:  # a run that needs it will say so in its own log
            _log.warning("%s is not preloaded: %s", name, error)


_import_all()
