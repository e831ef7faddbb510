"""Labels: the set an iteration learns from, and the hash by which every stage knows it again.

Membership is decided when an iteration opens (``loop``) and lies in ``iteration_labels``; nothing here
adds to it.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from resources.postgres.database import fetch_all

if TYPE_CHECKING:
    from resources.postgres.database import Database


def hash_labels(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return the sha256 of a set of labels, whatever the order of its rows.

    Parameters
    ----------
    rows
        Each with ``material_id``, ``property``, ``method``, ``value`` (all 64 bits count) and ``origin``.
    """
    lines = sorted(
        json.dumps(
            [row["material_id"], row["property"], row["method"], repr(float(row["value"])), row["origin"]]
        )
        for row in rows
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def data_versions(database: "Database") -> dict[str, str]:
    """Return the label hash of every iteration by partition key."""
    with database.transaction() as connection:
        rows = fetch_all(connection, "loop/data_versions")
    return {row["partition_key"]: row["label_sha256"] for row in rows}
