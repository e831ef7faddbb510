"""Cheap answers that a property is learned on top of: a multiple of the cheap answer, and a smooth remainder.

Kennedy and O'Hagan, Biometrika 87, 1 (2000): y = slope * cheap + rest, where the rest is learned as a property itself
would be. Cheap answers come as columns beside the features, so that whoever carries features carries them too: the answer,
and its standard deviation where it is not known and was filled (``learning.cheap_answers``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.learning.heads.property_model import FEWEST_FOR_A_HEAD
from catalyst_assets.learning.heads.relations.coupling import whiten
from catalyst_assets.learning.predictor import Prediction
from catalyst_assets.learning.uncertainty.label_noise import known_noise
from catalyst_assets.learning.uncertainty.marginals import normal_points
from catalyst_assets.representation.fitting.floors import find_floor
from catalyst_assets.vocabulary.known import zero_inflated

_VALUE: Final = "prior:"
_DEVIATION: Final = "prior_deviation:"
# How far the slope may be from one of the same property, before any label: other methods seldom scale it by more.
_SAME_PROPERTY: Final = 0.15
# And from none of another, in units of the ratio of the spreads.
_OTHER_PROPERTY: Final = 0.5
# A relation shows in a part of many rows.
_MOST_ROWS: Final = 1000
_LEAST_DEVIATION: Final = 1e-9


@dataclass(frozen=True)
class Fidelity:
    """The cheap answer that one property is learned on top of.

    Attributes
    ----------
    column
        Of the property.
    name
        Of the cheap answer: ``property@method``.
    slope
        By how much the property moves with it.
    center
        The cheap answer at which nothing is added.
    expected, spread
        Mean and standard deviation of the cheap answer, for materials of which it is not known.
    lowest
        What many values of the property share at the lowest; minus infinity where they share nothing.
    """

    column: int
    name: str
    slope: float
    center: float
    expected: float
    spread: float
    lowest: float


@dataclass(frozen=True)
class CheapAnswers:
    """Features of n materials, and their cheap answers apart.

    Attributes
    ----------
    features
        Shape (n, f).
    feature_names
        The f names.
    names
        Of the k cheap answers, from the cheapest to the dearest.
    values, deviations
        Shape (n, k) each: NaN where there is no answer, 0 where one is known.
    """

    features: NDArray[np.float32]
    feature_names: tuple[str, ...]
    names: tuple[str, ...]
    values: NDArray[np.float64]
    deviations: NDArray[np.float64]

    @classmethod
    def of(cls, features: NDArray[np.float32], feature_names: Sequence[str]) -> Self:
        """Take cheap answers out of features of shape (n, f + 2k)."""
        place = {name: column for column, name in enumerate(feature_names)}
        kept = own_columns(feature_names)
        names = tuple(name.removeprefix(_VALUE) for name in feature_names if name.startswith(_VALUE))
        return cls(
            features[:, kept] if names else features,
            tuple(feature_names[column] for column in kept),
            names,
            features[:, [place[_VALUE + name] for name in names]].astype(np.float64),
            features[:, [place[_DEVIATION + name] for name in names]].astype(np.float64),
        )

    def offsets(
        self, fidelities: Sequence[Fidelity], n_properties: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return what cheap answers add to each property, and its standard deviation, shape (n, p) each."""
        added = np.zeros((len(self.values), n_properties))
        deviation = np.zeros_like(added)
        for one in fidelities:
            cheap = self.values[:, self.names.index(one.name)]
            blur = self.deviations[:, self.names.index(one.name)]
            known = np.isfinite(cheap)
            added[:, one.column] = one.slope * (np.where(known, cheap, one.expected) - one.center)
            deviation[:, one.column] = abs(one.slope) * np.where(known, blur, one.spread)
        return added, deviation


def own_columns(feature_names: Sequence[str]) -> list[int]:
    """Return the columns of features that are no cheap answers."""
    return [column for column, name in enumerate(feature_names) if not name.startswith((_VALUE, _DEVIATION))]


def answer_columns(names: Sequence[str]) -> tuple[str, ...]:
    """Name the columns that cheap answers take beside the features: all values, then all deviations."""
    return (*(_VALUE + name for name in names), *(_DEVIATION + name for name in names))


def find_fidelities(
    cheap: CheapAnswers,
    labels: NDArray[np.float64],
    properties: Sequence[str],
    typical: Sequence[tuple[float, float]],
    noise: NDArray[np.float64] | None,
    seed: int,
) -> tuple[Fidelity, ...]:
    """Find what each property is learned on top of.

    It is the dearest cheap answer of the same property, or, where there is none, of another property the one that
    explains most of it. The slope is that of least absolute deviations of what is
    left when whatever is smooth in the features is taken out, drawn towards one for the same property and
    towards none for another.

    Parameters
    ----------
    labels
        Shape (n, p), NaN where not known.
    properties
        The p names.
    typical
        Mean and standard deviation to expect of each property.
    noise
        Shape (n, p), 0 where none is known; None where it is nowhere.
    seed
        Chooses among many rows.
    """
    found = []
    for column, name in enumerate(properties):
        same = [one for one in cheap.names if one.partition("@")[0] == name]
        usual = 1.0 if same else 0.0
        rows = np.flatnonzero(np.isfinite(labels[:, column]))
        if len(rows) > _MOST_ROWS:
            rows = np.sort(np.random.default_rng(seed).permutation(rows)[:_MOST_ROWS])
        if len(rows) < FEWEST_FOR_A_HEAD:
            if same:
                mean, std = typical[column]
                found.append(Fidelity(column, same[-1], usual, mean, mean, std, -np.inf))
            continue
        target = labels[rows, column]
        tried = [
            _fit(cheap, one, rows, target, usual, None if noise is None else noise[rows, column])
            for one in (same[-1:] or cheap.names)
        ]
        explained, fitted = max(tried, key=lambda each: each[0])
        if explained > 0:
            lowest = find_floor(target, zero_inflated(name))
            found.append(Fidelity(column, *fitted, lowest))
    return tuple(found)


def _fit(
    cheap: CheapAnswers,
    name: str,
    rows: NDArray[np.int64],
    target: NDArray[np.float64],
    usual: float,
    noise: NDArray[np.float64] | None,
) -> tuple[float, tuple[str, float, float, float, float]]:
    """Return how much a cheap answer explains, and its name, slope, center, and what to expect of it."""
    column = cheap.names.index(name)
    values, blur = cheap.values[rows, column], cheap.deviations[rows, column]
    known = np.isfinite(values)
    if known.sum() < FEWEST_FOR_A_HEAD or not np.ptp(values[known]) or not np.ptp(target[known]):
        return 0.0, (name, 0.0, 0.0, 0.0, 0.0)
    values, blur, target = values[known], blur[known], target[known]
    uncertain = np.column_stack([np.zeros_like(blur) if noise is None else noise[known], blur])
    white, spreads = whiten(
        cheap.features[rows][known], np.column_stack([target, values]), known_noise(uncertain)
    )
    steepness, variance = _robust_slope(white[:, 1], white[:, 0])
    unit = float(spreads[0] / spreads[1])
    deviation = _SAME_PROPERTY / unit if usual else _OTHER_PROPERTY
    weight = deviation**2 / (deviation**2 + variance)
    slope = unit * weight * steepness + (1 - weight) * usual
    explained = 1.0 - np.abs(white[:, 0] - steepness * white[:, 1]).sum() / np.abs(white[:, 0]).sum()
    expected = float(np.median(values))
    return float(explained), (name, slope, expected, expected, float(values.std()))


def _robust_slope(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    """Return the slope through the origin with the least absolute deviations, and its variance.

    It is a weighted median (Bloomfield and Steiger, Least Absolute Deviations, 1983), which labels that have nothing to do
    with their cheap answers do not turn. The variance is that of normal errors.
    """
    there = x != 0
    ratios, weights = y[there] / x[there], np.abs(x[there])
    order = np.argsort(ratios, kind="stable")
    passed = np.cumsum(weights[order])
    slope = float(ratios[order][np.searchsorted(passed, passed[-1] / 2)])
    scale = 1.4826 * float(np.median(np.abs(y - slope * x)))
    return slope, np.pi / 2 * scale**2 / float((x**2).sum())


def add_answers(
    learned: Prediction, cheap: CheapAnswers, fidelities: Sequence[Fidelity], seed: int
) -> Prediction:
    """Return predictions of the properties from those of what is left of them without the cheap answers of m rows."""
    if not fidelities:
        return learned
    offsets, deviations = cheap.offsets(fidelities, len(learned.properties))
    draws = learned.draws + offsets[:, None, :]
    # What is not known of a cheap answer moves all properties that are learned on top of it together.
    points = normal_points(learned.draws.shape[1], len(cheap.names), seed + 1)
    for one in fidelities:
        luck = np.sign(one.slope) * points[:, cheap.names.index(one.name)]
        draws[:, :, one.column] += deviations[:, [one.column]] * luck
    mean, std = learned.mean + offsets, np.hypot(learned.std, deviations)
    for one in fidelities:
        if np.isfinite(one.lowest):
            column = draws[:, :, one.column] = np.maximum(draws[:, :, one.column], one.lowest)
            mean[:, one.column], std[:, one.column] = column.mean(axis=1), column.std(axis=1)
    return Prediction(learned.properties, mean, np.maximum(std, _LEAST_DEVIATION), draws.astype(np.float32))
