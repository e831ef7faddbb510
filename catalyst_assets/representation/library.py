"""Which backbone the platform uses: its weights in the object store under their own hash, and a pointer."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.errors import CorruptArtifactError, LoopError
from catalyst_assets.representation.backbones import Backbone, Origin, read_header
from catalyst_assets.representation.networks.configs import NetworkConfig, PotentialConfig, refuse_training

if TYPE_CHECKING:
    from resources.object_store import ObjectStore

_POINTER: Final = "models/backbones/current.json"
# Building a network takes seconds; the shards of one process share the last one.
_in_memory: dict[str, Backbone] = {}


@dataclass(frozen=True)
class PublishedBackbone:
    """A backbone as it lies in the object store.

    Attributes
    ----------
    is_new
        Whether it was made now, rather than kept because its recipe is unchanged.
    """

    fingerprint: str
    config: NetworkConfig
    origin: Origin
    size_bytes: int
    is_new: bool = field(compare=False)


def publish_backbone(
    objects: "ObjectStore", recipe: Mapping[str, Any], make: Callable[[], Backbone]
) -> PublishedBackbone:
    """Make a backbone the current one; the one that is there is kept while its recipe is the same.

    Parameters
    ----------
    recipe
        Everything that decides what ``make`` returns, as JSON values.
    make
        Called when there is no readable backbone of this recipe.
    """
    recipe = json.loads(json.dumps(recipe))
    current = _read_pointer(objects)
    if current is not None and current["recipe"] == recipe:
        try:
            data = _read_weights(objects, current["fingerprint"])
            return PublishedBackbone(current["fingerprint"], *read_header(data), len(data), is_new=False)
        except (CorruptArtifactError, ValueError, KeyError, TypeError):
            pass  # written again below
    backbone = make()
    size = store_backbone(objects, backbone)
    pointer = {"fingerprint": backbone.fingerprint, "recipe": recipe}
    objects.put_bytes(_POINTER, json.dumps(pointer, sort_keys=True).encode())
    return PublishedBackbone(backbone.fingerprint, backbone.config, backbone.origin, size, is_new=True)


def store_backbone(objects: "ObjectStore", backbone: Backbone) -> int:
    """Store a backbone under its name, without making it the current one; return its size in bytes."""
    data = backbone.to_bytes()
    objects.put_bytes(_key(backbone.fingerprint), data)
    _remember(backbone)
    return len(data)


def current_fingerprint(objects: "ObjectStore") -> str:
    """Return the fingerprint of the current backbone.

    Raises
    ------
    LoopError
        None was published yet.
    """
    pointer = _read_pointer(objects)
    if pointer is None:
        raise LoopError("There is no backbone yet.", "Materialize `backbone`.")
    return str(pointer["fingerprint"])


def require_trainable(objects: "ObjectStore") -> None:
    """Return if the current backbone can be trained here, or there is none yet.

    Raises
    ------
    UsageError
        It is a potential, whose network lies in another environment.
    CorruptArtifactError
        Its weights are missing, or are not those that its fingerprint names.
    """
    pointer = _read_pointer(objects)
    if pointer is None:
        return
    config, _ = read_header(_read_weights(objects, pointer["fingerprint"]))
    if isinstance(config, PotentialConfig):
        raise refuse_training(config.name)


def load_backbone(objects: "ObjectStore", fingerprint: str) -> Backbone:
    """Return a backbone by its fingerprint.

    Raises
    ------
    CorruptArtifactError
        Its weights are missing, or are not those that the fingerprint names.
    """
    data = _read_weights(objects, fingerprint)
    if fingerprint not in _in_memory:
        _remember(Backbone.from_bytes(data))
    return _in_memory[fingerprint]


def _remember(backbone: Backbone) -> None:
    _in_memory.clear()
    _in_memory[backbone.fingerprint] = backbone


def _read_pointer(objects: "ObjectStore") -> dict[str, Any] | None:
    try:
        pointer: dict[str, Any] = json.loads(objects.get_bytes(_POINTER))
    except KeyError:
        return None
    return pointer


def _read_weights(objects: "ObjectStore", fingerprint: str) -> bytes:
    key = _key(fingerprint)
    try:
        data = objects.get_bytes(key)
    except KeyError:
        raise CorruptArtifactError(f"{key} is missing.", "Materialize `backbone` again.") from None
    if hashlib.sha256(data).hexdigest() != fingerprint:
        raise CorruptArtifactError(
            f"{key} does not hold the weights it is named after.", "Materialize `backbone` again."
        )
    return data


def _key(fingerprint: str) -> str:
    return f"models/backbones/{fingerprint}.safetensors"
