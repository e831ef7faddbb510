"""The program of a potential's worker: ``python program.py JOB``, JOB a folder that holds ``job.json``.

Nothing of the platform but this file and the folder `worker` beside it has to be in the environment that runs it, and of
ours nothing but that folder can be imported there, under a name that no other package has.
"""

import importlib
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

_NAME = "catalyst_potential_worker"


def _load() -> None:
    """Make the folder a package, without a look at what lies beside it."""
    folder = Path(__file__).resolve().parent / "worker"
    spec = spec_from_file_location(_NAME, folder / "__init__.py", submodule_search_locations=[str(folder)])
    if spec is None or spec.loader is None:
        raise ImportError(f"{folder} is no package")
    sys.modules[_NAME] = package = module_from_spec(spec)
    spec.loader.exec_module(package)


if __name__ == "__main__":
    _load()
    sys.exit(importlib.import_module(f"{_NAME}.main").main(sys.argv[1:]))
