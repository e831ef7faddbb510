"""A fine-tuned model: a few networks that predict from structures, and how what they say is put together.

Together they are a deep ensemble (Lakshminarayanan et al., NeurIPS 2017, arXiv:1612.01474). How they come about
lies in ``fine_tuning``, what they are in a file in ``fine_tuned_files``.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.errors import LoopError
from catalyst_assets.learning.heads.head import Prediction, assign_folds, typical_of
from catalyst_assets.learning.uncertainty.calibration import Calibration
from catalyst_assets.learning.uncertainty.marginals import Marginal, joint_draws
from catalyst_assets.learning.uncertainty.report import ValidationReport

if TYPE_CHECKING:
    from catalyst_assets.campaigns.model import FineTuning
    from catalyst_assets.constants import Accelerator
    from catalyst_assets.representation.fitting.fitted import FittedNetwork
    from catalyst_assets.representation.fitting.head import HurdlePrediction
    from catalyst_assets.representation.fitting.settings import FitSettings
    from catalyst_assets.representation.graphs import CrystalGraph

_DESCRIPTOR: Final = "desc:"


@dataclass(frozen=True)
class FineTuneSettings:
    """How networks are adapted.

    Attributes
    ----------
    members
        How many there are.
    n_folds
        Into how many folds of chemical systems the labels are dealt; each member leaves one out.
    fit
        How each is fitted; its seed is derived for each member.
    """

    members: int
    n_folds: int
    fit: "FitSettings"

    @classmethod
    def of(cls, wanted: "FineTuning", seed: int, accelerator: "Accelerator" = "auto") -> "FineTuneSettings":
        """Read what a campaign asks for."""
        from catalyst_assets.representation.fitting.settings import FitSettings

        fit = FitSettings(
            depth=wanted.depth,
            max_epochs=wanted.max_epochs,
            learning_rate=wanted.learning_rate,
            patience=wanted.patience,
            seed=seed,
            accelerator=accelerator,
        )
        return cls(wanted.members, max(wanted.folds, wanted.members), fit)


@dataclass(frozen=True)
class FineTunedModel:
    """Networks that predict from structures.

    Attributes
    ----------
    properties
        The p names, in the order of every array.
    learned
        Those of them with labels enough; of the others what is typical is predicted.
    members
        The networks; each predicts the learned properties.
    calibrations
        One a learned property.
    correlation
        Shape (p, p): of the properties' normal scores.
    feature_names
        Of the cached features that come with each structure; networks read its descriptors among them.
    judged_rows
        Which of the rows it was made from were left out, and are what the report is about.
    report
        Held-out errors.
    settings
        How it was made.
    """

    properties: tuple[str, ...]
    learned: tuple[str, ...]
    members: "tuple[FittedNetwork, ...]"
    calibrations: tuple[Calibration, ...]
    correlation: NDArray[np.float64]
    feature_names: tuple[str, ...]
    judged_rows: tuple[int, ...]
    report: ValidationReport | None
    settings: FineTuneSettings
    _cache: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def is_prior(self) -> bool:
        """Whether there was too little to learn from: never."""
        return False

    @property
    def kinds(self) -> dict[str, str]:
        """What predicts each learned property."""
        return dict.fromkeys(self.learned, "fine_tuned")

    @property
    def parameters(self) -> dict[str, object]:
        """What shaped it, by name."""
        return {"members": self.settings.members, "n_folds": self.settings.n_folds, **vars(self.settings.fit)}

    @property
    def cutoff(self) -> float:
        """Radius within which the networks want neighbours, Å."""
        return self.members[0].network.cutoff

    def predict(
        self,
        features: NDArray[np.float32],
        n_draws: int,
        seed: int,
        graphs: "Sequence[CrystalGraph]",
        accelerator: "Accelerator" = "auto",
    ) -> Prediction:
        """Predict materials.

        Parameters
        ----------
        features
            Cached features, shape (m, f).
        n_draws
            Joint samples a material.
        seed
            Of the samples.
        graphs
            The m crystals, with neighbours within ``cutoff``.
        accelerator
            Where the networks run.
        """
        marginals = self.marginals(features, graphs, accelerator)
        moments = [marginal.moments() for marginal in marginals]
        return Prediction(
            self.properties,
            np.stack([mean for mean, _ in moments], axis=-1),
            np.stack([std for _, std in moments], axis=-1),
            joint_draws(list(marginals), self.correlation, n_draws, seed),
        )

    def marginals(
        self,
        features: NDArray[np.float32],
        graphs: "Sequence[CrystalGraph]",
        accelerator: "Accelerator" = "auto",
    ) -> tuple[Marginal, ...]:
        """Return the distribution of each property, of ``features`` of shape (m, f) and the m crystals."""
        from catalyst_assets.representation.batching import choose_device

        extra = descriptors_among(features, self.feature_names)
        device = choose_device(accelerator)
        by_member = [member.predict(graphs, extra, device=device) for member in self.members]
        pooled = {}
        for column, name in enumerate(self.learned):
            marginal = pool_members([predictions[column] for predictions in by_member])
            pooled[name] = self.calibrations[column].apply(marginal)
        return tuple(pooled.get(name) or _typical(name, len(graphs)) for name in self.properties)

    def held_out(
        self, labels: NDArray[np.float64], groups: Sequence[str]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return the labels that the report is about, NaN for others, and the fold of each row.

        Parameters
        ----------
        labels, groups
            What the model was made from: shape (n, p), and n chemical systems.
        """
        judged = np.full_like(labels, np.nan)
        rows = list(self.judged_rows)
        judged[rows] = labels[rows]
        return judged, assign_folds(groups, self.settings.n_folds, self.settings.fit.seed)

    @property
    def n_parameters(self) -> int:
        """Weights of one network and its head."""
        parts = (self.members[0].network, self.members[0].head)
        return sum(weights.numel() for part in parts for weights in part.parameters())

    def to_bytes(self) -> bytes:
        """Return the networks as one safetensors file."""
        from catalyst_assets.learning.models import fine_tuned_files

        if "bytes" not in self._cache:
            self._cache["bytes"] = fine_tuned_files.dump(self)
        return bytes(self._cache["bytes"])

    @property
    def sha256(self) -> str:
        """Hash of ``to_bytes()``."""
        if "sha256" not in self._cache:
            self._cache["sha256"] = hashlib.sha256(self.to_bytes()).hexdigest()
        return str(self._cache["sha256"])


def descriptors_among(features: NDArray[np.float32], feature_names: Sequence[str]) -> NDArray[np.float32]:
    """Return the elemental descriptors among cached features, shape (m, d).

    Raises
    ------
    LoopError
        The features are others than those named.
    """
    if features.ndim != 2 or features.shape[1] != len(feature_names):
        raise LoopError(
            f"The model expects {len(feature_names)} features, not an array of shape {features.shape}.",
            "Compute the features with the backbone that the model was trained with.",
        )
    columns = [column for column, name in enumerate(feature_names) if name.startswith(_DESCRIPTOR)]
    return np.ascontiguousarray(features[:, columns])


def join_rows(parts: Sequence[Marginal]) -> Marginal:
    """Put the rows of several predictions one after the other; one without the common floor is above it."""
    floor = _common_floor(parts)
    chances = [_chance_of(part, floor) for part in parts]
    centers = [part.center for part in parts]
    return Marginal(
        floor,
        np.concatenate(chances),
        np.concatenate(centers),
        np.concatenate([part.spread for part in parts]),
    )


def pool_members(predictions: "Sequence[HurdlePrediction]") -> Marginal:
    """Mix what several networks predict of the same rows."""
    floor = _common_floor(predictions)
    centers = np.stack([prediction.center for prediction in predictions])
    variances = np.stack([prediction.spread**2 for prediction in predictions])
    return Marginal(
        floor,
        np.mean([_chance_of(prediction, floor) for prediction in predictions], axis=0),
        centers.mean(0),
        np.sqrt(variances.mean(0) + centers.var(0)),
    )


def _common_floor(parts: "Sequence[HurdlePrediction | Marginal]") -> float:
    return min((part.floor for part in parts if np.isfinite(part.floor)), default=-np.inf)


def _chance_of(part: "HurdlePrediction | Marginal", floor: float) -> NDArray[np.float64]:
    same = part.floor == floor and np.isfinite(floor)
    return part.floor_probability if same else np.zeros(len(part.center))


def _typical(name: str, n: int) -> Marginal:
    center, spread = typical_of(name)
    return Marginal(-np.inf, np.zeros(n), np.full(n, center), np.full(n, spread))
