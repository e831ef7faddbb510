"""What is kept of a calculation when it has ended: inputs, log and result, in the object store under their hashes."""

import hashlib
from typing import TYPE_CHECKING, Final

from catalyst_assets.validation.adsorption.program import STATES
from catalyst_assets.validation.jobs.folder import (
    ATTEMPT,
    END,
    JOB,
    LOG,
    RESULT,
    STRUCTURES,
    JobFolder,
    read_end,
)

if TYPE_CHECKING:
    from resources.object_store import ObjectStore

# The script of GPAW has a log of its own, and the validator `adsorption` tells of every site.
KEPT: Final = (JOB, *STRUCTURES, ATTEMPT, RESULT, END, LOG, "gpaw.txt", STATES)
# Of a longer log the end is kept.
_MOST_BYTES: Final = 16 * 1024**2


def kept_key(sha256: str) -> str:
    """Return the object key of a file of a calculation."""
    return f"validation/{sha256[:2]}/{sha256}"


def keep(objects: "ObjectStore", folder: JobFolder) -> dict[str, str]:
    """Keep the files of a calculation; return their hashes by name."""
    hashes = {}
    for name in KEPT:
        data = read_end(folder.file(name), _MOST_BYTES)
        if data:
            hashes[name] = hashlib.sha256(data).hexdigest()
            if not objects.exists(kept_key(hashes[name])):
                objects.put_bytes(kept_key(hashes[name]), data)
    return hashes
