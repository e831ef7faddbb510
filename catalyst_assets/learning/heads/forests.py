"""Tree ensembles: fitted by scikit-learn, kept as flat arrays, predicted by scikit-learn's compiled trees.

Flat arrays are what a safetensors file can hold (scikit-learn's own way to keep a model is pickle). Extremely
randomized trees: Geurts et al., Mach. Learn. 63, 3 (2006); gradient boosting: Friedman, Ann. Stat. 29, 1189 (2001).
"""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Forest:
    """Decision trees, the nodes of one after those of the other.

    Attributes
    ----------
    n_features
        Columns of the rows it predicts.
    feature, left, right
        Shape (n_nodes,): the feature a node splits on, and its children counted from the tree's first node;
        -1 at a leaf.
    threshold
        Shape (n_nodes,): rows with ``feature <= threshold`` go left.
    value
        Shape (n_nodes,): what a leaf predicts.
    sizes, depths
        Shape (n_trees,): nodes and depth of each tree.
    """

    n_features: int
    feature: NDArray[np.int32]
    threshold: NDArray[np.float64]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: NDArray[np.float64]
    sizes: NDArray[np.int32]
    depths: NDArray[np.int32]
    _trees: list[Any] = field(default_factory=list, compare=False, repr=False)

    @classmethod
    def from_trees(cls, trees: "Sequence[Any]", scale: float = 1.0, column: int = 0) -> Self:
        """Copy fitted scikit-learn ``tree_`` objects; ``column`` picks a class or output, ``scale`` multiplies it."""
        values = [tree.value.reshape(tree.node_count, -1)[:, column] * scale for tree in trees]
        return cls(
            int(trees[0].n_features),
            np.concatenate([tree.feature for tree in trees]).astype(np.int32),
            np.concatenate([tree.threshold for tree in trees]).astype(np.float64),
            np.concatenate([tree.children_left for tree in trees]).astype(np.int32),
            np.concatenate([tree.children_right for tree in trees]).astype(np.int32),
            np.concatenate(values).astype(np.float64),
            np.array([tree.node_count for tree in trees], dtype=np.int32),
            np.array([tree.max_depth for tree in trees], dtype=np.int32),
        )

    def moments(self, features: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return mean and variance over the trees, each of shape (n_rows,)."""
        rows = np.ascontiguousarray(features, dtype=np.float32)
        total, squares = np.zeros(len(rows)), np.zeros(len(rows))
        center = float(self.value.mean())
        for tree in self._compiled():
            leaf = tree.predict(rows)[:, 0] - center
            total += leaf
            squares += leaf**2
        mean = total / len(self.sizes)
        return mean + center, np.maximum(squares / len(self.sizes) - mean**2, 0.0)

    def total(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the sum over the trees, shape (n_rows,): what a boosted ensemble predicts."""
        return self.moments(features)[0] * len(self.sizes)

    def check(self) -> None:
        """Refuse nodes that point outside their tree or back, and features that do not exist.

        Raises
        ------
        ValueError
            The arrays are not a forest.
        """
        bounds = np.concatenate([[0], np.cumsum(self.sizes)])
        own = np.concatenate([np.arange(size) for size in self.sizes])
        size = np.repeat(self.sizes, self.sizes)
        leaf = (self.left == -1) & (self.right == -1)
        forward = (self.left > own) & (self.right > own) & (self.left < size) & (self.right < size)
        known = leaf | ((self.feature >= 0) & (self.feature < self.n_features))
        if bounds[-1] != len(self.left) or not (leaf | forward).all() or not known.all():
            raise ValueError("the nodes of a tree do not fit together")

    def _compiled(self) -> list[Any]:
        """Return scikit-learn's trees, made from the arrays as unpickling would."""
        if not self._trees:
            from sklearn.tree._tree import NODE_DTYPE, Tree

            self.check()
            bounds = np.concatenate([[0], np.cumsum(self.sizes)])
            for (start, stop), depth in zip(pairwise(bounds.tolist()), self.depths.tolist(), strict=True):
                nodes = np.zeros(stop - start, dtype=NODE_DTYPE)
                nodes["left_child"] = self.left[start:stop]
                nodes["right_child"] = self.right[start:stop]
                nodes["feature"] = self.feature[start:stop]
                nodes["threshold"] = self.threshold[start:stop]
                nodes["n_node_samples"] = 1
                nodes["weighted_n_node_samples"] = 1.0
                tree = Tree(self.n_features, np.array([1], dtype=np.intp), 1)
                tree.__setstate__(
                    {
                        "max_depth": depth,
                        "node_count": stop - start,
                        "nodes": nodes,
                        "values": np.ascontiguousarray(self.value[start:stop, None, None]),
                    }
                )
                self._trees.append(tree)
        return self._trees


def fit_regression_forest(
    features: NDArray[np.float32],
    target: NDArray[np.float64],
    n_trees: int,
    seed: int,
    weights: NDArray[np.float64] | None = None,
) -> Forest:
    """Fit extremely randomized regression trees, grown to pure leaves.

    Where rows have ``weights`` of shape (n,), at most 1, a leaf holds at least half of a row of weight 1: labels that
    are mostly noise share one.
    """
    from sklearn.ensemble import ExtraTreesRegressor

    least = 0.0 if weights is None else min(0.5 / float(weights.sum()), 0.5)
    model = ExtraTreesRegressor(
        n_trees, max_features=1 / 3, min_weight_fraction_leaf=least, random_state=seed
    )
    model.fit(features, target, sample_weight=weights)
    return Forest.from_trees([tree.tree_ for tree in model.estimators_])


def fit_classification_forest(
    features: NDArray[np.float32], target: NDArray[np.bool_], n_trees: int, seed: int
) -> Forest:
    """Fit extremely randomized classification trees; the mean over trees is the probability of True."""
    from sklearn.ensemble import ExtraTreesClassifier

    model = ExtraTreesClassifier(n_trees, max_features=1 / 3, random_state=seed).fit(features, target)
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
