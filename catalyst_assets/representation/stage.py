"""Between database and feature store: which structures wait for features, and computing one shard of them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.constants import PLACES, Work
from catalyst_assets.representation.features import featurize
from catalyst_assets.representation.library import current_fingerprint, load_backbone
from catalyst_assets.representation.noted import QUARANTINE_SOURCE, note_again, note_features
from catalyst_assets.representation.store import list_stored, load_features, missing, shard_key, write_shard
from catalyst_assets.sharding import shard_bounds, split_by_weight
from resources.postgres.database import execute_many, fetch_all

if TYPE_CHECKING:
    import sqlalchemy as sa

    from resources.object_store import ObjectStore
    from resources.platform import Platform
    from resources.postgres.database import Database
    from resources.settings import Settings


# Of the structures of a shard, which are in memory together with their features: measured are 13 kB a site with 50
# neighbours each; a gibibyte is left for the network, its batches and the libraries.
MOST_SITES: Final = (PLACES[Work.EMBED].memory_bytes - 2**30) // (16 * 1024)


@dataclass(frozen=True)
class Coverage:
    """How many of the structures have features.

    Attributes
    ----------
    unaccounted
        Structures with neither features nor an entry in quarantine, by hash.
    not_finite
        Structures whose stored features are not all finite.
    """

    n_structures: int
    n_quarantined: int
    unaccounted: tuple[str, ...]
    not_finite: tuple[str, ...]
    fingerprint: str


def plan_shards(platform: "Platform") -> list[dict[str, Any]]:
    """Cut the structures without features into shards; each names its structures by a stored list."""
    fingerprint = current_fingerprint(platform.objects)
    known, refused = _known_and_refused(platform.database, fingerprint)
    absent = missing(platform.objects, fingerprint, known)
    with platform.database.transaction() as connection:
        note_again(connection, fingerprint, set(known).difference(absent), absent)
    waiting = [name for name in absent if name not in refused]
    shards: list[dict[str, Any]] = []
    for hashes in _as_they_fit(platform.database, waiting, shard_bounds(len(waiting), platform.settings)):
        key = shard_key(fingerprint, hashes).removesuffix(".parquet") + ".json"
        listing = key.replace("embeddings/", "embedding_plans/", 1)
        platform.objects.put_bytes(listing, json.dumps(hashes).encode())
        shards.append({"fingerprint": fingerprint, "listing": listing, "index": len(shards)})
    return shards


def _as_they_fit(
    database: "Database", waiting: list[str], bounds: list[tuple[int, int]]
) -> Iterator[list[str]]:
    """Yield the structures of each shard: one that would take more memory than its place has is cut by its sites."""
    for start, stop in bounds:
        names = waiting[start:stop]
        with database.transaction() as connection:
            rows = fetch_all(connection, "representation/site_counts", structure_hashes=names)
        n_sites = {row["structure_hash"]: row["n_sites"] for row in rows}
        # One that is no material's any more is left out when its shard is computed.
        for first, last in split_by_weight([n_sites.get(name, 0) for name in names], MOST_SITES):
            yield names[first:last]


def embed_shard(
    database: "Database",
    objects: "ObjectStore",
    shard: dict[str, Any],
    settings: "Settings | None" = None,
) -> dict[str, int]:
    """Compute and store the features of one shard; failed structures go to quarantine.

    Returns
    -------
    dict
        ``embedded`` and ``failed`` counts; a shard that is there already is only counted.
    """
    from pymatgen.core.composition import Composition
    from pymatgen.core.structure import Structure

    fingerprint = shard["fingerprint"]
    hashes: list[str] = json.loads(objects.get_bytes(shard["listing"]))
    stored = list_stored(objects, fingerprint, hashes)
    if stored is not None:
        with database.transaction() as connection:
            note_features(connection, fingerprint, stored)
        return {"embedded": len(stored), "failed": len(hashes) - len(stored)}
    with database.transaction() as connection:
        rows = fetch_all(connection, "representation/structures", structure_hashes=hashes)
    by_hash = {row["structure_hash"]: row for row in rows}
    hashes = [name for name in hashes if name in by_hash]  # a material may have got another structure since
    materials = [
        Composition(row["reduced_formula"])
        if row["structure_json"] is None
        else Structure.from_dict(row["structure_json"])
        for row in map(by_hash.__getitem__, hashes)
    ]
    features = featurize(
        materials,
        load_backbone(objects, fingerprint),
        accelerator=settings.accelerator if settings else "auto",
        settings=settings,
    )
    with database.transaction() as connection:
        execute_many(
            connection,
            "representation/quarantine",
            [
                {
                    "source": QUARANTINE_SOURCE,
                    "record": hashes[index],
                    "raw_sha256": fingerprint,
                    "reason": reason,
                    "payload": json.dumps({"material_ids": by_hash[hashes[index]]["material_ids"]}),
                }
                for index, reason in sorted(features.failures.items())
            ],
        )
    write_shard(objects, fingerprint, hashes, features)
    described = [name for index, name in enumerate(hashes) if index not in features.failures]
    with database.transaction() as connection:
        note_features(connection, fingerprint, described)
    return {"embedded": len(hashes) - len(features.failures), "failed": len(features.failures)}


def measure_coverage(database: "Database", objects: "ObjectStore") -> Coverage:
    """Compare what is known with what has features."""
    import numpy as np

    fingerprint = current_fingerprint(objects)
    known, refused = _known_and_refused(database, fingerprint)
    features = load_features(objects, fingerprint, known)
    finite = np.isfinite(features.values).all(axis=1)
    return Coverage(
        n_structures=len(known),
        n_quarantined=len(refused),
        unaccounted=tuple(known[index] for index in features.failures if known[index] not in refused),
        not_finite=tuple(known[index] for index in np.flatnonzero(~finite)),
        fingerprint=fingerprint,
    )


def quarantined(connection: "sa.Connection", fingerprint: str) -> set[str]:
    """Return the hashes of the structures that a backbone cannot describe."""
    rows = fetch_all(
        connection, "representation/quarantined", source=QUARANTINE_SOURCE, raw_sha256=fingerprint
    )
    return {row["record"] for row in rows}


def _known_and_refused(database: "Database", fingerprint: str) -> tuple[list[str], set[str]]:
    with database.transaction() as connection:
        known = [row["structure_hash"] for row in fetch_all(connection, "representation/structure_hashes")]
        return known, quarantined(connection, fingerprint)
