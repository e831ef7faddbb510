"""Which of two models is better, and whether the better one may be called champion.

Every iteration validates on its own labels, out of fold and on chemical systems left out. Later ones have more and
other labels, so two such errors are not of the same materials; but the labels of an earlier iteration are among
those of a later one, and both models have a held-out prediction of each. There they are compared.
The frozen test set is not asked: a choice by its error would leave nothing that tells the champion's error fairly.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from catalyst_assets.learning.training_set import TrainingSet
    from catalyst_assets.learning.uncertainty.report import ValidationReport

# How much larger the miscalibration area may be and still count as not worse.
CALIBRATION_TOLERANCE: Final = 0.01
_FEWEST_SHARED: Final = 5


@dataclass(frozen=True)
class VersionScores:
    """What a version is judged by, as recorded with its iteration; None where it has not learned.

    Attributes
    ----------
    relative_mae
        Mean over the properties of the held-out error as a share of that of predicting the mean.
    miscalibration_area
        Mean over the properties, held out.
    """

    version: int
    relative_mae: float | None
    miscalibration_area: float | None


@dataclass(frozen=True)
class SharedErrors:
    """Held-out errors of two models on the materials that both have labels of.

    Attributes
    ----------
    n_materials
        How many materials those are, over all properties.
    mae_by_property
        For each property shared, the mean absolute errors of the first and the second model, in its unit.
    relative_mae
        Of the first and the second: mean over the properties of the error as a share of that of predicting the
        mean of the shared labels.
    """

    n_materials: int
    mae_by_property: Mapping[str, tuple[float, float]]
    relative_mae: tuple[float, float]


@dataclass(frozen=True)
class Decision:
    """Whether a version becomes champion, and why."""

    is_promoted: bool
    reason: str


def compare_on_shared(
    first: "tuple[ValidationReport | None, TrainingSet]",
    second: "tuple[ValidationReport | None, TrainingSet]",
) -> SharedErrors | None:
    """Compare the held-out predictions of two models, each with what it was fitted to.

    Parameters
    ----------
    first, second
        Report, and training set with the labels that the report is about; others are NaN.

    Returns
    -------
    None when no property has five shared labels, or a report does not tell of every label.
    """
    ours, theirs = _held_out(*first), _held_out(*second)
    errors: dict[str, tuple[float, float]] = {}
    ratios, materials = [], set()
    for name in sorted(ours.keys() & theirs.keys()):
        shared = sorted(
            material
            for material, (label, _) in ours[name].items()
            if material in theirs[name] and theirs[name][material][0] == label
        )
        if len(shared) < _FEWEST_SHARED:
            continue
        labels = np.array([ours[name][material][0] for material in shared])
        mae = [
            float(np.abs(np.array([part[name][material][1] for material in shared]) - labels).mean())
            for part in (ours, theirs)
        ]
        errors[name] = (mae[0], mae[1])
        baseline = max(float(np.abs(labels - labels.mean()).mean()), 1e-12)
        ratios.append((mae[0] / baseline, mae[1] / baseline))
        materials.update(shared)
    if not errors:
        return None
    one, other = (float(np.mean([ratio[side] for ratio in ratios])) for side in (0, 1))
    return SharedErrors(len(materials), errors, (one, other))


def decide_champion(
    challenger: VersionScores, champion: VersionScores | None, shared: SharedErrors | None
) -> Decision:
    """Decide whether a new version takes the place of the champion.

    Parameters
    ----------
    shared
        Errors of challenger and champion, in this order, on the materials both know; without it the recorded
        relative errors are compared.
    """
    if champion is None:
        return Decision(True, "It is the first version.")
    if challenger.relative_mae is None:
        return Decision(False, "It has not learned: there were too few labels.")
    if champion.relative_mae is None:
        return Decision(True, f"Version {champion.version} had not learned yet.")
    if shared is None:
        ours, theirs = challenger.relative_mae, champion.relative_mae
        where = "each on its own validation"
    else:
        ours, theirs = shared.relative_mae
        where = f"on the {shared.n_materials} materials both know"
    found = f"Relative error {ours:.3f} against {theirs:.3f} of version {champion.version}, {where}"
    if not ours < theirs:
        return Decision(False, f"{found}: not better.")
    worse = find_worse_calibration(challenger, champion)
    if worse:
        return Decision(False, f"{found}: better. But {worse[0].lower()}{worse[1:]}")
    area = challenger.miscalibration_area
    return Decision(
        True,
        f"{found}: better; miscalibration area {_text(area)} against {_text(champion.miscalibration_area)}:"
        " not worse.",
    )


def find_worse_calibration(challenger: VersionScores, champion: VersionScores | None) -> str:
    """Say that a version is calibrated worse than the champion; empty when it is not."""
    ours = challenger.miscalibration_area
    theirs = champion.miscalibration_area if champion else None
    if ours is None or theirs is None or ours <= theirs + CALIBRATION_TOLERANCE:
        return ""
    return (
        f"Its calibration is worse: miscalibration area {ours:.3f}, that of version"
        f" {champion.version if champion else ''} is {theirs:.3f} (at most {CALIBRATION_TOLERANCE} more passes)."
    )


def _held_out(
    report: "ValidationReport | None", training_set: "TrainingSet"
) -> dict[str, dict[str, tuple[float, float]]]:
    """Return label and held-out prediction of each material, by property."""
    found: dict[str, dict[str, tuple[float, float]]] = {}
    for name, part in (report.properties if report else {}).items():
        if name not in training_set.properties:
            continue
        labels: NDArray[np.float64] = training_set.labels[:, training_set.properties.index(name)]
        rows = np.flatnonzero(np.isfinite(labels))
        # A report of other labels than these does not say which rows it is about.
        if not np.array_equal(part.observed, labels[rows]):
            continue
        found[name] = {
            training_set.material_ids[row]: (float(labels[row]), float(predicted))
            for row, predicted in zip(rows, part.predicted, strict=True)
        }
    return found


def _text(area: float | None) -> str:
    return "unknown" if area is None else f"{area:.3f}"
