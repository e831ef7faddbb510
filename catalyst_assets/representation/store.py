"""Features of structures, computed once: Parquet shards in the object store, named by what they hold.

A shard lies under the backbone's fingerprint and the version of our own features, is named by the
structures it covers, and is never changed; so any number of workers may write at a time. Its name begins with the
first and the last of them, so that a few structures are found without opening every shard.
"""

import bisect
import hashlib
import io
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from catalyst_assets.errors import CorruptArtifactError
from catalyst_assets.representation.columns import COLUMNS
from catalyst_assets.representation.features import FEATURE_VERSION, Features

if TYPE_CHECKING:
    from resources.object_store import ObjectStore

_STRUCTURE, _FEATURES = COLUMNS
_PREFIX: Final = 12
_FAILED: Final = "No features: the structure waits for `structure_embeddings`, or is in quarantine."


def shard_key(fingerprint: str, structure_hashes: Sequence[str]) -> str:
    """Return where the features of a set of structures lie."""
    ordered = sorted(structure_hashes)
    covered = hashlib.sha256("\n".join(ordered).encode()).hexdigest()
    first, last = (ordered[0], ordered[-1]) if ordered else ("", "")
    return f"{_folder(fingerprint)}/{first[:_PREFIX]}-{last[:_PREFIX]}-{covered}.parquet"


def write_shard(
    objects: "ObjectStore", fingerprint: str, structure_hashes: Sequence[str], features: Features
) -> str:
    """Store the features of structures, failed ones left out, and return the key."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kept = [index for index in range(len(structure_hashes)) if index not in features.failures]
    values = np.ascontiguousarray(features.values[kept], dtype=np.float32)
    width = len(features.names)
    table = pa.table(
        {
            _STRUCTURE: pa.array([structure_hashes[index] for index in kept], pa.string()),
            _FEATURES: pa.FixedSizeListArray.from_arrays(pa.array(values.ravel(), pa.float32()), width),
        }
    ).replace_schema_metadata({"names": json.dumps(features.names)})
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    key = shard_key(fingerprint, structure_hashes)
    objects.put_bytes(key, buffer.getvalue())
    return key


def list_stored(
    objects: "ObjectStore", fingerprint: str, structure_hashes: Sequence[str]
) -> list[str] | None:
    """Return which of these structures have features in their shard; None while it is not written."""
    key = shard_key(fingerprint, structure_hashes)
    if not objects.exists(key):
        return None
    stored: list[str] = _read(objects, key, [_STRUCTURE]).column(_STRUCTURE).to_pylist()
    return stored


def missing(objects: "ObjectStore", fingerprint: str, structure_hashes: Sequence[str]) -> list[str]:
    """Return those structures that have no features yet, each once, sorted."""
    wanted = set(structure_hashes)
    for key in objects.list_keys(_folder(fingerprint)):
        wanted -= set(_read(objects, key, [_STRUCTURE]).column(_STRUCTURE).to_pylist())
    return sorted(wanted)


def load_features(objects: "ObjectStore", fingerprint: str, structure_hashes: Sequence[str]) -> Features:
    """Return the features of structures in the order asked; ``failures`` names those that have none.

    Their names are known even when no structure is asked for.

    Raises
    ------
    CorruptArtifactError
        Shards disagree about the names of the features.
    """
    places: dict[str, list[int]] = {}
    for index, structure_hash in enumerate(structure_hashes):
        places.setdefault(structure_hash, []).append(index)
    names: tuple[str, ...] = ()
    values = np.zeros((len(structure_hashes), 0), dtype=np.float32)
    found: set[str] = set()
    keys = list(objects.list_keys(_folder(fingerprint)))
    prefixes = sorted({name[:_PREFIX] for name in places})
    # One shard tells the names even when it holds none of the structures.
    for key in [key for key in keys if _may_hold(key, prefixes)] or keys[:1]:
        table = _read(objects, key, None)
        hashes = table.column(_STRUCTURE).to_pylist()
        shard_names = tuple(json.loads(table.schema.metadata[b"names"]))
        if not names:
            names = shard_names
            values = np.zeros((len(structure_hashes), len(names)), dtype=np.float32)
        elif shard_names != names:
            raise CorruptArtifactError(
                f"{key} holds other features than the shards beside it.",
                "Remove the file and materialize `structure_embeddings` again.",
            )
        rows = [row for row, name in enumerate(hashes) if name in places and name not in found]
        block = table.column(_FEATURES).combine_chunks()
        shard = np.asarray(block.flatten(), dtype=np.float32).reshape(-1, len(names))
        for row in rows:
            values[places[hashes[row]]] = shard[row]
        found.update(hashes[row] for row in rows)
    absent = {i: _FAILED for i, name in enumerate(structure_hashes) if name not in found}
    return Features(values, names, absent)


def _may_hold(key: str, prefixes: Sequence[str]) -> bool:
    """Tell whether any of the sorted beginnings of hashes lies between a shard's first and last."""
    parts = key.rpartition("/")[2].split("-")
    if len(parts) != 3:
        return True
    first, last, _ = parts
    place = bisect.bisect_left(prefixes, first)
    return place < len(prefixes) and prefixes[place] <= last


def _folder(fingerprint: str) -> str:
    return f"embeddings/{fingerprint}-v{FEATURE_VERSION}"


def _read(objects: "ObjectStore", key: str, columns: list[str] | None) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(io.BytesIO(objects.get_bytes(key)), columns=columns)
    except pa.ArrowInvalid as error:
        raise CorruptArtifactError(
            f"{key} is not a Parquet file: {error}.",
            "Remove the file and materialize `structure_embeddings` again.",
        ) from error
