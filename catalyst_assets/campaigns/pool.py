"""The members of a pool, in a fixed order, and lists of them that are kept."""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.errors import CorruptArtifactError
from catalyst_assets.representation.noted import QUARANTINE_SOURCE
from catalyst_assets.vocabulary.known import known_methods
from resources.postgres.database import Row, fetch_all, load_query

if TYPE_CHECKING:
    from datetime import datetime

    import sqlalchemy as sa

    from catalyst_assets.campaigns.pool_filter import Pool
    from catalyst_assets.representation.noted import FeatureSet
    from resources.object_store import ObjectStore

_MEMBERS: Final = "campaigns/pool"
_LISTED: Final = ("material_id", "structure_hash", "reduced_formula")


def load_pool(
    connection: "sa.Connection",
    pool: "Pool",
    *,
    without: Iterable[str] = (),
    most: int | None = None,
    features: "FeatureSet | None" = None,
    described: bool | None = None,
    arrived_until: "datetime | None" = None,
) -> list[Row]:
    """Return the members of a pool: material_id, reduced_formula, chemical_system, structure_hash.

    Parameters
    ----------
    without
        Materials to leave out.
    most
        How many of the first to return; all by default.
    described
        Only members that have ``features``, or only those with neither features nor an entry in quarantine.
    arrived_until
        Only members that came by then.
    """
    asked = _selecting(pool) | {
        "without": sorted(without),
        "most": most,
        "described": described,
        "feature_set": features.number if features else None,
        "fingerprint": features.fingerprint if features else "",
        "arrived_until": arrived_until,
    }
    return fetch_all(connection, _MEMBERS, **asked)


def count_pool(connection: "sa.Connection", pool: "Pool") -> int:
    """Return how many members a pool has."""
    return _count(connection, _selecting(pool))


def count_left_out(connection: "sa.Connection", pool: "Pool") -> dict[str, int]:
    """Return how many materials a pool leaves out for what a potential has not said of them, with what that is.

    Those without the energy above hull that it asks for, and those that were not relaxed; none where it asks for neither.
    """
    asked = _selecting(pool)
    left_out = {}
    if pool.energy_above_hull is not None:
        unknown = asked | {"hull_max": -math.inf, "hull_unknown": True}
        left_out[f"energy above hull by {pool.energy_above_hull.method}"] = _count(connection, unknown)
    if pool.relaxed_by is not None:
        every = asked | {"relaxed_by": None}
        left_out[f"structure relaxed by {pool.relaxed_by}"] = _count(connection, every) - _count(
            connection, asked
        )
    return {what: n for what, n in left_out.items() if n}


def explain_left_out(connection: "sa.Connection", pool: "Pool") -> list[str]:
    """Say of how many materials a pool lacks a value that it asks for, and how they come by it."""
    return [_left_out(what, n) for what, n in count_left_out(connection, pool).items()]


def _left_out(what: str, n_materials: int) -> str:
    method = what.rpartition(" by ")[2]
    known = known_methods().get(method)
    if known is not None and known.kind == "potential":
        remedy = (
            f"set CATALYST_POTENTIAL to {method}, and materialize `relaxed_structures` and `potential_energies`; some may be "
            "in quarantine, or have not converged."
        )
    else:
        remedy = f"ingest a source that gives it, or formation energies by {method}, from which it follows."
    return f"{n_materials} materials without {what} are left out of the pool: {remedy}"


def _count(connection: "sa.Connection", asked: Mapping[str, Any]) -> int:
    import sqlalchemy as sa

    counted = connection.execute(sa.select(sa.func.count()).select_from(_members()), asked)
    return int(counted.scalar_one())


def sample_pool(connection: "sa.Connection", pool: "Pool", most: int) -> list[str]:
    """Return so many members of a pool, the same ones each time and of a larger pool as if drawn at random."""
    import sqlalchemy as sa

    members = _members()
    drawn = sa.select(members.c.material_id).order_by(sa.func.md5(members.c.material_id)).limit(most)
    return list(connection.execute(drawn, _selecting(pool)).scalars())


def _members() -> "sa.Subquery":
    import sqlalchemy as sa

    return load_query(_MEMBERS).columns(sa.column("material_id", sa.Text)).subquery("members")


def _selecting(pool: "Pool") -> dict[str, Any]:
    """Return the parameters that name all members of a pool."""
    gate = pool.energy_above_hull
    return {
        "sources": list(pool.sources) or None,
        "elements": list(pool.elements) or None,
        "only_elements": list(pool.only_elements) or None,
        "exclude_elements": list(pool.exclude_elements) or None,
        "chemical_system": pool.chemical_system,
        "n_sites_min": pool.n_sites_min,
        "n_sites_max": pool.n_sites_max,
        "lacks_property": pool.lacks.property if pool.lacks else None,
        "lacks_method": pool.lacks.method if pool.lacks else None,
        "hull_method": gate.method if gate else None,
        "hull_max": gate.max if gate else None,
        "hull_unknown": False,
        "relaxed_by": pool.relaxed_by,
        "without": [],
        "most": None,
        "described": None,
        "feature_set": None,
        "fingerprint": "",
        "quarantine_source": QUARANTINE_SOURCE,
        "arrived_until": None,
    }


def hash_pool(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return the sha256 of what a prediction sees of a pool: which materials, and which structures."""
    members = sorted([row["material_id"], row["structure_hash"], row["reduced_formula"]] for row in rows)
    return hashlib.sha256(json.dumps(members).encode()).hexdigest()


def store_members(objects: "ObjectStore", members: Iterable[Mapping[str, Any]]) -> str:
    """Keep the list of a pool under its hash, and return the hash; the same pool is one list."""
    # Features lie in the order of structures: so a shard of predictions reads few of their shards.
    ordered = sorted(members, key=itemgetter("structure_hash", "material_id"))
    sha256 = hash_pool(ordered)
    if not objects.exists(_key(sha256)):
        listing = [[member[name] for name in _LISTED] for member in ordered]
        objects.put_bytes(_key(sha256), json.dumps(listing).encode())
    return sha256


def read_members(objects: "ObjectStore", pool_sha256: str) -> list[tuple[str, str, str]]:
    """Return the members of a stored list as they were then: identifier, structure hash, reduced formula.

    Raises
    ------
    CorruptArtifactError
        Their list is gone.
    """
    try:
        listing = json.loads(objects.get_bytes(_key(pool_sha256)))
    except KeyError:
        raise CorruptArtifactError(
            f"{_key(pool_sha256)} is missing.", "Restore it, or materialize `predictions` again."
        ) from None
    return [(material_id, structure_hash, formula) for material_id, structure_hash, formula in listing]


def _key(pool_sha256: str) -> str:
    return f"pools/{pool_sha256}.json"
