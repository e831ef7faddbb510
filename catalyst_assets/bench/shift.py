"""What happens to errors and uncertainties where a model leaves its chemistry: one anion left out after the other.

The platform's head learns from perovskites of all other anions, and predicts those, unseen ones among them, and
the anion it never saw. The distance to the training set is what a user sees of it beforehand.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.bench.tables import read_numbers
from catalyst_assets.errors import InvalidPoolError
from catalyst_assets.ingestion.reading.files import read_csv
from catalyst_assets.learning.heads.fitting import fit_head
from catalyst_assets.learning.heads.settings import HeadSettings
from catalyst_assets.learning.uncertainty.distance import DistanceBin, bin_by_distance, fit_distance
from catalyst_assets.learning.uncertainty.report import PropertyReport, compare, position_among_draws

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS: Final = ("A", "B", "anion")
_N_DRAWS: Final = 256
_N_BINS: Final = 8
# Predictions against what was observed, and how far each was from the training set.
_Far = tuple[PropertyReport, NDArray[np.float64]]


@dataclass(frozen=True)
class PerovskiteSample:
    """Ideal cubic perovskites with one property.

    Attributes
    ----------
    property
        Name of the column.
    anions, chemical_systems
        One a row.
    features
        Shape (n, f): elemental and geometrical descriptors.
    feature_names
        The f names.
    values
        Shape (n,), in the property's unit.
    """

    property: str
    anions: NDArray[np.str_]
    chemical_systems: NDArray[np.str_]
    features: NDArray[np.float32]
    feature_names: tuple[str, ...]
    values: NDArray[np.float64]


@dataclass(frozen=True)
class Judged:
    """How some materials were predicted.

    Attributes
    ----------
    n
        How many they are.
    mae
        Mean absolute error, in the property's unit.
    mean_std
        Mean predicted standard deviation.
    miscalibration_area, coverage
        As in the report of a model.
    mean_distance
        To the training set; 1 is typical of an unseen chemical system.
    flagged
        Share flagged as out of distribution.
    """

    n: int
    mae: float
    mean_std: float
    miscalibration_area: float
    coverage: dict[str, float]
    mean_distance: float
    flagged: float


@dataclass(frozen=True)
class AnionShift:
    """One anion left out.

    Attributes
    ----------
    anion
        The three anions of the perovskites that were left out.
    n_labels
        Labels the head was fitted to.
    inside, left_out
        Unseen perovskites of the other anions, and those of this one.
    spearman
        Rank correlation of distance and absolute error over both.
    """

    anion: str
    n_labels: int
    inside: Judged
    left_out: Judged
    spearman: float


@dataclass(frozen=True)
class ShiftReport:
    """What `catalyst bench shift --json` prints.

    Attributes
    ----------
    anions
        One entry an anion left out.
    bins
        All predictions by distance, whichever anion was left out.
    spearman
        Rank correlation of distance and absolute error over all of them.
    seconds
        Wall time.
    """

    property: str
    anions: list[AnionShift]
    bins: list[DistanceBin]
    spearman: float
    seconds: float


def read_sample(path: Path, name: str, rows_per_anion: int, seed: int) -> PerovskiteSample:
    """Read a table with the columns A, B, anion and the property, and describe a sample of each anion's rows.

    Raises
    ------
    InvalidPoolError
        The file cannot be read, lacks a column, has a bad row, or one anion only.
    """
    from catalyst_assets.ingestion.prototypes.perovskites import build_cubic_perovskite
    from catalyst_assets.representation.descriptors.structural import describe_graphs, descriptor_names
    from catalyst_assets.representation.graphs import build_graphs

    table = _read_table(path, name)
    rng = np.random.default_rng(seed)
    kept: list[int] = []
    for _, rows in sorted(table.groupby("anion").indices.items()):
        kept += sorted(rng.permutation(rows)[:rows_per_anion].tolist())
    sample = table.iloc[kept]
    structures = [build_cubic_perovskite(*cells) for cells in sample[list(_COLUMNS)].itertuples(index=False)]
    graphs, failures = build_graphs(structures)
    if failures:
        row, reason = min(failures.items())
        raise InvalidPoolError(f"{path}, row {kept[row] + 2} cannot be described: {reason}", "Remove it.")
    return PerovskiteSample(
        name,
        sample["anion"].to_numpy(str),
        np.array([structure.composition.chemical_system for structure in structures]),
        describe_graphs(list(graphs.values())).astype(np.float32),
        descriptor_names(),
        sample[name].to_numpy(np.float64),
    )


def measure_shift(
    sample: PerovskiteSample, n_labels: int, seed: int, progress: Callable[[str], None] = lambda anion: None
) -> ShiftReport:
    """Leave one anion out after the other.

    Parameters
    ----------
    sample
        Of several anions.
    n_labels
        Most labels to learn from; a third of the other anions' chemical systems stays unseen.
    seed
        Of everything random.
    progress
        Called with each anion before it is left out.
    """
    started = time.monotonic()
    shifts, judged = [], []
    for anion in map(str, np.unique(sample.anions)):
        progress(anion)
        shift, both = _leave_out(sample, anion, n_labels, seed)
        shifts.append(shift)
        judged.append(both)
    report, distances = _concatenate(judged)
    bins = list(bin_by_distance(report, distances, _N_BINS))
    seconds = round(time.monotonic() - started, 1)
    return ShiftReport(sample.property, shifts, bins, _spearman(report, distances), seconds)


def _leave_out(sample: PerovskiteSample, anion: str, n_labels: int, seed: int) -> tuple[AnionShift, _Far]:
    rng = np.random.default_rng(seed)
    others = np.flatnonzero(sample.anions != anion)
    # A chemical system is on one side only, as in the platform's own validation.
    systems = rng.permutation(np.unique(sample.chemical_systems[others]))
    unseen = np.isin(sample.chemical_systems[others], systems[: len(systems) // 3])
    known = np.sort(rng.permutation(others[~unseen])[:n_labels])
    inside, left_out = others[unseen], np.flatnonzero(sample.anions == anion)
    groups = sample.chemical_systems[known].tolist()
    head = fit_head(
        sample.features[known],
        sample.feature_names,
        sample.values[known, None],
        groups,
        [sample.property],
        HeadSettings(seed=seed, recalibrate=True),
    )
    measure = fit_distance(sample.features[known], groups)
    if measure is None:
        raise InvalidPoolError(
            f"Without {anion} there are fewer than two chemical systems to learn from.", "Give more rows."
        )
    baseline = float(sample.values[known].mean())
    judged, parts = [], []
    for rows in (inside, left_out):
        features, observed = sample.features[rows], sample.values[rows]
        prediction = head.predict(features, n_draws=_N_DRAWS, seed=seed)
        position = position_among_draws(prediction.draws[:, :, 0], observed, seed)
        mean, std = prediction.mean[:, 0], prediction.std[:, 0]
        report = compare(observed, mean, std, position, np.full(len(observed), baseline))
        distance = measure.measure(features)
        judged.append(_judge(report, distance, measure.is_outside(distance)))
        parts.append((report, distance))
    both = _concatenate(parts)
    return AnionShift(anion, len(known), judged[0], judged[1], _spearman(*both)), both


def _judge(report: PropertyReport, distances: NDArray[np.float64], outside: NDArray[np.bool_]) -> Judged:
    return Judged(
        n=report.n,
        mae=report.mae,
        mean_std=float(report.std.mean()),
        miscalibration_area=report.miscalibration_area,
        coverage=report.coverage,
        mean_distance=float(distances.mean()),
        flagged=float(outside.mean()),
    )


def _concatenate(parts: list[_Far]) -> _Far:
    observed, mean, std, position, distances = map(
        np.concatenate,
        zip(*((r.observed, r.predicted, r.std, r.position, far) for r, far in parts), strict=True),
    )
    return compare(observed, mean, std, position, np.full(len(observed), float(observed.mean()))), distances


def _spearman(report: PropertyReport, distances: NDArray[np.float64]) -> float:
    from scipy.stats import spearmanr

    correlation = float(spearmanr(distances, np.abs(report.observed - report.predicted)).statistic)
    return correlation if np.isfinite(correlation) else 0.0


def _read_table(path: Path, name: str) -> "pd.DataFrame":

    table = read_csv(path, dtype=str, keep_default_na=False, skipinitialspace=True)
    absent = [column for column in (*_COLUMNS, name) if column not in table]
    if absent:
        raise InvalidPoolError(
            f"{path} lacks the columns {', '.join(absent)}.", f"It has {', '.join(map(str, table.columns))}."
        )
    numbers = read_numbers(path, name, list(table[name]), range(2, len(table) + 2), plausible=True)
    if table["anion"].nunique() < 2:
        raise InvalidPoolError(f"{path} has one anion: nothing can be left out.", "Give several.")
    table[name] = np.array(numbers)
    return table
