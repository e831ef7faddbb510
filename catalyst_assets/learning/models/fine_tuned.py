"""A fine-tuned model: a few networks that predict from structures, and its file.

Together they are a deep ensemble (Lakshminarayanan et al., NeurIPS 2017, arXiv:1612.01474). How they come about
lies in ``fine_tuning``, how what they say is put together in ``pooling``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Final, Self

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.errors import LoopError
from catalyst_assets.learning import serialization
from catalyst_assets.learning.heads.head import assign_folds, typical_of
from catalyst_assets.learning.models.pooling import pool_members
from catalyst_assets.learning.predictor import N_DRAWS, Crystals, Prediction
from catalyst_assets.learning.uncertainty.calibration import Calibration
from catalyst_assets.learning.uncertainty.marginals import Marginal, joint_draws
from catalyst_assets.learning.uncertainty.quantiles import QuantileMap
from catalyst_assets.learning.uncertainty.report import PropertyReport, ValidationReport

if TYPE_CHECKING:
    from catalyst_assets.campaigns.model import FineTuning
    from catalyst_assets.constants import Accelerator
    from catalyst_assets.representation.fitting.fitted import FittedNetwork
    from catalyst_assets.representation.fitting.settings import FitSettings
    from catalyst_assets.representation.graphs import CrystalGraph

_DESCRIPTOR: Final = "desc:"
_GRAPHS_AT_ONCE: Final = 1000


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
    def of(
        cls, wanted: "FineTuning", seed: int, accelerator: "Accelerator" = "auto", devices: int = 1
    ) -> "FineTuneSettings":
        """Read what a campaign asks for."""
        from catalyst_assets.representation.fitting.settings import FitSettings

        asked = wanted.model_dump(include={"depth", "max_epochs", "learning_rate", "patience"})
        fit = FitSettings(**asked, seed=seed, accelerator=accelerator, devices=devices)
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

    FORMAT: ClassVar[str] = "catalyst-fine-tuned-2"

    properties: tuple[str, ...]
    learned: tuple[str, ...]
    members: "tuple[FittedNetwork, ...]"
    calibrations: tuple[Calibration, ...]
    correlation: NDArray[np.float64]
    feature_names: tuple[str, ...]
    judged_rows: tuple[int, ...]
    report: ValidationReport | None
    settings: FineTuneSettings

    @property
    def kinds(self) -> dict[str, str]:
        """What predicts each learned property."""
        return dict.fromkeys(self.learned, "fine_tuned")

    @property
    def choices(self) -> dict[str, dict[str, float]]:
        """No other kind was tried."""
        return {}

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
        n_draws: int = N_DRAWS,
        seed: int = 0,
        crystals: Crystals | None = None,
    ) -> Prediction:
        """Predict materials, with the graphs of a part of them in memory at a time.

        Parameters
        ----------
        features
            Cached features, shape (m, f).
        n_draws
            Joint samples a material.
        seed
            Of the samples.
        crystals
            The m structures.

        Raises
        ------
        LoopError
            The features are others than those it was fitted to, or there are no structures.
        """
        if crystals is None:
            raise LoopError(
                "A fine-tuned model reads structures, and there are none.", "Give it the crystals."
            )
        parts = []
        for start in range(0, len(features), _GRAPHS_AT_ONCE):
            part = slice(start, start + _GRAPHS_AT_ONCE)
            graphs = crystals.read(part, self.cutoff)
            marginals = self.marginals(features[part], graphs, crystals.accelerator)
            mean, std = (
                np.stack(column, axis=-1) for column in zip(*(m.moments() for m in marginals), strict=True)
            )
            parts.append((mean, std, joint_draws(list(marginals), self.correlation, n_draws, seed)))
        return Prediction(self.properties, *(np.concatenate(column) for column in zip(*parts, strict=True)))

    def marginals(
        self,
        features: NDArray[np.float32],
        graphs: "Sequence[CrystalGraph]",
        accelerator: "Accelerator" = "auto",
    ) -> tuple[Marginal, ...]:
        """Return the distribution of each property, of ``features`` of shape (m, f) and the m crystals."""
        from catalyst_assets.representation.devices import choose_device

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
        """Return it as one safetensors file: the networks' own files as byte arrays beside everything else."""
        members = [np.frombuffer(member.to_bytes(), dtype=np.uint8) for member in self.members]
        return serialization.dump((replace(self, members=()), members), self.FORMAT)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Rebuild a model; it predicts the same to the last bit.

        Raises
        ------
        CorruptArtifactError
            The bytes are not those of a fine-tuned model of this version.
        """
        from catalyst_assets.representation.fitting.fitted import FittedNetwork
        from catalyst_assets.representation.fitting.settings import FitSettings

        parts = (FineTuneSettings, FitSettings, Calibration, QuantileMap, ValidationReport, PropertyReport)
        model, members = serialization.load(data, cls.FORMAT, (cls, *parts))
        made: Self = replace(
            model, members=tuple(FittedNetwork.from_bytes(member.tobytes()) for member in members)
        )
        return made


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


def _typical(name: str, n: int) -> Marginal:
    center, spread = typical_of(name)
    return Marginal(-np.inf, np.zeros(n), np.full(n, center), np.full(n, spread))
