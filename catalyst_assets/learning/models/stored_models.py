"""Models in the object store, each under the hash of its bytes: heads on cached features, fine-tuned networks."""

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING

from catalyst_assets.errors import CorruptArtifactError
from catalyst_assets.learning.heads.head import FittedHead
from catalyst_assets.learning.models import fine_tuned_files
from catalyst_assets.learning.models.fine_tuned import FineTunedModel

if TYPE_CHECKING:
    from resources.object_store import ObjectStore

Model = FittedHead | FineTunedModel


def store_model(objects: "ObjectStore", model: Model) -> str:
    """Write a model and return its hash; one that is there already stays."""
    objects.put_bytes(model_key(model.sha256), model.to_bytes())
    return model.sha256


@lru_cache(maxsize=2)
def load_model(objects: "ObjectStore", sha256: str) -> Model:
    """Return a stored model.

    Raises
    ------
    CorruptArtifactError
        Its bytes are gone or have changed.
    """
    remedy = "Materialize `trained_model` of this partition again."
    try:
        data = objects.get_bytes(model_key(sha256))
    except KeyError:
        raise CorruptArtifactError(f"The model {model_key(sha256)} is gone from the store.", remedy) from None
    if hashlib.sha256(data).hexdigest() != sha256:
        raise CorruptArtifactError(f"The model {model_key(sha256)} has changed since it was written.", remedy)
    return (
        fine_tuned_files.load(data) if fine_tuned_files.is_fine_tuned(data) else FittedHead.from_bytes(data)
    )


def model_key(sha256: str) -> str:
    """Return where a model lies, alone in its folder: that folder is what the model registry points to."""
    return f"models/trained/{sha256}/model.safetensors"
