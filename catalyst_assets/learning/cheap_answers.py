"""Cheap answers of an iteration's materials, complete: those that are known, and what the others are expected to be.

Gaps are filled by randomized trees on the features, with the error that those make where answers are known. An answer far
from what the others let expect is not believed, because a calculation that went astray is worse than none. They are frozen with the
training set, so that whoever predicts or ranks again reads the same.
"""

import hashlib
import io
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from catalyst_assets.errors import CorruptArtifactError
from catalyst_assets.learning.heads.relations.fidelities import answer_columns
from catalyst_assets.seeds import derive_seed
from resources.postgres.database import fetch_all

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import sqlalchemy as sa
    from numpy.typing import NDArray

    from catalyst_assets.campaigns.model import Campaign
    from catalyst_assets.representation.features import Features
    from resources.object_store import ObjectStore

_STRUCTURE: Final = "structure_hash"
# Column of the deviations of an answer.
_DEVIATION: Final = "{}±"

# Fewer tell nothing of the others.
_FEWEST: Final = 20
# Trees learn from so many at most, which is where their error hardly falls any more.
_MOST_LEARNED_FROM: Final = 3000
_N_TREES: Final = 100
# In robust standard deviations of what trees get wrong.
_CREDIBLE: Final = 20.0
# Where more than a few are so far off, it is not they that went astray.
_MOST_ASTRAY: Final = 0.05
# What is filled is never certain.
_LEAST_DEVIATION: Final = 1e-6
_NORMAL: Final = 1.4826


@dataclass(frozen=True)
class CompletedAnswers:
    """One kind of cheap answer of m materials.

    Attributes
    ----------
    values
        Shape (m,): known or filled; NaN only where too few are known to fill any.
    deviations
        Shape (m,): 0 where known, the error of filling elsewhere; NaN where there is no value.
    """

    values: "NDArray[np.float64]"
    deviations: "NDArray[np.float64]"


def complete_answers(
    features: "NDArray[np.float32]",
    known: "NDArray[np.float64]",
    seed: int,
    cheaper: "NDArray[np.float64] | None" = None,
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
    cheaper
        Shape (m,), finite: completed answers of a cheaper kind, a multiple of which these are beside a remainder.
    """
    from scipy.stats import theilslopes
    from sklearn.ensemble import ExtraTreesRegressor

    there = np.flatnonzero(np.isfinite(known))
    if len(there) < _FEWEST:
        return CompletedAnswers(known.copy(), np.where(np.isfinite(known), 0.0, np.nan))
    shown = np.sort(np.random.default_rng(seed).permutation(there)[:_MOST_LEARNED_FROM])
    follows = np.zeros(len(known))
    if cheaper is not None and np.ptp(cheaper[shown]) > 0:
        slope, offset, *_ = theilslopes(known[shown], cheaper[shown])
        follows = slope * cheaper + offset
    while True:
        trees = ExtraTreesRegressor(
            _N_TREES, min_samples_leaf=2, max_features=0.33, bootstrap=True, oob_score=True, random_state=seed
        )
        trees.fit(features[shown], (known - follows)[shown])
        expected = follows + trees.predict(features)
        expected[shown] = follows[shown] + trees.oob_prediction_
        errors = np.abs(known - expected)
        error = max(float(np.sqrt(np.mean(errors[shown] ** 2))), _LEAST_DEVIATION)
        # A value that many share, as metals their gap of zero, is easily told: what is usual, the others say.
        telling = shown[known[shown] != _most_common(known[shown])]
        limit = _CREDIBLE * _robust_deviation(errors[telling]) if len(telling) else np.inf
        astray = errors > limit
        if astray[there].mean() > _MOST_ASTRAY:
            astray[:] = False
        if not astray[shown].any():
            break
        # What went astray pulled its neighbours along: they are judged by trees that have not seen it.
        shown = shown[~astray[shown]]
    values = np.where(np.isfinite(known) & ~astray, known, expected)
    unbelieved = max(error, float(np.std(known[shown])))
    deviations = np.where(np.isfinite(known), np.where(astray, unbelieved, 0.0), error)
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


def _most_common(values: "NDArray[np.float64]") -> float:
    distinct, counts = np.unique(values, return_counts=True)
    return float(distinct[np.argmax(counts)])


def _robust_deviation(errors: "NDArray[np.float64]") -> float:
    return _NORMAL * float(np.median(np.abs(errors)))


def read_known(connection: "sa.Connection", campaign: "Campaign") -> "dict[str, Mapping[str, float]]":
    """Return what is known of each of a campaign's cheap answers now, by structure."""
    return {
        str(prior): {
            row["structure_hash"]: row["value"]
            for row in fetch_all(
                connection,
                "learning/cheap_answers",
                property=prior.property,
                method=prior.method,
                relaxed_by=campaign.pool.relaxed_by,
            )
        }
        for prior in campaign.prior or ()
    }


def complete_all(
    features: "Features", known: "Sequence[NDArray[np.float64]]", names: "Sequence[str]", seed: int
) -> "Features":
    """Return features of m materials with all their cheap answers, each completed with the help of those before it.

    Parameters
    ----------
    known
        Of each kind shape (m,), from the cheapest to the dearest, NaN where there is no answer.
    names
        Of the kinds.
    """
    completed: list[CompletedAnswers] = []
    cheaper = None
    for values in known:
        completed.append(complete_answers(features.values, values, seed, cheaper))
        if np.isfinite(completed[-1].values).all():
            cheaper = completed[-1].values
    return append_answers(
        features,
        names,
        np.stack([one.values for one in completed], axis=1),
        np.stack([one.deviations for one in completed], axis=1),
    )


def freeze_answers(
    objects: "ObjectStore",
    campaign: "Campaign",
    structure_hashes: "Sequence[str]",
    features: "Features",
    known: "Mapping[str, Mapping[str, float]]",
) -> str:
    """Complete and store the cheap answers of structures, and return the hash of the file.

    Parameters
    ----------
    structure_hashes
        The m structures, each once.
    features
        Theirs, without failures.
    known
        As :func:`read_known` returns it.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    order = np.argsort(np.array(structure_hashes, dtype=object), kind="stable")
    hashes = [structure_hashes[row] for row in order]
    names = list(known)
    columns = [np.array([known[name].get(one, np.nan) for one in hashes]) for name in names]
    ordered = replace(features, values=features.values[order])
    seed = derive_seed(campaign.seed, "cheap answers")
    values = complete_all(ordered, columns, names, seed).values[:, len(features.names) :]
    table = pa.table(
        {
            _STRUCTURE: pa.array(hashes, pa.string()),
            **{name: pa.array(values[:, place], pa.float32()) for place, name in enumerate(names)},
            **{
                _DEVIATION.format(name): pa.array(values[:, len(names) + place], pa.float32())
                for place, name in enumerate(names)
            },
        }
    )
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    sha256 = hashlib.sha256(sink.getvalue()).hexdigest()
    objects.put_bytes(_key(sha256), sink.getvalue())
    return sha256


def with_frozen_answers(
    objects: "ObjectStore", sha256: str | None, structure_hashes: "Sequence[str]", features: "Features"
) -> "Features":
    """Return features of m structures with the cheap answers that were frozen of them; as they are without any.

    A structure that came later has none: NaN.

    Raises
    ------
    CorruptArtifactError
        The file is gone or has changed.
    """
    import pyarrow.parquet as pq

    if sha256 is None:
        return features
    remedy = "Restore it; `training_set` of this partition made again reads what is known cheaply by now."
    try:
        data = objects.get_bytes(_key(sha256))
    except KeyError:
        raise CorruptArtifactError(f"{_key(sha256)} is gone from the store.", remedy) from None
    if hashlib.sha256(data).hexdigest() != sha256:
        raise CorruptArtifactError(f"{_key(sha256)} has changed since it was written.", remedy)
    table = pq.read_table(io.BytesIO(data))
    place = {name: row for row, name in enumerate(table[_STRUCTURE].to_pylist())}
    rows = np.array([place.get(name, len(place)) for name in structure_hashes], dtype=np.int64)
    columns = [np.append(table[name].to_numpy(), np.nan)[rows] for name in table.column_names[1:]]
    half = len(columns) // 2
    return append_answers(
        features,
        table.column_names[1 : 1 + half],
        np.stack(columns[:half], axis=1),
        np.stack(columns[half:], axis=1),
    )


def without_answers(features: "Features", names: "Sequence[str]") -> "Features":
    """Return features with cheap answers of these names of which nothing is known."""
    nothing = np.full((len(features.values), len(names)), np.nan)
    return append_answers(features, names, nothing, nothing)


def _key(sha256: str) -> str:
    return f"cheap_answers/{sha256}.parquet"
