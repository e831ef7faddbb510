"""Cheap answers of a pool, complete: those that are known, and what the others are expected to be.

Gaps are filled by randomized trees on the features, with the error that those make where answers are known. An answer far
from what the others let expect is not believed, because a calculation that went astray is worse than none.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from catalyst_assets.learning.heads.fidelities import answer_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from catalyst_assets.representation.features import Features

# Fewer tell nothing of the others.
_FEWEST: Final = 20
# Trees learn from so many at most, which is where their error hardly falls any more.
_MOST_LEARNED_FROM: Final = 3000
_N_TREES: Final = 100
# In robust standard deviations of what trees get wrong.
_CREDIBLE: Final = 20.0
_NORMAL: Final = 1.4826


@dataclass(frozen=True)
class CompletedAnswers:
    """One kind of cheap answer of m materials.

    Attributes
    ----------
    values
        Shape (m,): known or filled; NaN only where too few are known to fill any.
    deviations
        Shape (m,): 0 where known, the error of filling elsewhere.
    """

    values: "NDArray[np.float64]"
    deviations: "NDArray[np.float64]"


def complete_answers(
    features: "NDArray[np.float32]", known: "NDArray[np.float64]", seed: int
) -> CompletedAnswers:
    """Fill what is not known of one kind of cheap answer, and what is not credible.

    Parameters
    ----------
    features
        Shape (m, f), finite.
    known
        Shape (m,), NaN where there is no answer.
    seed
        Of the trees, and of the answers they learn from where there are many.
    """
    from sklearn.ensemble import ExtraTreesRegressor

    there = np.flatnonzero(np.isfinite(known))
    if len(there) < _FEWEST:
        return CompletedAnswers(known.copy(), np.zeros(len(known)))
    shown = np.sort(np.random.default_rng(seed).permutation(there)[:_MOST_LEARNED_FROM])
    spread = _robust_deviation(known[shown] - np.median(known[shown]))
    while True:
        trees = ExtraTreesRegressor(
            _N_TREES, min_samples_leaf=2, max_features=0.33, bootstrap=True, oob_score=True, random_state=seed
        )
        expected = trees.fit(features[shown], known[shown]).predict(features)
        expected[shown] = trees.oob_prediction_
        errors = np.abs(known - expected)
        error = float(np.std(errors[shown]))
        credible = ~(errors > _CREDIBLE * _robust_deviation(errors[shown])) | (errors == 0)
        if credible[shown].all():
            break
        # What went astray pulled its neighbours along: they are judged by trees that have not seen it.
        shown = shown[credible[shown]]
    values = np.where(np.isfinite(known) & credible, known, expected)
    deviations = np.where(np.isfinite(known), np.where(credible, 0.0, max(error, spread)), error)
    return CompletedAnswers(values, deviations)


def append_answers(
    features: "Features",
    names: "Sequence[str]",
    values: "NDArray[np.float64]",
    deviations: "NDArray[np.float64]",
) -> "Features":
    """Return features with cheap answers of shape (m, k), and their deviations, as their last columns."""
    columns = np.concatenate([values, deviations], axis=1).astype(np.float32)
    return replace(
        features,
        values=np.ascontiguousarray(np.concatenate([features.values, columns], axis=1)),
        names=(*features.names, *answer_columns(names)),
    )


def _robust_deviation(errors: "NDArray[np.float64]") -> float:
    return _NORMAL * float(np.median(np.abs(errors)))
