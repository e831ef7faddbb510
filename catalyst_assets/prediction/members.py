"""Predicting materials with a model: what is learned, what physics derives, how far away they are.

Nothing is written here. Materials of a pool come with stored features and structures; new ones are ``apply``'s, and
how a whole pool is predicted and promoted is ``versions``'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from catalyst_assets.campaigns.derived import derive_values
from catalyst_assets.errors import LoopError
from catalyst_assets.learning.heads.relations.fidelities import own_columns
from catalyst_assets.learning.models.stored_models import load_model
from catalyst_assets.learning.predictor import N_DRAWS, Crystals, Prediction
from catalyst_assets.learning.training_set import load_model_features, read_training_set
from catalyst_assets.learning.uncertainty.distance import TrainingDistance, fit_distance
from catalyst_assets.representation.structures import read_graphs
from catalyst_assets.seeds import derive_seed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from catalyst_assets.campaigns.iterations import Iteration
    from catalyst_assets.campaigns.model import Campaign
    from catalyst_assets.constants import Accelerator
    from catalyst_assets.learning.predictor import Predictor
    from resources.object_store import ObjectStore
    from resources.postgres.database import Database


@dataclass(frozen=True)
class PoolPrediction(Prediction):
    """What is predicted of materials, and how far they are from what the model was fitted to.

    Attributes
    ----------
    distance
        Shape (m,), in units of what an unseen chemical system typically has; None where it was not measured.
    distance_threshold
        Further away is out of distribution: 95 % of unseen systems are nearer.
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
    structure_hashes: Sequence[str],
    formulas: Sequence[str],
    accelerator: "Accelerator" = "auto",
) -> PoolPrediction:
    """Predict materials that are stored, derived properties and distances included.

    A material's draws depend on the model and the material alone, not on which others are predicted with it; a
    fine-tuned model's to about six digits, since its networks compute in single precision.
    """
    features = load_model_features(objects, iteration, structure_hashes)
    if features.failures:
        raise LoopError(
            f"{len(features.failures)} structures of the pool have no features.",
            "Materialize `structure_embeddings`, then this partition again.",
        )
    crystals = Crystals(
        lambda part, cutoff: read_graphs(database, structure_hashes[part], cutoff), accelerator
    )
    model, measure = load_model(objects, model_sha256), training_distance(objects, iteration.fitted_to)
    return predict_materials(model, iteration, measure, features.values, crystals, formulas)


def predict_materials(
    model: "Predictor",
    iteration: "Iteration",
    measure: TrainingDistance | None,
    features: "NDArray[np.float32]",
    crystals: Crystals,
    formulas: Sequence[str],
) -> PoolPrediction:
    """Predict materials from their features of shape (m, f) and their structures, as the model's iteration does."""
    seed = derive_seed(iteration.campaign.seed, iteration.number, "draws")
    whole = append_derived(
        iteration.campaign, model.predict(features, N_DRAWS, seed, crystals=crystals), formulas
    )
    if measure is None:
        return PoolPrediction(**vars(whole))
    return PoolPrediction(
        **vars(whole),
        distance=measure.measure(features[:, own_columns(model.feature_names)]),
        distance_threshold=measure.threshold,
    )


@lru_cache(maxsize=2)
def training_distance(objects: "ObjectStore", training_set_sha256: str | None) -> TrainingDistance | None:
    """Return what measures distances to a training set; None without one or with too little in it."""
    # The shards of one process share it: measuring a training set takes longer than a shard.
    if training_set_sha256 is None:
        return None
    training_set = read_training_set(objects, training_set_sha256)
    return fit_distance(training_set.own_features, training_set.chemical_systems)


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
