"""Which backbone the platform uses: its weights in the object store under their own hash, and a pointer."""

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from catalyst_assets.errors import CorruptArtifactError, LoopError
from catalyst_assets.representation.backbones import Backbone, build_small_mace

if TYPE_CHECKING:
    from resources.object_store import ObjectStore

_POINTER: Final = "models/backbones/current.json"


def publish_small_mace(objects: "ObjectStore", seed: int) -> tuple[Backbone, int]:
    """Build the seeded small MACE, store it and make it the current backbone.

    Returns
    -------
    tuple
        The backbone and the size of its weights in bytes.
    """
    backbone = build_small_mace(seed)
    data = backbone.to_bytes()
    key = _key(backbone.fingerprint)
    if not objects.exists(key):
        objects.put_bytes(key, data)
    objects.put_bytes(_POINTER, json.dumps({"fingerprint": backbone.fingerprint}).encode())
    return backbone, len(data)


def current_fingerprint(objects: "ObjectStore") -> str:
    """Return the fingerprint of the current backbone.

    Raises
    ------
    LoopError
        None was published yet.
    """
    try:
        return str(json.loads(objects.get_bytes(_POINTER))["fingerprint"])
    except KeyError:
        raise LoopError("There is no backbone yet.", "Materialize `backbone`.") from None


def load_backbone(objects: "ObjectStore", fingerprint: str) -> Backbone:
    """Return a backbone by its fingerprint.

    Raises
    ------
    CorruptArtifactError
        Its weights are missing, or are not those that the fingerprint names.
    """
    key = _key(fingerprint)
    try:
        backbone = _rebuild(objects.get_bytes(key))
    except KeyError:
        raise CorruptArtifactError(f"{key} is missing.", "Materialize `backbone` again.") from None
    if backbone.fingerprint != fingerprint:
        raise CorruptArtifactError(
            f"{key} holds the weights {backbone.fingerprint[:12]}.",
            "Remove the file and materialize `backbone` again.",
        )
    return backbone


# Rebuilding the network takes seconds; the shards of one process share it.
@lru_cache(maxsize=1)
def _rebuild(data: bytes) -> Backbone:
    return Backbone.from_bytes(data)


def _key(fingerprint: str) -> str:
    return f"models/backbones/{fingerprint}.safetensors"
