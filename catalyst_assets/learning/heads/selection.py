"""Which kind of head predicts a property: every kind asked for is fitted, the best on unseen groups is kept.

The score is the mean continuous ranked probability score (Gneiting and Raftery, J. Am. Stat. Assoc. 102, 359
(2007)) of held-out predictions above a property's floor; the chance of the floor itself is the same for all kinds.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.campaigns.model import HeadKind
from catalyst_assets.learning.heads.deep_ensemble import fit_deep_ensembles
from catalyst_assets.learning.heads.floors import Floor, fit_gate
from catalyst_assets.learning.heads.property_model import Fit, Task
from catalyst_assets.learning.heads.settings import HeadSettings
from catalyst_assets.learning.heads.stacked import fit_stacked
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
) -> dict[int, LabelledTask]:
    """Return the rows with labels, and the task, of each property that ``priors`` names by its column.

    Properties with the same rows above their floors share one gate. ``declared`` says by column whether zeros are a
    class of their own, where somebody said.
    """
    tasks = {}
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
        task = Task(rows, target, own_folds, blocks, prior, settings, Floor(lowest, gate), chance)
        tasks[column] = (known, task)
    return tasks


def fit_kinds(
    kinds: Sequence[HeadKind],
    features: NDArray[np.float32],
    folds: NDArray[np.int64],
    tasks: Mapping[int, LabelledTask],
    settings: HeadSettings,
) -> dict[HeadKind, dict[int, Fit]]:
    """Fit every kind to every task; keys are kinds, then the tasks' columns."""

    def fit_each(fit: Callable[[Task], Fit]) -> dict[int, Fit]:
        return {column: fit(task) for column, (_, task) in tasks.items()}

    fitters: dict[HeadKind, Callable[[], dict[int, Fit]]] = {
        HeadKind.STACKED: lambda: fit_each(fit_stacked),
        HeadKind.GAUSSIAN_PROCESS: lambda: fit_each(lambda task: fit_stacked(task, with_trees=False)),
        HeadKind.DEEP_ENSEMBLE: lambda: fit_deep_ensembles(features, folds, tasks, settings),
    }
    return {kind: fitters[kind]() for kind in dict.fromkeys(kinds)}


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
