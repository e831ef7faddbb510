"""The members of a pool, in a fixed order."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from resources.postgres.database import Row, fetch_all

if TYPE_CHECKING:
    import sqlalchemy as sa

    from catalyst_assets.campaigns.pool_filter import Pool


def load_pool(
    connection: "sa.Connection", pool: "Pool", *, without: Iterable[str] = (), most: int | None = None
) -> list[Row]:
    """Return the members of a pool: material_id, reduced_formula, chemical_system, structure_hash.

    Parameters
    ----------
    without
        Materials to leave out.
    most
        How many of the first to return; all by default.
    """
    return fetch_all(
        connection,
        "campaigns/pool",
        source=pool.source,
        elements=list(pool.elements) or None,
        only_elements=list(pool.only_elements) or None,
        exclude_elements=list(pool.exclude_elements) or None,
        chemical_system=pool.chemical_system,
        n_sites_min=pool.n_sites_min,
        n_sites_max=pool.n_sites_max,
        lacks_property=pool.lacks.property if pool.lacks else None,
        lacks_method=pool.lacks.method if pool.lacks else None,
        without=sorted(without),
        most=most,
    )


def hash_pool(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return the sha256 of what a prediction sees of a pool: which materials, and which structures."""
    members = sorted([row["material_id"], row["structure_hash"], row["reduced_formula"]] for row in rows)
    return hashlib.sha256(json.dumps(members).encode()).hexdigest()
