"""Which structures have features, as the database notes it, so that counting those that do not opens no shard.

The object store is what counts: whoever writes a shard notes it, and each plan of an embedding notes again what it found.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from catalyst_assets.errors import LoopError
from resources.postgres.database import execute, fetch_all, fetch_one

if TYPE_CHECKING:
    import sqlalchemy as sa

    from resources.object_store import ObjectStore
    from resources.platform import Platform

QUARANTINE_SOURCE: Final = "structure_embeddings"


@dataclass(frozen=True)
class FeatureSet:
    """The features of one backbone by this version of the code.

    Attributes
    ----------
    number
        In the database; None while none was noted.
    """

    fingerprint: str
    number: int | None


def current_features(connection: "sa.Connection", objects: "ObjectStore") -> FeatureSet | None:
    """Return the features of the current backbone; None while there is no backbone."""
    from catalyst_assets.representation.library import current_fingerprint

    try:
        fingerprint = current_fingerprint(objects)
    except LoopError:
        return None
    row = fetch_one(connection, "representation/feature_set", fingerprint=fingerprint, version=_version())
    return FeatureSet(fingerprint, row["feature_set"] if row else None)


def note_features(connection: "sa.Connection", fingerprint: str, structure_hashes: Collection[str]) -> None:
    """Note that these structures have features; those that were noted stay."""
    execute(
        connection,
        "representation/note_features",
        feature_set=_touch(connection, fingerprint),
        structure_hashes=sorted(structure_hashes),
    )


def note_again(
    connection: "sa.Connection", fingerprint: str, described: Collection[str], absent: Collection[str]
) -> None:
    """Note what the feature store was found to hold, and what of that which was noted it does not hold."""
    row = fetch_one(connection, "representation/feature_set", fingerprint=fingerprint, version=_version())
    noted: set[str] = set()
    if row is not None:
        rows = fetch_all(connection, "representation/noted_features", feature_set=row["feature_set"])
        noted = {one["structure_hash"] for one in rows}
    gone = noted.intersection(absent)
    if gone:
        execute(
            connection,
            "representation/forget_features",
            feature_set=_touch(connection, fingerprint),
            structure_hashes=sorted(gone),
        )
    new = set(described) - noted
    if new:
        note_features(connection, fingerprint, new)


def lacks_features(platform: "Platform") -> bool:
    """Tell whether any structure in use has neither features of the current backbone nor an entry in quarantine."""
    with platform.database.transaction() as connection:
        features = current_features(connection, platform.objects)
        return any_lacking(connection, features)


def any_lacking(connection: "sa.Connection", features: FeatureSet | None) -> bool:
    """Tell whether any structure in use has neither features nor an entry in quarantine."""
    row = fetch_one(
        connection,
        "representation/lacks_features",
        feature_set=features.number if features else None,
        fingerprint=features.fingerprint if features else "",
        quarantine_source=QUARANTINE_SOURCE,
    )
    return bool(row and row["lacking"])


def _version() -> int:
    # Assets say by this module what is outstanding, so the code location loads it; descriptors it does not need.
    from catalyst_assets.representation.features import FEATURE_VERSION

    return FEATURE_VERSION


def _touch(connection: "sa.Connection", fingerprint: str) -> int:
    (row,) = fetch_all(
        connection, "representation/touch_feature_set", fingerprint=fingerprint, version=_version()
    )
    return int(row["feature_set"])
