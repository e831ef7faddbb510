"""Which kind of head predicts a property: every kind asked for is fitted, the best on unseen groups is kept.

The score is the mean continuous ranked probability score (Gneiting and Raftery, J. Am. Stat. Assoc. 102, 359
(2007)) of held-out predictions above a property's floor; the chance of the floor itself is the same for all kinds.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.campaigns.model import HeadKind
from catalyst_assets.learning.heads.deep_ensemble import fit_deep_ensembles
from catalyst_assets.learning.heads.floors import Floor, fit_gate
from catalyst_assets.learning.heads.property_model import Fit, PropertyModel, Task
from catalyst_assets.learning.heads.settings import HeadSettings
from catalyst_assets.learning.heads.stacked import fit_stacked
from catalyst_assets.learning.uncertainty.label_noise import take_noise
from catalyst_assets.representation.fitting.floors import find_floor

# A kind named later must be better by this share, so that luck does not change what predicts.
_MARGIN: Final = 0.01
LabelledTask = tuple[NDArray[np.int64], Task]


def make_tasks(
    features: NDArray[np.float32],
    labels: NDArray[np.float64],
    folds: NDArray[np.int64],
    blocks: list[NDArray[np.int64]],
    priors: Mapping[int, tuple[float, float]],
    declared: Mapping[int, bool | None],
    settings: HeadSettings,
    like: Mapping[int, PropertyModel] | None = None,
    noise: NDArray[np.float64] | None = None,
) -> dict[int, LabelledTask]:
    """Return the rows with labels, and the task, of each property that ``priors`` names by its column.

    Properties with the same rows above their floors share one gate. ``declared`` says by column whether zeros are a
    class of their own, where somebody said; ``like``, which earlier model is kept to; ``noise``, of the labels' shape,
    what is known of theirs.
    """
    tasks, like = {}, like or {}
    gates: dict[bytes, Any] = {}
    for column, prior in priors.items():
        known = np.flatnonzero(np.isfinite(labels[:, column]))
        rows, target, own_folds = features[known], labels[known, column], folds[known]
        lowest, gate, chance = find_floor(target, declared.get(column)), None, np.ones(len(target))
        if np.isfinite(lowest):
            above = target > lowest
            key = above.tobytes() + own_folds.tobytes()
            if key not in gates:
                gates[key] = fit_gate(rows, above, own_folds, settings)
            gate, chance = gates[key]
        task = Task(
            rows,
            target,
            own_folds,
            blocks,
            prior,
            settings,
            Floor(lowest, gate),
            chance,
            like.get(column),
            take_noise(noise, (known, column)),
        )
        tasks[column] = (known, task)
    return tasks


def fit_kinds(
    kinds: Mapping[int, Sequence[HeadKind]],
    features: NDArray[np.float32],
    folds: NDArray[np.int64],
    tasks: Mapping[int, LabelledTask],
    settings: HeadSettings,
) -> dict[int, dict[HeadKind, Fit]]:
    """Fit to each task the kinds that are named for its column; keys are columns, then kinds."""
    fits: dict[int, dict[HeadKind, Fit]] = {column: {} for column in tasks}
    for kind in dict.fromkeys(kind for column in tasks for kind in kinds[column]):
        wanted = {column: task for column, task in tasks.items() if kind in kinds[column]}
        if kind is HeadKind.DEEP_ENSEMBLE:
            fitted = fit_deep_ensembles(features, folds, wanted, settings)
        else:
            with_trees = kind is HeadKind.STACKED
            fitted = {column: fit_stacked(task, with_trees) for column, (_, task) in wanted.items()}
        for column, fit in fitted.items():
            fits[column][kind] = fit
    return fits


def choose(scores: Mapping[HeadKind, float]) -> HeadKind:
    """Return the kind with the lowest score, an earlier one where they are within one per cent."""
    kept, *others = scores
    for kind in others:
        if scores[kind] < (1 - _MARGIN) * scores[kept]:
            kept = kind
    return kept


def feature_blocks(feature_names: Sequence[str]) -> list[NDArray[np.int64]]:
    """Return the columns of each block, by what stands before the last ``:`` in their names."""
    blocks: dict[str, list[int]] = {}
    for column, name in enumerate(feature_names):
        blocks.setdefault(name.rpartition(":")[0], []).append(column)
    return [np.array(blocks[block], dtype=np.int64) for block in sorted(blocks)]
