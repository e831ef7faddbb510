"""A deep ensemble: what it learns, what it admits not to know, and that batching changes nothing."""

import numpy as np
import pytest

from catalyst_assets.learning.heads.batched_networks import (
    Layer,
    TrainingData,
    initial_layers,
    train_networks,
)
from catalyst_assets.learning.heads.deep_ensemble import DeepEnsemble, train_deep_ensemble
from catalyst_assets.learning.heads.settings import HeadSettings

SETTINGS = HeadSettings(n_networks=1, seed=3)


def _sine(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    features = rng.uniform(-1, 1, (n, 4)).astype(np.float32)
    target = np.sin(3 * features[:, 0]) + features[:, 1] ** 2
    return features, np.stack([target, -target], axis=1), rng.integers(0, 4, n)


@pytest.fixture(scope="module")
def ensemble() -> DeepEnsemble:
    features, targets, folds = _sine(300, 0)
    targets[::3, 1] = np.nan
    return train_deep_ensemble(features, targets, folds, SETTINGS)[0]


def test_it_learns_a_smooth_function_of_which_labels_are_missing(ensemble: DeepEnsemble) -> None:
    features, targets, _ = _sine(200, 1)
    mean, _ = ensemble.predict(features)
    assert np.abs(mean - targets).mean(0) == pytest.approx(0, abs=0.08)
    assert np.abs(targets - targets.mean(0)).mean() > 0.5


def test_spread_grows_away_from_the_labels(ensemble: DeepEnsemble) -> None:
    features, _, _ = _sine(200, 1)
    near, far = ensemble.predict(features)[1], ensemble.predict(features + np.float32(2))[1]
    assert (np.median(far, axis=0) > 10 * np.median(near, axis=0)).all()


def test_a_fold_is_predicted_by_the_networks_that_have_not_seen_it() -> None:
    features, targets, folds = _sine(120, 2)
    targets[folds == 1] += 100.0
    held_out = train_deep_ensemble(features, targets, folds, SETTINGS)[0].predict(
        features[folds == 1], fold=1
    )
    assert np.abs(held_out[0]).max() < 20


def _training_data(known: np.ndarray, targets: np.ndarray) -> TrainingData:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(len(known), 5)).astype(np.float32)
    return TrainingData(
        inputs,
        targets,
        known,
        np.ones(targets.shape[1], dtype=np.float32),
        rng.integers(0, len(known), (40, 3, 16)),
    )


def test_one_batched_network_equals_its_members_trained_one_by_one() -> None:
    rng = np.random.default_rng(1)
    known = rng.random((60, 2)) < 0.7
    data = _training_data(known, rng.normal(size=(60, 2)).astype(np.float32))
    start = initial_layers([5, 16, 16, 4], [(0, member) for member in range(3)])
    together, _ = train_networks(start, data)
    for member in range(3):
        own = slice(member, member + 1)
        alone, _ = train_networks(
            tuple(Layer(layer.weight[own], layer.bias[own]) for layer in start),
            TrainingData(data.inputs, data.targets, known, data.weights, data.batches[:, own]),
        )
        for layer, single in zip(together, alone, strict=True):
            np.testing.assert_allclose(layer.weight[own], single.weight, atol=1e-5)
            np.testing.assert_allclose(layer.bias[own], single.bias, atol=1e-5)


def test_what_stands_in_for_a_missing_label_is_never_learned() -> None:
    rng = np.random.default_rng(2)
    known = rng.random((60, 2)) < 0.6
    targets = rng.normal(size=(60, 2)).astype(np.float32)
    start = initial_layers([5, 16, 4], [(0, member) for member in range(3)])
    clean, _ = train_networks(start, _training_data(known, np.where(known, targets, np.float32(0))))
    spoiled, _ = train_networks(start, _training_data(known, np.where(known, targets, np.float32(np.nan))))
    for left, right in zip(clean, spoiled, strict=True):
        np.testing.assert_array_equal(left.weight, right.weight)


def test_rows_without_any_label_do_not_change_it() -> None:
    features, targets, folds = _sine(60, 4)
    more = np.concatenate([features, features[:20] * 50])
    unlabelled = np.concatenate([targets, np.full((20, 2), np.nan)])
    with_them, _ = train_deep_ensemble(more, unlabelled, np.append(folds, folds[:20]), SETTINGS)
    without, _ = train_deep_ensemble(features, targets, folds, SETTINGS)
    np.testing.assert_array_equal(with_them.predict(features)[0], without.predict(features)[0])
