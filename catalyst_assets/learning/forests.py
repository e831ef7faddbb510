"""Tree ensembles: fitted by scikit-learn, kept as flat arrays.

Flat arrays are what a safetensors file can hold, and the same code predicts before and after a round trip, so
the numbers are the same to the last bit. Extremely randomized trees: Geurts et al., Mach. Learn. 63, 3 (2006);
gradient boosting: Friedman, Ann. Stat. 29, 1189 (2001).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

_ROWS_PER_CHUNK = 4096


@dataclass(frozen=True)
class Forest:
    """Decision trees in one array of nodes; a leaf is its own child.

    Attributes
    ----------
    feature, left, right
        Shape (n_nodes,): the feature a node splits on and its children.
    threshold
        Shape (n_nodes,): rows with ``feature <= threshold`` go left.
    value
        Shape (n_nodes,): what a leaf predicts.
    roots
        Shape (n_trees,): the first node of each tree.
    """

    feature: NDArray[np.int32]
    threshold: NDArray[np.float64]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: NDArray[np.float64]
    roots: NDArray[np.int32]

    @classmethod
    def from_trees(cls, trees: "Sequence[Any]", scale: float = 1.0, column: int = 0) -> Self:
        """Copy fitted scikit-learn ``tree_`` objects; ``column`` picks a class or output, ``scale`` multiplies it."""
        sizes = [tree.node_count for tree in trees]
        offsets = np.concatenate([[0], np.cumsum(sizes)])[:-1]
        own = [np.arange(size) for size in sizes]
        leaf = [tree.children_left < 0 for tree in trees]

        def child(side: str) -> NDArray[np.int32]:
            parts = [
                np.where(is_leaf, index, getattr(tree, side)) + offset
                for tree, is_leaf, index, offset in zip(trees, leaf, own, offsets, strict=True)
            ]
            return np.concatenate(parts).astype(np.int32)

        values = [tree.value.reshape(tree.node_count, -1)[:, column] * scale for tree in trees]
        return cls(
            np.concatenate([np.maximum(tree.feature, 0) for tree in trees]).astype(np.int32),
            np.concatenate([tree.threshold for tree in trees]).astype(np.float64),
            child("children_left"),
            child("children_right"),
            np.concatenate(values).astype(np.float64),
            offsets.astype(np.int32),
        )

    def moments(self, features: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return mean and variance over the trees, each of shape (n_rows,)."""
        total = np.empty(len(features))
        variance = np.empty(len(features))
        for start in range(0, len(features), _ROWS_PER_CHUNK):
            chunk = np.ascontiguousarray(features[start : start + _ROWS_PER_CHUNK])
            leaves = self._leaf_values(chunk)
            total[start : start + len(chunk)] = leaves.mean(0)
            variance[start : start + len(chunk)] = leaves.var(0)
        return total, variance

    def total(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the sum over the trees, shape (n_rows,): what a boosted ensemble predicts."""
        return self.moments(features)[0] * len(self.roots)

    def _leaf_values(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        flat = features.ravel()
        row_start = np.arange(len(features), dtype=np.int64) * features.shape[1]
        result = np.empty((len(self.roots), len(features)))
        for number, root in enumerate(self.roots):
            node = np.full(len(features), root, dtype=np.int32)
            while True:
                goes_left = flat[row_start + self.feature[node]] <= self.threshold[node]
                following = np.where(goes_left, self.left[node], self.right[node])
                if np.array_equal(following, node):
                    break
                node = following
            result[number] = self.value[node]
        return result


def fit_regression_forest(
    features: NDArray[np.float32], target: NDArray[np.float64], n_trees: int, seed: int
) -> Forest:
    """Fit extremely randomized regression trees, grown to pure leaves."""
    from sklearn.ensemble import ExtraTreesRegressor

    model = ExtraTreesRegressor(n_trees, max_features=0.5, random_state=seed).fit(features, target)
    return Forest.from_trees([tree.tree_ for tree in model.estimators_])


def fit_classification_forest(
    features: NDArray[np.float32], target: NDArray[np.bool_], n_trees: int, seed: int
) -> Forest:
    """Fit extremely randomized classification trees; the mean over trees is the probability of True."""
    from sklearn.ensemble import ExtraTreesClassifier

    model = ExtraTreesClassifier(n_trees, max_features=0.5, random_state=seed).fit(features, target)
    return Forest.from_trees([tree.tree_ for tree in model.estimators_], column=1)


def fit_boosted_classifier(
    features: NDArray[np.float32], target: NDArray[np.bool_], n_trees: int, seed: int
) -> tuple[Forest, float]:
    """Fit gradient boosted trees; the intercept plus the sum over trees is the log-odds of True."""
    from sklearn.ensemble import GradientBoostingClassifier

    rate = 0.08
    model = GradientBoostingClassifier(
        n_estimators=n_trees,
        learning_rate=rate,
        max_depth=3,
        subsample=0.7,
        max_features=0.2,
        random_state=seed,
    ).fit(features, target)
    forest = Forest.from_trees([tree.tree_ for tree in model.estimators_[:, 0]], scale=rate)
    share = float(np.mean(target))
    return forest, float(np.log(share / (1 - share)))
