"""Predictors in the object store, each under the hash of its bytes."""

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from catalyst_assets.errors import CorruptArtifactError
from catalyst_assets.learning import serialization
from catalyst_assets.learning.heads.head import FittedHead
from catalyst_assets.learning.models.fine_tuned import FineTunedModel

if TYPE_CHECKING:
    from catalyst_assets.learning.predictor import Predictor
    from resources.object_store import ObjectStore

_KINDS: "Final[dict[str | None, type[Predictor]]]" = {
    kind.FORMAT: kind for kind in (FittedHead, FineTunedModel)
}


def store_model(objects: "ObjectStore", model: "Predictor") -> str:
    """Write a model and return its hash; one that is there already stays."""
    data = model.to_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    objects.put_bytes(model_key(sha256), data)
    return sha256


@lru_cache(maxsize=2)
def load_model(objects: "ObjectStore", sha256: str) -> "Predictor":
    """Return a stored model.

    Raises
    ------
    CorruptArtifactError
        Its bytes are gone or have changed, or are of no kind that this version writes.
    """
    remedy = "Materialize `trained_model` of this partition again."
    try:
        data = objects.get_bytes(model_key(sha256))
    except KeyError:
        raise CorruptArtifactError(f"The model {model_key(sha256)} is gone from the store.", remedy) from None
    if hashlib.sha256(data).hexdigest() != sha256:
        raise CorruptArtifactError(f"The model {model_key(sha256)} has changed since it was written.", remedy)
    written = serialization.format_of(data)
    if written not in _KINDS:
        raise CorruptArtifactError(
            f"The model {model_key(sha256)} is in the format {written!r}, and only {', '.join(map(str, _KINDS))} are read.",
            remedy,
        )
    return _KINDS[written].from_bytes(data)


def model_key(sha256: str) -> str:
    """Return where a model lies, alone in its folder: that folder is what the model registry points to."""
    return f"models/trained/{sha256}/model.safetensors"
