"""How far a material is from what a model was fitted to: the flag of predictions outside the known.

Mean Euclidean distance to the nearest labelled materials in standardized features (Janet et al., Chem. Sci. 10,
7913 (2019)), in units of what an unseen chemical system typically has, so that 1 is an ordinary extrapolation.
Reports set errors and coverage against it; predicting is not done here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.learning.uncertainty.report import COVERAGES, level_name

if TYPE_CHECKING:
    from catalyst_assets.learning.uncertainty.report import PropertyReport, ValidationReport

N_NEIGHBORS: Final = 5
_PERCENTILE: Final = 95.0
# Beside the nearest in single precision, so many more are measured in double: rounding cannot choose.
_SPARE: Final = 8
_CHUNK: Final = 1024
# A feature that hardly varies among the labelled would otherwise decide alone.
_LARGEST_DEVIATION: Final = 10.0


@dataclass(frozen=True)
class TrainingDistance:
    """Measures distances to a labelled set.

    Attributes
    ----------
    mean, scale
        Shape (f,): what standardizes features.
    labelled
        Shape (n, f): the standardized features of the labelled set, sorted.
    typical
        Median distance of a labelled material to those of other chemical systems; the unit of distances.
    threshold
        Distances above it are out of distribution: the 95th percentile of the same, in that unit.
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    labelled: NDArray[np.float64]
    typical: float
    threshold: float

    def measure(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the distance of each row of ``features``, shape (m, f), as shape (m,)."""
        return _nearest(self.standardize(features), self.labelled) / self.typical

    def standardize(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return features of shape (m, f) in the units in which distances are taken."""
        return _standardize(features, self.mean, self.scale)

    def is_outside(self, distances: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tell which distances are out of distribution."""
        return np.asarray(distances > self.threshold)


def fit_distance(features: NDArray[np.floating], groups: Sequence[str]) -> TrainingDistance | None:
    """Learn from a labelled set what is far.

    Parameters
    ----------
    features
        Shape (n, f), finite.
    groups
        The n chemical systems.

    Returns
    -------
    None with fewer than two chemical systems: nothing says what is typical then.
    """
    if len(set(groups)) < 2:
        return None
    codes = np.unique(np.asarray(groups, dtype=str), return_inverse=True)[1].astype(np.int64)
    values = np.asarray(features, dtype=np.float64)
    # In an order of their own, so that sums round the same way whatever order the rows came in.
    order = np.lexsort(np.vstack([codes, values.T[::-1]]))
    values, codes = values[order], codes[order]
    mean, scale = values.mean(0), values.std(0)
    scale = np.maximum(scale, 1e-3 * np.maximum(np.abs(mean), 1.0))
    labelled = _standardize(values, mean, scale)
    between = _nearest(labelled, labelled, codes, codes)
    typical = max(float(np.median(between)), 1e-9)
    return TrainingDistance(
        mean, scale, labelled, typical, float(np.percentile(between, _PERCENTILE)) / typical
    )


def held_out_distances(
    measure: TrainingDistance, features: NDArray[np.floating], folds: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the distance of each labelled row to those of the other folds, which a held-out prediction knew."""
    rows = _standardize(features, measure.mean, measure.scale)
    if len(np.unique(folds)) < 2:
        return np.full(len(rows), np.nan)
    return _nearest(rows, rows, folds, folds) / measure.typical


@dataclass(frozen=True)
class DistanceBin:
    """Held-out errors of materials about equally far from what was learned from.

    Attributes
    ----------
    nearest, furthest
        Range of distances; 1 is typical of an unseen chemical system.
    n
        Materials in it.
    mae, mean_std
        Mean absolute error and mean predicted standard deviation, in the property's unit.
    coverage
        Share inside the central intervals of 50, 80 and 95 %.
    """

    nearest: float
    furthest: float
    n: int
    mae: float
    mean_std: float
    coverage: dict[str, float]

    def to_record(self) -> dict[str, Any]:
        """Return the bin as a JSON object."""
        return asdict(self)


def bin_by_distance(
    report: "PropertyReport", distances: NDArray[np.float64], n_bins: int = 5
) -> tuple[DistanceBin, ...]:
    """Cut held-out predictions into bins of equal numbers by distance, and judge each.

    Parameters
    ----------
    report
        Of n predictions.
    distances
        Shape (n,), in the order of the report; rows that are not finite are left out.
    n_bins
        Most bins; fewer where a bin would hold less than ten.
    """
    order = np.argsort(distances, kind="stable")
    order = order[np.isfinite(distances[order])]
    if not len(order):
        return ()
    error = np.abs(report.observed - report.predicted)
    covered = {level_name(level): report.covered(level) for level in COVERAGES}
    return tuple(
        DistanceBin(
            nearest=float(distances[rows[0]]),
            furthest=float(distances[rows[-1]]),
            n=len(rows),
            mae=float(error[rows].mean()),
            mean_std=float(report.std[rows].mean()),
            coverage={level: float(inside[rows].mean()) for level, inside in covered.items()},
        )
        for rows in np.array_split(order, max(1, min(n_bins, len(order) // 10)))
    )


def errors_by_distance(
    report: "ValidationReport",
    features: NDArray[np.floating],
    labels: NDArray[np.float64],
    groups: Sequence[str],
    folds: NDArray[np.int64],
    properties: Sequence[str],
    judged: NDArray[np.float64] | None = None,
) -> dict[str, tuple[DistanceBin, ...]]:
    """Set a model's held-out errors against the distance to what each fold's model knew.

    Parameters
    ----------
    report
        Of the model; one row a judged label that is not NaN, in their order.
    features, labels
        Shapes (n, f) and (n, p): what the model was fitted to.
    groups, folds
        Chemical system and fold of each row.
    properties
        Names of the columns of ``labels``.
    judged
        Shape (n, p): those of the labels that the report is about, NaN for others; all of them if None.
    """
    tables = {}
    for column, name in enumerate(properties):
        known = np.isfinite(labels[:, column])
        if name not in report.properties:
            continue
        measure = fit_distance(features[known], np.asarray(groups)[known].tolist())
        if measure is not None:
            distances = held_out_distances(measure, features[known], folds[known])
            if judged is not None:
                distances = distances[np.isfinite(judged[known, column])]
            tables[name] = bin_by_distance(report.properties[name], distances)
    return tables


def distance_rows(tables: Mapping[str, Sequence[DistanceBin]]) -> list[dict[str, object]]:
    """Return the bins of every property as rows of a table for people."""
    return [
        {
            "property": name.replace("_", " "),
            "distance": f"{part.nearest:.2f} to {part.furthest:.2f}",
            "n": part.n,
            "MAE": part.mae,
            "mean std": part.mean_std,
            **{f"within {level} %": f"{share:.0%}" for level, share in part.coverage.items()},
        }
        for name, parts in tables.items()
        for part in parts
    ]


def _standardize(
    features: NDArray[np.floating], mean: NDArray[np.float64], scale: NDArray[np.float64]
) -> NDArray[np.float64]:
    deviations = (np.asarray(features, dtype=np.float64) - mean) / scale
    return np.clip(deviations, -_LARGEST_DEVIATION, _LARGEST_DEVIATION)


def _nearest(
    rows: NDArray[np.float64],
    labelled: NDArray[np.float64],
    row_groups: NDArray[np.int64] | None = None,
    labelled_groups: NDArray[np.int64] | None = None,
) -> NDArray[np.float64]:
    """Return the mean distance of each row to its nearest labelled rows, of other groups where these are given.

    Distances are Euclidean and divided by the square root of the number of features. Single precision finds the
    nearest few, double precision measures them.
    """
    width = max(rows.shape[1], 1)
    single = labelled.astype(np.float32)
    squares = np.einsum("ij,ij->i", single, single)
    found = np.empty(len(rows))
    for start in range(0, len(rows), _CHUNK):
        part = rows[start : start + _CHUNK]
        # The row's own square is the same for every labelled row, and chooses nothing.
        near = squares - 2 * (part.astype(np.float32) @ single.T)
        if row_groups is not None:
            near[row_groups[start : start + _CHUNK, None] == labelled_groups] = np.inf
        n_kept = min(N_NEIGHBORS + _SPARE, near.shape[1])
        kept = np.argpartition(near, n_kept - 1, axis=1)[:, :n_kept]
        allowed = np.isfinite(np.take_along_axis(near, kept, axis=1))
        gaps = labelled[kept] - part[:, None, :]
        distances = np.where(allowed, np.sqrt(np.einsum("ijk,ijk->ij", gaps, gaps) / width), np.inf)
        closest = np.sort(distances, axis=1)[:, :N_NEIGHBORS]
        count = np.isfinite(closest).sum(1)
        total = np.where(np.isfinite(closest), closest, 0.0).sum(1)
        found[start : start + _CHUNK] = total / np.maximum(count, 1)
    return found
