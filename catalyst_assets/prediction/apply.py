"""Predicting new structures with a registered version: its model, on features of the backbone it was fitted with."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from catalyst_assets.campaigns.iterations import Iteration, read_iteration
from catalyst_assets.errors import LoopError, UsageError
from catalyst_assets.learning.heads.head import N_DRAWS, Prediction
from catalyst_assets.learning.models import registry
from catalyst_assets.learning.models.fine_tuned import FineTunedModel
from catalyst_assets.learning.models.stored_models import Model, load_model
from catalyst_assets.learning.uncertainty.distance import fit_distance
from catalyst_assets.seeds import derive_seed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from pymatgen.core.structure import Structure

    from catalyst_assets.representation.graphs import CrystalGraph
    from resources.mlflow.model_registry import RegisteredVersion
    from resources.platform import Platform


@dataclass(frozen=True)
class LoadedVersion:
    """A registered version, ready to predict.

    Attributes
    ----------
    iteration
        The turn it was fitted in.
    """

    version: "RegisteredVersion"
    iteration: Iteration
    model: Model

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

    @property
    def seed(self) -> int:
        """Seed of the joint draws, that of the iteration's own predictions."""
        return derive_seed(self.iteration.campaign.seed, self.iteration.number, "draws")


@dataclass(frozen=True)
class StructurePrediction:
    """What is predicted of structures.

    Attributes
    ----------
    kept
        Indices of the structures that the rows of ``prediction`` are about.
    failures
        Why the others have no prediction, by index.
    distance
        Shape (m,): of the kept structures to what the version was fitted to, 1 is typical of an unseen chemical
        system; None where it was fitted to too little.
    is_outside
        Shape (m,): whether that is further than 95 % of unseen systems.
    """

    prediction: Prediction
    kept: tuple[int, ...]
    failures: dict[int, str]
    distance: "NDArray[np.float64] | None"
    is_outside: "NDArray[np.bool_] | None"


def load_version(platform: "Platform", reference: str) -> LoadedVersion:
    """Load what ``NAME``, ``NAME@champion`` or ``NAME@3`` refers to; it predicts what it did when it was fitted.

    Raises
    ------
    UsageError
        There is no such version.
    CorruptArtifactError
        Its file is gone from the store or has changed.
    """
    version = registry.find_version(platform.registry, reference)
    with platform.database.transaction() as connection:
        iteration = read_iteration(connection, version.tags[registry.PARTITION])
    return LoadedVersion(
        version, iteration, load_model(platform.objects, version.tags[registry.MODEL_SHA256])
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
    from catalyst_assets.prediction.members import append_derived
    from catalyst_assets.representation.features import FEATURE_VERSION, featurize
    from catalyst_assets.representation.library import load_backbone

    tags, accelerator = loaded.version.tags, platform.settings.accelerator
    features = featurize(
        structures, load_backbone(platform.objects, tags[registry.BACKBONE]), accelerator=accelerator
    ).informed()
    if tags[registry.FEATURES] != str(FEATURE_VERSION) or features.names != loaded.model.feature_names:
        raise LoopError(
            f"{loaded.name} was fitted to features of another version than this code computes.",
            f"Use a later version, or the code it was fitted with: {tags[registry.CODE_VERSION]}.",
        )
    failures = dict(features.failures)
    graphs = _build_graphs(loaded.model, structures, failures)
    kept = [index for index in range(len(structures)) if index not in failures]
    if not kept:
        reasons = next(iter(failures.values()), "No structure was given.")
        raise UsageError(f"Nothing can be predicted. {reasons}")
    values = np.ascontiguousarray(features.values[kept])
    model = loaded.model
    if isinstance(model, FineTunedModel):
        learned = model.predict(values, N_DRAWS, loaded.seed, [graphs[index] for index in kept], accelerator)
    else:
        learned = model.predict(values, n_draws=N_DRAWS, seed=loaded.seed)
    formulas = [structures[index].composition.reduced_formula for index in kept]
    with platform.database.transaction() as connection:
        fitted_to = registry.fitted_to(platform.objects, connection, loaded.version)
    measure = fit_distance(fitted_to.features, fitted_to.chemical_systems)
    distance = None if measure is None else measure.measure(values)
    return StructurePrediction(
        append_derived(loaded.iteration.campaign, learned, formulas),
        tuple(kept),
        failures,
        distance,
        None if measure is None or distance is None else measure.is_outside(distance),
    )


def _build_graphs(
    model: Model, structures: "Sequence[Structure]", failures: dict[int, str]
) -> "dict[int, CrystalGraph]":
    """Return the crystals by index, for a model that reads them; those that have no graph join ``failures``."""
    if not isinstance(model, FineTunedModel):
        return {}
    from catalyst_assets.representation.graphs import build_graphs

    graphs, unsuitable = build_graphs(structures, model.cutoff)
    failures |= unsuitable
    return graphs
