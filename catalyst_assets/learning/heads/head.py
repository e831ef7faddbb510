"""Fitted heads: from cached features to calibrated predictions of every property a campaign names.

Predicting with them and keeping them; how they come about is in ``fitting``, what predicts one property in ``stacked``
and ``deep_ensemble``, how properties are drawn together in ``marginals``.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final, Self

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.campaigns.model import HeadKind
from catalyst_assets.errors import LoopError
from catalyst_assets.learning import serialization
from catalyst_assets.learning.heads.batched_networks import Layer
from catalyst_assets.learning.heads.deep_ensemble import DeepEnsemble, EnsembleModel
from catalyst_assets.learning.heads.floors import Floor, Gate, Rows
from catalyst_assets.learning.heads.forests import Forest
from catalyst_assets.learning.heads.gaussian_process import GaussianProcess
from catalyst_assets.learning.heads.kernel import MaternKernel
from catalyst_assets.learning.heads.property_model import PropertyModel
from catalyst_assets.learning.heads.relations.fidelities import CheapAnswers, Fidelity, add_answers
from catalyst_assets.learning.heads.scaling import Scaling
from catalyst_assets.learning.heads.settings import HeadSettings
from catalyst_assets.learning.heads.sparse_process import SparseProcess
from catalyst_assets.learning.heads.stacked import StackedModel, prior_model
from catalyst_assets.learning.predictor import N_DRAWS, Crystals, Prediction
from catalyst_assets.learning.serialization import OPTIONAL
from catalyst_assets.learning.uncertainty.calibration import Calibration
from catalyst_assets.learning.uncertainty.couplings import Coupling, put_together, spread_together
from catalyst_assets.learning.uncertainty.marginals import joint_draws
from catalyst_assets.learning.uncertainty.quantiles import QuantileMap
from catalyst_assets.learning.uncertainty.report import PropertyReport, ValidationReport
from catalyst_assets.vocabulary.known import known_properties

_UNKNOWN_PRIOR: Final = (0.0, 1.0)
# What a stored head may be made of.
_PARTS: Final = (
    HeadKind, HeadSettings, StackedModel, GaussianProcess, SparseProcess, MaternKernel, Scaling, EnsembleModel,
    DeepEnsemble, Layer, Floor, Gate, Forest, Calibration, QuantileMap, Coupling, Fidelity, ValidationReport,
    PropertyReport,
)  # fmt: skip


@dataclass(frozen=True)
class FittedHead:
    """A fitted model of several properties.

    Attributes
    ----------
    properties
        The p names, in the order of every array.
    models
        One model a property; of one that is coupled, of its remainder.
    correlation
        Shape (p, p): of the normal scores of what the models predict.
    feature_names
        Names of the f features it expects.
    report
        Held-out errors; None for a head that has not learned.
    settings
        How it was fitted.
    calibrations
        One a property; of quantiles only where asked for.
    kinds
        Which kind of head each learned property has.
    choices
        Held-out score of every kind that was fitted to a property; lower is better.
    couplings
        Which properties follow which.
    fidelities
        Which properties are learned on top of a cheap answer; of those the models are of what is left. None without any.
    """

    FORMAT: ClassVar[str] = "catalyst-head-4"

    properties: tuple[str, ...]
    models: tuple[PropertyModel, ...]
    correlation: NDArray[np.float64]
    feature_names: tuple[str, ...]
    report: ValidationReport | None
    settings: HeadSettings
    calibrations: tuple[Calibration, ...]
    kinds: dict[str, HeadKind] = field(default_factory=dict)
    choices: dict[str, dict[HeadKind, float]] = field(default_factory=dict)
    couplings: tuple[Coupling, ...] = ()
    fidelities: tuple[Fidelity, ...] | None = field(default=None, metadata=OPTIONAL)

    @property
    def parameters(self) -> dict[str, object]:
        """What shaped it, by name."""
        slopes = {
            f"slope_of_{self.properties[one.column]}_on_{one.name}": one.slope
            for one in self.fidelities or ()
        }
        return vars(self.settings) | slopes

    def held_out(
        self, labels: NDArray[np.float64], groups: Sequence[str]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return the labels that the report is about, all of them, and the fold of each row.

        Parameters
        ----------
        labels, groups
            What the head was fitted to: shape (n, p), and n chemical systems.
        """
        return labels, assign_folds(groups, self.settings.n_folds, self.settings.seed)

    @property
    def cutoff(self) -> None:
        """No neighbours are wanted: features are enough."""

    def predict(
        self,
        features: NDArray[np.float32],
        n_draws: int = N_DRAWS,
        seed: int = 0,
        crystals: Crystals | None = None,
    ) -> Prediction:
        """Predict materials from their features.

        Parameters
        ----------
        features
            Shape (m, f), finite.
        n_draws
            Joint samples a material.
        seed
            Of the samples.
        crystals
            Not read.
        """
        if features.ndim != 2 or features.shape[1] != len(self.feature_names):
            raise LoopError(
                f"The model expects {len(self.feature_names)} features, not an array of shape {features.shape}.",
                "Compute the features with the backbone that the model was trained with.",
            )
        # In an order of their own, rows give the same numbers to the last bit whatever order they came in.
        order = canonical_order(features)
        ordered = np.ascontiguousarray(features[order], dtype=np.float32)
        cheap = CheapAnswers.of(ordered, self.feature_names)
        rows = Rows(np.ascontiguousarray(cheap.features))
        marginals = [
            calibration.apply(model.predict(rows))
            for model, calibration in zip(self.models, self.calibrations, strict=True)
        ]
        moments = [marginal.moments() for marginal in marginals]
        mean, std = (np.stack(part, axis=-1) for part in zip(*moments, strict=True))
        draws = joint_draws(marginals, self.correlation, n_draws, seed)
        back = np.argsort(order, kind="stable")
        learned = Prediction(
            self.properties,
            put_together(mean, self.couplings),
            spread_together(std, self.correlation, self.couplings),
            put_together(draws, self.couplings),
        )
        whole = add_answers(learned, cheap, self.fidelities or (), seed)
        return Prediction(whole.properties, whole.mean[back], whole.std[back], whole.draws[back])

    def to_bytes(self) -> bytes:
        """Return the head as a safetensors file; ``from_bytes`` predicts the same to the last bit."""
        return serialization.dump(self, self.FORMAT)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Rebuild a head.

        Raises
        ------
        CorruptArtifactError
            The bytes are not a head of this version.
        """
        head: Self = serialization.load(data, cls.FORMAT, (cls, *_PARTS))
        return head


def prior_head(
    properties: Sequence[str], feature_names: Sequence[str], settings: HeadSettings | None = None
) -> FittedHead:
    """Return a head that predicts of every material what is typical of materials."""
    models = tuple(prior_model(*typical_of(name)) for name in properties)
    return FittedHead(
        tuple(properties),
        models,
        np.eye(len(models)),
        tuple(feature_names),
        None,
        settings or HeadSettings(),
        (Calibration(),) * len(models),
    )


def has_typical(name: str) -> bool:
    """Tell whether it is declared what to expect of a property."""
    known = known_properties().get(name)
    return known is not None and known.typical_mean is not None


def typical_of(name: str) -> tuple[float, float]:
    """Return the mean and standard deviation to expect of a property before anything was measured."""
    known = known_properties().get(name)
    return _UNKNOWN_PRIOR if known is None else known.expected


def assign_folds(groups: Sequence[str], n_folds: int, seed: int) -> NDArray[np.int64]:
    """Deal groups out to folds of about equal numbers of rows, by a hash and not by their order."""
    sizes: dict[str, int] = {}
    for group in groups:
        sizes[group] = sizes.get(group, 0) + 1
    dealt = sorted(sizes, key=lambda group: hashlib.sha256(f"{seed}:{group}".encode()).digest())
    load = [0] * n_folds
    fold_of = {}
    for group in dealt:
        fold = load.index(min(load))
        fold_of[group] = fold
        load[fold] += sizes[group]
    return np.array([fold_of[group] for group in groups], dtype=np.int64)


def canonical_order(
    features: NDArray[np.floating], labels: NDArray[np.float64] | None = None
) -> NDArray[np.int64]:
    """Return an order of rows by their own bytes, whatever order they came in; features (n, f), labels (n, p)."""
    keys = [np.ascontiguousarray(row, dtype=np.float32).tobytes() for row in features]
    if labels is not None:
        keys = [key + row.tobytes() for key, row in zip(keys, labels, strict=True)]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=np.int64)
