"""Known noise of labels: what heads make of it, and that nothing changes where none is known."""

from dataclasses import replace

import numpy as np
import pytest

from catalyst_assets.campaigns.model import HeadKind
from catalyst_assets.learning.heads import sparse_process
from catalyst_assets.learning.heads.fitting import condition_head, fit_heads
from catalyst_assets.learning.heads.gaussian_process import fit_gaussian_process
from catalyst_assets.learning.heads.head import FittedHead
from catalyst_assets.learning.heads.settings import HeadSettings
from catalyst_assets.learning.heads.sparse_process import fit_process
from catalyst_assets.learning.uncertainty.label_noise import truth_moments

NAMES = [f"x:{column}" for column in range(4)]
SETTINGS = HeadSettings(n_trees=20, n_boosted=10, gp_steps=20, n_networks=1, recalibrate=True)
SHARP, BLUNT = 0.05, 1.5


def _truth(features: np.ndarray) -> np.ndarray:
    x = features.astype(float)
    return np.asarray(np.sin(2 * x[:, 0]) + 0.5 * x[:, 1] * x[:, 2] + 0.3 * x[:, 3])


def _features(n: int, seed: int) -> tuple[np.ndarray, list[str]]:
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, (n, 4)).astype(np.float32), [f"system {row % 25}" for row in range(n)]


def _measured(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """Return features, labels (half of them blunt), their noise, and groups."""
    features, groups = _features(n, seed)
    rng = np.random.default_rng(1000 + seed)
    noise = np.where(rng.random(n) < 0.5, BLUNT, SHARP)
    return features, (_truth(features) + noise * rng.standard_normal(n))[:, None], noise[:, None], groups


def _fit(kind: HeadKind, n: int, seed: int, *, told: bool) -> FittedHead:
    features, labels, noise, groups = _measured(n, seed)
    return fit_heads([kind], features, NAMES, labels, groups, ["p"], SETTINGS, noise=noise if told else None)


def test_a_head_without_known_noise_is_the_same_to_the_last_bit() -> None:
    features, groups = _features(40, 0)
    smooth = _truth(features)
    labels = np.stack([smooth, np.maximum(features[:, 2].astype(float), 0), 2 * smooth + 0.1], axis=1)
    names, small = ["smooth", "gap", "follows"], replace(SETTINGS, gp_steps=5)
    plain, unknown, exact = (
        fit_heads(
            [HeadKind.STACKED], features, NAMES, labels, groups, names, small,
            noise=None if noise is None else np.full(labels.shape, noise),
        ).to_bytes()
        for noise in (None, np.nan, 0.0)
    )  # fmt: skip
    assert unknown == exact == plain


@pytest.mark.parametrize(("kind", "n_seeds"), [(HeadKind.STACKED, 3), (HeadKind.DEEP_ENSEMBLE, 1)])
def test_told_of_the_noise_a_head_predicts_better_and_says_better_how_well(
    kind: HeadKind, n_seeds: int
) -> None:
    features, _ = _features(300, 99)
    truth = _truth(features)
    errors, surprise = [], []
    for seed in range(n_seeds):
        for told in (False, True):
            prediction = _fit(kind, 90, seed, told=told).predict(features)
            error, std = prediction.mean[:, 0] - truth, prediction.std[:, 0]
            errors.append(np.abs(error).mean())
            surprise.append((np.log(std) + 0.5 * (error / std) ** 2).mean())
    assert np.mean(errors[1::2]) < 0.7 * np.mean(errors[::2])
    assert np.mean(surprise[1::2]) < np.mean(surprise[::2]) - 0.3


def test_blunt_labels_do_not_make_a_good_model_look_miscalibrated() -> None:
    head = _fit(HeadKind.GAUSSIAN_PROCESS, 150, 5, told=True)
    report = head.report
    assert report is not None
    part = report.properties["p"]
    assert part.noise is not None
    assert part.noise[np.argmax(np.abs(part.observed - part.predicted))] == BLUNT
    assert 0.6 < part.z_mean_square < 1.5
    assert part.miscalibration_area < 0.06
    # As if spreads were of labels: those of the truth are far narrower than blunt labels scatter.
    assert float(np.mean(((part.observed - part.predicted) / part.std) ** 2)) > 5
    assert part.metrics["label_noise"] == pytest.approx(np.sqrt(np.mean(part.noise**2)))
    assert part.metrics["rmse_without_label_noise"] < 0.6 * part.rmse
    again = FittedHead.from_bytes(head.to_bytes())
    np.testing.assert_array_equal(
        again.predict(_features(20, 3)[0]).std, head.predict(_features(20, 3)[0]).std
    )


def test_neither_order_nor_conditioning_forgets_the_noise() -> None:
    kind = HeadKind.STACKED
    features, labels, noise, groups = _measured(60, 2)
    head = fit_heads([kind], features, NAMES, labels, groups, ["p"], SETTINGS, noise=noise)
    order = np.random.default_rng(0).permutation(60)
    shuffled = fit_heads(
        [kind], features[order], NAMES, labels[order], [groups[row] for row in order], ["p"], SETTINGS,
        noise=noise[order],
    )  # fmt: skip
    unseen, _ = _features(50, 7)
    np.testing.assert_array_equal(shuffled.predict(unseen).mean, head.predict(unseen).mean)
    told, untold = (
        condition_head(head, [kind], features, NAMES, labels, groups, given).predict(unseen).mean[:, 0]
        for given in (noise, None)
    )
    truth = _truth(unseen)
    assert np.abs(told - truth).mean() < 0.7 * np.abs(untold - truth).mean()


def test_a_property_that_follows_another_is_learned_through_both_noises() -> None:
    features, groups = _features(120, 4)
    rng = np.random.default_rng(4)
    # What no feature tells of the parent the child keeps to as well; the labels of half of the rows are blunt.
    truth = _truth(features) + 0.3 * rng.standard_normal(120)
    both = np.stack([truth, 2 * truth + 0.1 * features[:, 3]], axis=1)
    noise = np.where(rng.random((120, 1)) < 0.5, 2.0, 0.02) * np.ones(2)
    labels = both + noise * rng.standard_normal(both.shape)
    unseen, _ = _features(300, 8)
    expected = np.stack([_truth(unseen), 2 * _truth(unseen) + 0.1 * unseen[:, 3]], axis=1)
    errors = []
    for given in (None, noise):
        head = fit_heads(
            [HeadKind.GAUSSIAN_PROCESS], features, NAMES, labels, groups, ["parent", "child"], SETTINGS,
            noise=given,
        )  # fmt: skip
        errors.append(np.abs(head.predict(unseen).mean - expected).mean(0))
    assert head.report is not None
    (coupling,) = head.couplings
    told = head.report.properties["child" if coupling.child else "parent"]
    assert 0.7 < coupling.slope / (2.0 if coupling.child else 0.5) < 1.1
    assert (errors[1] < 0.85 * errors[0]).all()
    assert 0.5 < told.z_mean_square < 1.6
    assert told.miscalibration_area < 0.1


def test_a_sparse_process_weighs_labels_as_an_exact_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    features, labels, noise, _ = _measured(120, 6)
    folds = np.arange(120) % 5
    blocks = [np.arange(4)]
    monkeypatch.setattr(sparse_process, "MOST_EXACT_ROWS", 50)
    sparse, held = fit_process(features, labels[:, 0], folds, blocks, SETTINGS, noise=noise[:, 0])
    exact = fit_gaussian_process(features, labels[:, 0], blocks, 0, 20, noise[:, 0])
    unseen, _ = _features(100, 9)
    truth = _truth(unseen)
    assert (
        np.abs(sparse.predict(unseen)[0] - truth).mean()
        < 1.3 * np.abs(exact.predict(unseen)[0] - truth).mean()
    )
    z = (labels[:, 0] - held[0]) / np.sqrt(held[1] + noise[:, 0] ** 2)
    assert 0.5 < np.mean(z**2) < 1.6


def test_moments_of_truths_leave_the_noise_out() -> None:
    rng = np.random.default_rng(0)
    truth = 3 + 0.5 * rng.standard_normal(4000)
    noise = np.where(rng.random(4000) < 0.5, 2.0, 0.1)
    mean, std = truth_moments(truth + noise * rng.standard_normal(4000), noise)
    assert (mean, std) == (pytest.approx(3.0, abs=0.05), pytest.approx(0.5, abs=0.05))
    # All scatter is noise.
    assert truth_moments(2.0 * rng.standard_normal(50), np.full(50, 10.0))[1] < 1e-3
