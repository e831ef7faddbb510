"""Heads: from cached features to calibrated predictions of every property a campaign names.

Fitting, predicting and keeping them. A head is a pure function of its labels and seed, whatever their order;
what predicts one property is in ``property_model``, how properties are drawn together in ``marginals``.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.constants import PROPERTIES
from catalyst_assets.errors import CorruptArtifactError, LoopError
from catalyst_assets.learning import serialization
from catalyst_assets.learning.marginals import Marginal, joint_draws, normal_scores, score_correlation
from catalyst_assets.learning.property_model import FEWEST_LABELS, HeadSettings, PropertyModel, fit_property
from catalyst_assets.learning.report import ValidationReport, judge

N_DRAWS: Final = 64
_UNKNOWN_PRIOR: Final = (0.0, 1.0)


@dataclass(frozen=True)
class Prediction:
    """What is predicted of m materials.

    Attributes
    ----------
    properties
        The p names.
    mean, std
        Shape (m, p), in each property's unit.
    draws
        Shape (m, k, p): joint samples.
    """

    properties: tuple[str, ...]
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    draws: NDArray[np.float32]


@dataclass(frozen=True)
class FittedHead:
    """A fitted model of several properties.

    Attributes
    ----------
    properties
        The p names, in the order of every array.
    models
        One model a property.
    correlation
        Shape (p, p): of the properties' normal scores.
    feature_names
        Names of the f features it expects.
    report
        Held-out errors; None for a head that has not learned.
    settings
        How it was fitted.
    """

    properties: tuple[str, ...]
    models: tuple[PropertyModel, ...]
    correlation: NDArray[np.float64]
    feature_names: tuple[str, ...]
    report: ValidationReport | None
    settings: HeadSettings
    _cache: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def is_prior(self) -> bool:
        """Whether there was too little to learn from."""
        return self.report is None

    def predict(self, features: NDArray[np.float32], n_draws: int = N_DRAWS, seed: int = 0) -> Prediction:
        """Predict materials from their features.

        Parameters
        ----------
        features
            Shape (m, f), finite.
        n_draws
            Joint samples a material.
        seed
            Of the samples.
        """
        if features.ndim != 2 or features.shape[1] != len(self.feature_names):
            raise LoopError(
                f"The model expects {len(self.feature_names)} features, not an array of shape {features.shape}.",
                "Compute the features with the backbone that the model was trained with.",
            )
        # In an order of their own, rows give the same numbers to the last bit whatever order they came in.
        order = _canonical_order(features)
        ordered = np.ascontiguousarray(features[order], dtype=np.float32)
        gates = {id(model.gate): model.gate for model in self.models if model.gate is not None}
        chances = {key: gate.predict(ordered) for key, gate in gates.items()}
        marginals = [model.predict(ordered, chances.get(id(model.gate))) for model in self.models]
        moments = [marginal.moments() for marginal in marginals]
        draws = joint_draws(marginals, self.correlation, n_draws, seed)
        back = np.argsort(order, kind="stable")
        return Prediction(
            self.properties,
            np.stack([mean for mean, _ in moments], axis=-1)[back],
            np.stack([std for _, std in moments], axis=-1)[back],
            draws[back],
        )

    def to_bytes(self) -> bytes:
        """Return the head as a safetensors file; ``from_bytes`` predicts the same to the last bit."""
        if "bytes" not in self._cache:
            self._cache["bytes"] = serialization.dump(self)
        return bytes(self._cache["bytes"])

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Rebuild a head.

        Raises
        ------
        CorruptArtifactError
            The bytes are not a head of this version.
        """
        try:
            return cls(**serialization.load(data))
        except (ValueError, KeyError, TypeError, json.JSONDecodeError) as error:
            raise CorruptArtifactError(
                f"A stored model cannot be read: {error}.",
                "Materialize trained_model of its iteration again.",
            ) from None

    @property
    def sha256(self) -> str:
        """Hash of ``to_bytes()``."""
        if "sha256" not in self._cache:
            self._cache["sha256"] = hashlib.sha256(self.to_bytes()).hexdigest()
        return str(self._cache["sha256"])


def prior_head(
    properties: Sequence[str], feature_names: Sequence[str], settings: HeadSettings | None = None
) -> FittedHead:
    """Return a head that predicts of every material what is typical of materials."""
    models = tuple(PropertyModel(-np.inf, None, None, (), 0.0, 1.0, *typical_of(name)) for name in properties)
    return FittedHead(
        tuple(properties),
        models,
        np.eye(len(models)),
        tuple(feature_names),
        None,
        settings or HeadSettings(),
    )


def typical_of(name: str) -> tuple[float, float]:
    """Return the mean and standard deviation to expect of a property before anything was measured."""
    known = PROPERTIES.get(name)
    return _UNKNOWN_PRIOR if known is None else (known.typical_mean, known.typical_std)


def fit_head(
    features: NDArray[np.float32],
    feature_names: Sequence[str],
    labels: NDArray[np.float64],
    groups: Sequence[str],
    properties: Sequence[str],
    settings: HeadSettings | None = None,
) -> FittedHead:
    """Fit a head.

    Parameters
    ----------
    features
        Shape (n, f), finite.
    feature_names
        The f names; what stands before ``:`` names the block a feature belongs to.
    labels
        Shape (n, p), NaN where a property was not measured.
    groups
        The n chemical systems: validation never sees one on both sides.
    properties
        The p names.
    settings
        Size and seed.

    Returns
    -------
    With fewer than five labels of a property it predicts what is typical of it; with fewer than five of each
    the whole head does, and has no report.
    """
    settings = settings or HeadSettings()
    counts = np.isfinite(labels).sum(0)
    if not len(labels) or counts.max(initial=0) < FEWEST_LABELS:
        return prior_head(properties, feature_names, settings)
    order = _canonical_order(features, labels)
    rows = np.ascontiguousarray(features[order], dtype=np.float32)
    values = labels[order]
    folds = assign_folds([groups[i] for i in order], settings.n_folds, settings.seed)
    blocks = feature_blocks(feature_names)
    models, reports, curves = [], {}, {}
    scores = np.full(values.shape, np.nan)
    gates: dict[bytes, Any] = {}
    for column, name in enumerate(properties):
        known = np.flatnonzero(np.isfinite(values[:, column]))
        if len(known) < FEWEST_LABELS:
            models.append(PropertyModel(-np.inf, None, None, (), 0.0, 1.0, *typical_of(name)))
            continue
        target = values[known, column]
        prior = typical_of(name) if name in PROPERTIES else _empirical_prior(target)
        model, held_out = fit_property(rows[known], target, folds[known], blocks, prior, settings, gates)
        models.append(model)
        scores[known, column] = normal_scores(held_out, target)
        original = np.argsort(order[known], kind="stable")
        reports[name] = judge(
            Marginal(held_out.floor, *(part[original] for part in _parts(held_out))),
            target[original],
            folds[known][original],
            settings.seed,
        )
        if model.process is not None:
            curves[f"{name}/negative_log_marginal_likelihood"] = model.process.curve
    return FittedHead(
        tuple(properties),
        tuple(models),
        score_correlation(scores),
        tuple(feature_names),
        ValidationReport(reports, curves),
        settings,
    )


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


def feature_blocks(feature_names: Sequence[str]) -> list[NDArray[np.int64]]:
    """Return the columns of each block, by what stands before ``:`` in their names."""
    blocks: dict[str, list[int]] = {}
    for column, name in enumerate(feature_names):
        blocks.setdefault(name.partition(":")[0] if ":" in name else "", []).append(column)
    return [np.array(blocks[block], dtype=np.int64) for block in sorted(blocks)]


def _canonical_order(
    features: NDArray[np.floating], labels: NDArray[np.float64] | None = None
) -> NDArray[np.int64]:
    keys = [np.ascontiguousarray(row, dtype=np.float32).tobytes() for row in features]
    if labels is not None:
        keys = [key + row.tobytes() for key, row in zip(keys, labels, strict=True)]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=np.int64)


def _empirical_prior(target: NDArray[np.float64]) -> tuple[float, float]:
    return float(target.mean()), max(float(target.std()), 1e-6)


def _parts(marginal: Marginal) -> tuple[NDArray[np.float64], ...]:
    return marginal.floor_probability, marginal.center, marginal.spread
