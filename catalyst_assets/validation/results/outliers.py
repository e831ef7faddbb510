"""Results that stand apart from their replicates, or far from what was predicted: flagged for people, never dropped.

Modified z-scores of Iglewicz and Hoaglin, How to Detect and Handle Outliers (ASQC, 1993). Of three replicates two agree by
chance often enough to make the third an outlier, so that the scatter of all replicates of a property counts beside their
own; where that is not known, it takes four.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from resources.postgres.database import fetch_all

if TYPE_CHECKING:
    import numpy as np
    import sqlalchemy as sa
    from numpy.typing import NDArray

# Theirs; 0.6745 is the third quartile of the normal distribution, so that 1 is one standard deviation.
LIMIT: Final = 3.5
_QUARTILE: Final = 0.6745
# Of a normal distribution, the standard deviation over the mean absolute deviation.
_MEAN_FACTOR: Final = 1.253314
FEWEST: Final = 3
# By their own scatter alone.
_FEWEST_ALONE: Final = 4
# So many sets of replicates tell how those of a property scatter.
_FEWEST_SETS: Final = 3
# Standard deviations from the prediction, the result's own included.
FROM_PREDICTION: Final = 4.0


@dataclass(frozen=True)
class Flag:
    """Why a result is worth a look.

    Attributes
    ----------
    partition_key
        The iteration whose candidate it answers; None where nobody's did.
    apart_from
        Its replicates, or the prediction.
    expected
        Their median, or the predicted mean.
    distance
        From that, in standard deviations; negative below.
    n_replicates
        How many there are, this one included.
    """

    result_id: int
    partition_key: str | None
    material_id: str
    formula: str
    property: str
    value: float
    unit: str
    apart_from: Literal["replicates", "prediction"]
    expected: float
    distance: float
    n_replicates: int

    def __str__(self) -> str:
        what = (
            "its prediction"
            if self.apart_from == "prediction"
            else f"the median of {self.n_replicates} replicates"
        )
        unit = f" {self.unit}" if self.unit else ""
        return (
            f"{self.property} of {self.formula} ({self.material_id}), result {self.result_id}: {self.value:g}{unit} is "
            f"{abs(self.distance):.1f} standard deviations {'above' if self.distance > 0 else 'below'} {what}, "
            f"{self.expected:.4g}{unit}"
        )


def find_flags(rows: "Iterable[Mapping[str, Any]]") -> list[Flag]:
    """Flag results that stand apart.

    Parameters
    ----------
    rows
        Measured results that count, each with the fields of a ``Flag`` that are its own, ``method``,
        ``standard_deviation`` and, where something was predicted, ``predicted_mean`` and ``predicted_std``.

    Returns
    -------
    At most two a result, in the order of the rows.
    """
    kept = list(rows)
    sets: dict[tuple[Any, ...], list[Mapping[str, Any]]] = defaultdict(list)
    for row in kept:
        sets[row["property"], row["method"], row["material_id"]].append(row)
    scatter = _scatter_by_property(sets)
    apart: dict[int, Flag] = {}
    for (name, method, _), members in sets.items():
        values = [row["value"] for row in members]
        least = max(
            [scatter.get((name, method), 0.0), *(row["standard_deviation"] or 0.0 for row in members)]
        )
        for row, score in zip(members, modified_z_scores(values, least), strict=True):
            if abs(score) > LIMIT:
                middle = float(_median(values))
                apart[row["result_id"]] = _flag(row, "replicates", middle, float(score), len(members))
    flags = []
    for row in kept:
        if row["result_id"] in apart:
            flags.append(apart[row["result_id"]])
        n = len(sets[row["property"], row["method"], row["material_id"]])
        flags += _from_prediction(row, n)
    return flags


def load_flags(connection: "sa.Connection", campaign: str) -> list[Flag]:
    """Return the flags of the results that a campaign learns from."""
    return find_flags(fetch_all(connection, "validation/comparable_results", campaign=campaign))


def modified_z_scores(values: Sequence[float], least_spread: float = 0.0) -> "NDArray[np.float64]":
    """Return how far each value lies from the median of all; zeros where there are too few to tell.

    Parameters
    ----------
    values
        Replicates.
    least_spread
        Standard deviation that replicates are known to have at least.

    Returns
    -------
    numpy.ndarray
        Shape: (n_values,)
    """
    import numpy as np

    numbers = np.asarray(values, dtype=np.float64)
    if len(numbers) < (FEWEST if least_spread > 0 else _FEWEST_ALONE):
        return np.zeros(len(numbers))
    away = numbers - np.median(numbers)
    spread = float(np.median(np.abs(away))) / _QUARTILE
    if spread == 0:
        spread = _MEAN_FACTOR * float(np.mean(np.abs(away)))
    spread = max(spread, least_spread)
    return away / spread if spread > 0 else np.zeros(len(numbers))


def _scatter_by_property(
    sets: "Mapping[tuple[Any, ...], Sequence[Mapping[str, Any]]]",
) -> dict[tuple[Any, ...], float]:
    """Return the typical standard deviation of replicates, by property and method, where sets enough tell it."""
    import numpy as np

    found: dict[tuple[Any, ...], list[float]] = defaultdict(list)
    for (name, method, _), members in sets.items():
        if len(members) > 1:
            found[name, method].append(float(np.std([row["value"] for row in members], ddof=1)))
    return {key: float(_median(each)) for key, each in found.items() if len(each) >= _FEWEST_SETS}


def _from_prediction(row: "Mapping[str, Any]", n_replicates: int) -> list[Flag]:
    mean, std = row["predicted_mean"], row["predicted_std"]
    if mean is None or not std:
        return []
    distance = (row["value"] - mean) / (std**2 + (row["standard_deviation"] or 0.0) ** 2) ** 0.5
    if abs(distance) <= FROM_PREDICTION:
        return []
    return [_flag(row, "prediction", mean, distance, n_replicates)]


def _flag(
    row: "Mapping[str, Any]",
    apart_from: Literal["replicates", "prediction"],
    expected: float,
    distance: float,
    n_replicates: int,
) -> Flag:
    own = ("result_id", "partition_key", "material_id", "formula", "property", "value", "unit")
    return Flag(
        **{name: row[name] for name in own},
        apart_from=apart_from,
        expected=expected,
        distance=distance,
        n_replicates=n_replicates,
    )


def _median(values: Sequence[float]) -> float:
    from statistics import median

    return median(values)
