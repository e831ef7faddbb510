"""Documents of plain values, as JSON holds them, known by their hashes."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def hash_document(document: Mapping[str, Any]) -> str:
    """Return the sha256 of a document's canonical JSON.

    Raises
    ------
    ValueError
        It holds a number that is not finite.
    """
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
