"""The code version of an asset: a hash of the modules that compute it, so that it changes when they do.

After an upgrade Dagster shows *code version changed* on what other code made, until it is materialized again; closed
iterations, as partitions, keep what they were made with.
"""

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).parent.parent


@cache
def hash_folders(*folders: str) -> str:
    """Return a hash of the Python modules below some folders of the package, such as ``learning``."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted((_PACKAGE / folder).rglob("*.py")):
            digest.update(path.relative_to(_PACKAGE).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
