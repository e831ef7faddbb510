"""How long a process takes to load the code location, side by side with the least that Dagster needs.

The webserver, the daemon and every step process load it, so a heavy import there is paid everywhere.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from catalyst_assets.constants import CODE_LOCATION
from catalyst_assets.errors import CatalystError
from resources.paths import scratch_folder

HEAVY_MODULES: Final = (
    *("torch", "mace", "e3nn", "lightning", "botorch", "gpytorch", "pymatgen", "ase", "mlflow"),
    *("sklearn", "plotly", "matplotlib", "dash"),
)
_ALIASES: Final = {"pytorch_lightning": "lightning"}
_BARE: Final = """
import dagster as dg

@dg.asset
def bare() -> int:
    return 1

defs = dg.Definitions(assets=[bare])
"""
_LOAD: Final = """
import importlib, json, sys
import dagster as dg

defs = importlib.import_module(sys.argv[1]).defs
defs = defs if isinstance(defs, dg.Definitions) else defs()
defs.get_repository_def().load_all_definitions()
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


@dataclass(frozen=True)
class StartupReport:
    """Medians over fresh processes, interpreter included.

    Attributes
    ----------
    location_load_s, bare_s
        Seconds until the platform's code location, and one with a single empty asset, is loaded.
    ratio
        The first over the second.
    heavy_modules_loaded
        Those of `HEAVY_MODULES` that loading the location imports: none, if all is well.
    """

    location_load_s: float
    bare_s: float
    ratio: float
    heavy_modules_loaded: list[str]


def measure_startup(
    repeats: int = 5, progress: Callable[[int], None] = lambda done: None, location: str = CODE_LOCATION
) -> StartupReport:
    """Load both locations in turn, each time in a fresh process.

    Parameters
    ----------
    repeats
        Processes for each location, after one of each that warms the file cache.
    progress
        Called with the number of rounds done.
    location
        The module that holds the definitions.

    Raises
    ------
    CatalystError
        A location does not load.
    """
    seconds: dict[str, list[float]] = {"location": [], "bare": []}
    modules: set[str] = set()
    with scratch_folder() as folder:
        Path(folder, "bare_location.py").write_text(_BARE, encoding="utf-8")
        for number in range(repeats + 1):
            for name, module in (("location", location), ("bare", "bare_location")):
                elapsed, loaded = _load(module, folder)
                if number > 0:
                    seconds[name].append(elapsed)
                if name == "location":
                    modules |= loaded
            progress(number)
    loaded_in, bare = median(seconds["location"]), median(seconds["bare"])
    return StartupReport(
        round(loaded_in, 3),
        round(bare, 3),
        round(loaded_in / bare, 3),
        [name for name in HEAVY_MODULES if name in modules],
    )


def _load(module: str, folder: str) -> tuple[float, set[str]]:
    started = time.perf_counter()
    completed = subprocess.run(
        [sys.executable, "-c", _LOAD, module], cwd=folder, capture_output=True, text=True, check=False
    )
    elapsed = time.perf_counter() - started
    if completed.returncode != 0:
        reason = (completed.stderr.strip().splitlines() or ["no output"])[-1]
        raise CatalystError(
            f"The code location {module} does not load: {reason}.", "Run `dagster definitions validate`."
        )
    names = json.loads(completed.stdout.strip().splitlines()[-1])
    return elapsed, {_ALIASES.get(name, name) for name in names}
