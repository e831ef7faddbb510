"""Predicting materials with an iteration's model: what is learned, what physics derives, how far away they are.

Nothing is written here; how a whole pool is predicted and promoted is ``scoring``'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from catalyst_assets.campaigns.derived import derive_values
from catalyst_assets.errors import LoopError
from catalyst_assets.learning.heads.head import N_DRAWS, Prediction
from catalyst_assets.learning.models.fine_tuned import FineTunedModel
from catalyst_assets.learning.models.stored_models import load_model
from catalyst_assets.learning.training import PROVENANCE
from catalyst_assets.learning.training_set import TrainingSet, load_training_set, read_training_set
from catalyst_assets.learning.uncertainty.distance import TrainingDistance, fit_distance
from catalyst_assets.representation.library import current_fingerprint
from catalyst_assets.representation.store import load_features
from catalyst_assets.representation.structures import read_graphs
from catalyst_assets.seeds import derive_seed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from catalyst_assets.campaigns.iterations import Iteration
    from catalyst_assets.campaigns.model import Campaign
    from catalyst_assets.constants import Accelerator
    from resources.object_store import ObjectStore
    from resources.postgres.database import Database

_GRAPHS_AT_ONCE: Final = 1000


@dataclass(frozen=True)
class PoolPrediction(Prediction):
    """What is predicted of a pool, and how far its materials are from what the model was fitted to.

    Attributes
    ----------
    distance
        Shape (m,), in units of what an unseen chemical system typically has; None where it was not measured.
    distance_threshold
        Further away is out of distribution.
    """

    distance: "NDArray[np.float64] | None" = None
    distance_threshold: float | None = None

    @property
    def is_outside(self) -> "NDArray[np.bool_] | None":
        """Whether each material is out of distribution, shape (m,); None where it was not measured."""
        if self.distance is None or self.distance_threshold is None:
            return None
        return np.asarray(self.distance > self.distance_threshold)


def predict_members(
    database: "Database",
    objects: "ObjectStore",
    iteration: "Iteration",
    model_sha256: str,
    material_ids: Sequence[str],
    structure_hashes: Sequence[str],
    formulas: Sequence[str],
    accelerator: "Accelerator" = "auto",
) -> PoolPrediction:
    """Predict materials, derived properties and distances included.

    A head reads their stored features, a fine-tuned model their structures as well. A material's draws depend on
    the model and the material alone, not on which others are predicted with it; a fine-tuned model's to about six
    digits, since its networks compute in single precision.
    """
    model = load_model(objects, model_sha256)
    features = load_features(objects, backbone_of(objects, iteration), structure_hashes).informed()
    if features.failures:
        raise LoopError(
            f"{len(features.failures)} structures of the pool have no features.",
            "Materialize `structure_embeddings`, then this partition again.",
        )
    seed = derive_seed(iteration.campaign.seed, iteration.number, "draws")
    if isinstance(model, FineTunedModel):
        learned = _predict_crystals(database, model, features.values, structure_hashes, seed, accelerator)
    else:
        learned = model.predict(features.values, n_draws=N_DRAWS, seed=seed)
    whole = append_derived(iteration.campaign, learned, formulas)
    measure = load_training_distance(objects, iteration)
    return PoolPrediction(
        **vars(whole),
        distance=None if measure is None else measure.measure(features.values),
        distance_threshold=None if measure is None else measure.threshold,
    )


def _predict_crystals(
    database: "Database",
    model: FineTunedModel,
    features: "NDArray[np.float32]",
    structure_hashes: Sequence[str],
    seed: int,
    accelerator: "Accelerator",
) -> Prediction:
    """Predict from structures, with the graphs of a part of them in memory at a time."""
    parts = []
    for start in range(0, len(structure_hashes), _GRAPHS_AT_ONCE):
        part = slice(start, start + _GRAPHS_AT_ONCE)
        graphs = read_graphs(database, structure_hashes[part], model.cutoff)
        parts.append(model.predict(features[part], N_DRAWS, seed, graphs, accelerator))
    mean, std, draws = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("mean", "std", "draws")
    )
    return Prediction(model.properties, mean, std, draws)


def load_training_distance(objects: "ObjectStore", iteration: "Iteration") -> TrainingDistance | None:
    """Return what measures distances to what an iteration's model was fitted to; None with too little in it."""
    fitted_to = _fitted_to(iteration)
    return None if fitted_to is None else _distance_to(objects, fitted_to)


@lru_cache(maxsize=2)
def _distance_to(objects: "ObjectStore", training_set_sha256: str) -> TrainingDistance | None:
    # The shards of one process share it: measuring a training set takes longer than a shard.
    training_set = read_training_set(objects, training_set_sha256)
    return fit_distance(training_set.features, training_set.chemical_systems)


def training_set_of(objects: "ObjectStore", iteration: "Iteration") -> TrainingSet:
    """Return what the iteration's model was fitted to, or the iteration's training set before there is a model.

    Raises
    ------
    LoopError
        There is neither.
    CorruptArtifactError
        The stored bytes are gone or not those that were recorded.
    """
    return load_training_set(objects, replace(iteration, training_set_sha256=_fitted_to(iteration)))


def backbone_of(objects: "ObjectStore", iteration: "Iteration") -> str:
    """Return the backbone that the iteration's model was fitted with: another one may be the current one by now."""
    fitted_to = _fitted_to(iteration)
    if fitted_to is None:
        return current_fingerprint(objects)
    return read_training_set(objects, fitted_to).provenance["backbone"]


def _fitted_to(iteration: "Iteration") -> str | None:
    """Return the training set of the iteration's model; the iteration may have got another one since."""
    made_from = iteration.metrics.get(PROVENANCE) or {}
    found: str | None = made_from.get("training_set_sha256") or iteration.training_set_sha256
    return found


def append_derived(campaign: "Campaign", prediction: Prediction, formulas: Sequence[str]) -> Prediction:
    """Add what known physics computes from the learned properties, draw by draw."""
    derived = campaign.predicted_properties[len(campaign.learned_properties) :]
    if not derived:
        return prediction
    place = {name: position for position, name in enumerate(prediction.properties)}
    means, stds, draws = [prediction.mean], [prediction.std], [prediction.draws]
    for name in derived:
        arguments = campaign.derive[name].arguments
        sampled = {one: prediction.draws[:, :, place[one]].astype(np.float64) for one in arguments}
        middle = {one: prediction.mean[:, [place[one]]] for one in arguments}
        samples = derive_values(campaign, name, sampled, formulas)
        means.append(derive_values(campaign, name, middle, formulas))
        stds.append(samples.std(axis=1, keepdims=True))
        draws.append(samples[:, :, None].astype(np.float32))
    return Prediction(
        properties=campaign.predicted_properties,
        mean=np.concatenate(means, axis=1),
        std=np.concatenate(stds, axis=1),
        draws=np.concatenate(draws, axis=2),
    )
