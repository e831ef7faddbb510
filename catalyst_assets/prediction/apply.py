"""Predicting new structures with a registered version: its model, on features of the backbone it was fitted with."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from catalyst_assets.campaigns.iterations import Iteration, read_iteration
from catalyst_assets.campaigns.labels import learned_from, load_superseded
from catalyst_assets.errors import LoopError, UsageError
from catalyst_assets.learning.cheap_answers import without_answers
from catalyst_assets.learning.models.registry import Origin, find_version
from catalyst_assets.learning.models.stored_models import load_model
from catalyst_assets.learning.predictor import Crystals
from catalyst_assets.prediction.members import PoolPrediction, predict_materials, training_distance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymatgen.core.structure import Structure

    from catalyst_assets.learning.predictor import Predictor
    from resources.mlflow.model_registry import RegisteredVersion
    from resources.platform import Platform


@dataclass(frozen=True)
class LoadedVersion:
    """A registered version, ready to predict.

    Attributes
    ----------
    origin
        What it was made from.
    iteration
        The one it was fitted in.
    superseded
        Labels that it was fitted to and that were corrected or retracted since, as people read them.
    """

    version: "RegisteredVersion"
    origin: Origin
    iteration: Iteration
    model: "Predictor"
    superseded: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Model and number, as a user writes them."""
        return f"{self.version.name}@{self.version.version}"

    @property
    def has_learned(self) -> dict[str, bool]:
        """Whether a property is predicted from labels, not as what is typical of materials; derived ones included."""
        campaign = self.iteration.campaign
        learned = {name: name in self.model.kinds for name in self.model.properties}
        derived = [name for name in campaign.predicted_properties if name not in learned]
        return learned | {
            name: all(learned[argument] for argument in campaign.derive[name].arguments) for name in derived
        }


@dataclass(frozen=True)
class StructurePrediction:
    """What is predicted of structures.

    Attributes
    ----------
    kept
        Indices of the structures that the rows of ``prediction`` are about.
    failures
        Why the others have no prediction, by index.
    """

    prediction: PoolPrediction
    kept: tuple[int, ...]
    failures: dict[int, str]


def load_version(platform: "Platform", reference: str) -> LoadedVersion:
    """Load what ``NAME``, ``NAME@champion`` or ``NAME@3`` refers to; it predicts what it did when it was fitted.

    Raises
    ------
    UsageError
        There is no such version.
    CorruptArtifactError
        Its file is gone from the store or has changed.
    """
    version = find_version(platform.registry, reference)
    origin = Origin.of(version)
    with platform.database.transaction() as connection:
        iteration = read_iteration(connection, origin.partition)
        superseded = load_superseded(connection, partition_keys=[origin.partition]).get(origin.partition, ())
    return LoadedVersion(
        version,
        origin,
        iteration,
        load_model(platform.objects, origin.model_sha256),
        tuple(map(str, learned_from(superseded))),
    )


def predict_structures(
    platform: "Platform", loaded: LoadedVersion, structures: "Sequence[Structure]"
) -> StructurePrediction:
    """Predict every property of the version's campaign, derived ones included; nothing is written.

    Raises
    ------
    UsageError
        None of the structures has features.
    LoopError
        This code computes other features than the version was fitted to.
    """
    from catalyst_assets.representation.features import FEATURE_VERSION, featurize
    from catalyst_assets.representation.graphs import build_graphs
    from catalyst_assets.representation.library import load_backbone

    origin, model, accelerator = loaded.origin, loaded.model, platform.settings.accelerator
    features = featurize(
        structures,
        load_backbone(platform.objects, origin.backbone),
        accelerator=accelerator,
        settings=platform.settings,
    ).informed()
    if loaded.iteration.campaign.prior:
        features = without_answers(features, [str(prior) for prior in loaded.iteration.campaign.prior])
    if origin.feature_version != str(FEATURE_VERSION) or features.names != model.feature_names:
        raise LoopError(
            f"{loaded.name} was fitted to features of another version than this code computes.",
            f"Use a later version, or the code it was fitted with: {origin.code_version}.",
        )
    graphs, unsuitable = ({}, {}) if model.cutoff is None else build_graphs(structures, model.cutoff)
    failures = dict(features.failures) | unsuitable
    kept = [index for index in range(len(structures)) if index not in failures]
    if not kept:
        reasons = next(iter(failures.values()), "No structure was given.")
        raise UsageError(f"Nothing can be predicted. {reasons}")
    prediction = predict_materials(
        model,
        loaded.iteration,
        training_distance(platform.objects, origin.training_set_sha256),
        np.ascontiguousarray(features.values[kept]),
        Crystals(lambda part, _: [graphs[index] for index in kept[part]], accelerator),
        [structures[index].composition.reduced_formula for index in kept],
    )
    return StructurePrediction(prediction, tuple(kept), failures)
