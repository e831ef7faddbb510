"""Heads through their public face: which kind is kept, and that a stored one predicts the same."""

from pathlib import Path

import numpy as np
import pytest

from catalyst_assets.campaigns.model import HeadKind
from catalyst_assets.errors import CorruptArtifactError
from catalyst_assets.learning.heads import gaussian_process, sparse_process
from catalyst_assets.learning.heads.fitting import fit_head, fit_heads
from catalyst_assets.learning.heads.gaussian_process import GaussianProcess
from catalyst_assets.learning.heads.head import FittedHead, assign_folds
from catalyst_assets.learning.heads.settings import HeadSettings
from catalyst_assets.learning.heads.sparse_process import SparseProcess
from catalyst_assets.learning.heads.stacked import StackedModel
from catalyst_assets.representation.fitting.floors import find_floor
from resources.settings import get_settings

NAMES = [f"x:{column}" for column in range(4)]
SETTINGS = HeadSettings(n_trees=20, n_boosted=10, gp_steps=15, n_networks=1, seed=1)
ALL = (HeadKind.STACKED, HeadKind.DEEP_ENSEMBLE, HeadKind.GAUSSIAN_PROCESS)


def _rows(n: int = 100, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, (n, 4)).astype(np.float32), [f"system {row % 25}" for row in range(n)]


def _labels(features: np.ndarray) -> np.ndarray:
    """Return a smooth property, one with a floor, and one measured twice only."""
    smooth = features[:, 0].astype(float) + features[:, 1] ** 2
    gap = np.maximum(features[:, 2].astype(float), 0)
    rare = np.full(len(features), np.nan)
    rare[:2] = 1.0
    return np.stack([smooth, gap, rare], axis=1)


@pytest.fixture(scope="module")
def head() -> FittedHead:
    features, groups = _rows()
    return fit_heads(ALL, features, NAMES, _labels(features), groups, ["smooth", "gap", "rare"], SETTINGS)


@pytest.fixture(scope="module", params=ALL)
def single(request: pytest.FixtureRequest) -> FittedHead:
    features, groups = _rows()
    labels = _labels(features)
    return fit_heads([request.param], features, NAMES, labels, groups, ["smooth", "gap", "rare"], SETTINGS)


def test_every_kind_predicts_unseen_materials_and_their_floor(single: FittedHead) -> None:
    features, _ = _rows(200, 5)
    prediction = single.predict(features)
    truth = _labels(features)[:, :2]
    error = np.abs(prediction.mean[:, :2] - truth).mean(0)
    assert (error < 0.35 * np.abs(truth - truth.mean(0)).mean(0)).all()
    metals = truth[:, 1] == 0
    at_floor = (prediction.draws[:, :, 1] == 0).mean(1)
    assert at_floor[metals].mean() > 0.7 > 0.3 > at_floor[~metals].mean()


def test_every_kind_is_stored_and_read_to_the_last_bit(single: FittedHead) -> None:
    features, _ = _rows(50, 6)
    again = FittedHead.from_bytes(single.to_bytes())
    expected, read = single.predict(features), again.predict(features)
    np.testing.assert_array_equal(read.mean, expected.mean)
    np.testing.assert_array_equal(read.std, expected.std)
    np.testing.assert_array_equal(read.draws, expected.draws)
    assert again.to_bytes() == single.to_bytes()
    assert (again.kinds, again.choices) == (single.kinds, single.choices)


def test_the_order_of_labels_does_not_matter(single: FittedHead) -> None:
    features, groups = _rows()
    order = np.random.default_rng(0).permutation(len(features))
    (kind,) = set(single.kinds.values())
    shuffled = fit_heads(
        [kind],
        features[order],
        NAMES,
        _labels(features)[order],
        [groups[row] for row in order],
        ["smooth", "gap", "rare"],
        SETTINGS,
    )
    pool, _ = _rows(30, 7)
    np.testing.assert_array_equal(shuffled.predict(pool).mean, single.predict(pool).mean)
    np.testing.assert_array_equal(shuffled.predict(pool).std, single.predict(pool).std)


def test_the_best_kind_on_unseen_systems_is_kept_and_all_scores_are_told(head: FittedHead) -> None:
    assert set(head.kinds) == set(head.choices) == {"smooth", "gap"}
    for name, scores in head.choices.items():
        assert tuple(scores) == ALL
        assert scores[head.kinds[name]] <= 1.01 * min(scores.values())


def test_steps_are_left_to_trees_and_smooth_trends_to_a_process() -> None:
    rng = np.random.default_rng(2)
    features, groups = _rows(160, 3)
    steps = np.where(features[:, 0] > 0.1, 2.0, 0.0) + np.where(features[:, 1] > -0.3, 1.0, 0.0)
    steps += 0.01 * rng.normal(size=len(steps))
    smooth = np.sin(2 * features.astype(float)).sum(1)
    labels = np.stack([steps, smooth], axis=1)
    kinds = (HeadKind.GAUSSIAN_PROCESS, HeadKind.STACKED)
    kept = fit_heads(kinds, features, NAMES, labels, groups, ["steps", "smooth"], SETTINGS)
    assert kept.kinds == {"steps": HeadKind.STACKED, "smooth": HeadKind.GAUSSIAN_PROCESS}


def test_one_kind_asked_for_is_the_one_that_is_fitted() -> None:
    features, groups = _rows(40)
    labels = _labels(features)[:, :1]
    alone = fit_heads([HeadKind.STACKED], features, NAMES, labels, groups, ["smooth"], SETTINGS)
    usual = fit_head(features, NAMES, labels, groups, ["smooth"], SETTINGS)
    assert alone.to_bytes() == usual.to_bytes()


@pytest.mark.parametrize(("most_exact", "kind"), [(1000, GaussianProcess), (60, SparseProcess)])
def test_processes_of_many_labels_are_stored_and_read_to_the_last_bit(
    most_exact: int, kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gaussian_process, "RELEVANCE_FROM", 60)
    monkeypatch.setattr(sparse_process, "MOST_EXACT_ROWS", most_exact)
    features, groups = _rows()
    smooth = _labels(features)[:, :1]
    head = fit_heads([HeadKind.GAUSSIAN_PROCESS], features, NAMES, smooth, groups, ["smooth"], SETTINGS)
    (model,) = head.models
    assert isinstance(model, StackedModel)
    assert isinstance(model.process, kind)
    pool, _ = _rows(50, 8)
    read = FittedHead.from_bytes(head.to_bytes()).predict(pool)
    np.testing.assert_array_equal(read.mean, head.predict(pool).mean)
    np.testing.assert_array_equal(read.std, head.predict(pool).std)
    assert np.abs(read.mean - _labels(pool)[:, :1]).mean() < 0.1


def test_recalibrated_quantiles_are_stored_with_the_head() -> None:
    features, groups = _rows(80)
    noise = np.random.default_rng(4).standard_t(2, size=len(features))
    labels = (features[:, 0] + 0.3 * noise)[:, None]
    settings = HeadSettings(n_trees=20, gp_steps=15, recalibrate=True)
    head = fit_heads([HeadKind.GAUSSIAN_PROCESS], features, NAMES, labels, groups, ["y"], settings)
    again = FittedHead.from_bytes(head.to_bytes())
    assert again.calibrations == head.calibrations
    np.testing.assert_array_equal(again.predict(features).draws, head.predict(features).draws)


@pytest.mark.parametrize("others", [0, 1])
def test_what_no_other_system_tells_of_is_not_judged_by_what_was_fitted_to_it(
    single: FittedHead, others: int
) -> None:
    features, _ = _rows(40)
    groups = ["A-B"] * (40 - others) + ["C-D"] * others
    (kind,) = set(single.kinds.values())
    head = fit_heads([kind], features, NAMES, _labels(features)[:, :1], groups, ["smooth"], SETTINGS)
    assert head.report is not None
    report = head.report.properties["smooth"]
    # Rows it was fitted to would be off by a tenth of that.
    assert report.mae > 0.8 * np.abs(report.observed - report.observed.mean()).mean()


def test_a_fold_without_labels_above_the_floor_is_judged_by_finite_numbers(single: FittedHead) -> None:
    features, groups = _rows(60)
    folds = assign_folds(groups, SETTINGS.n_folds, SETTINGS.seed)
    labels = np.where(folds == 2, 0.0, np.maximum(features[:, 2].astype(float), 0))[:, None]
    (kind,) = set(single.kinds.values())
    head = fit_heads([kind], features, NAMES, labels, groups, ["gap"], SETTINGS)
    assert head.report is not None
    assert np.isfinite(list(head.report.metrics.values())).all()
    assert np.isfinite(head.report.properties["gap"].predicted).all()


def test_a_head_of_another_format_or_cut_off_is_refused(head: FittedHead) -> None:
    with pytest.raises(CorruptArtifactError, match=r"'catalyst-head-3', and only 'catalyst-head-4' is read"):
        FittedHead.from_bytes(head.to_bytes().replace(b"catalyst-head-4", b"catalyst-head-3"))
    with pytest.raises(CorruptArtifactError):
        FittedHead.from_bytes(head.to_bytes()[:-40])
    for nothing in (b"", b"x" * 100):
        with pytest.raises(CorruptArtifactError):
            FittedHead.from_bytes(nothing)


def test_what_is_declared_of_zeros_comes_before_what_labels_look_like() -> None:
    few, shared = np.array([0.0] * 3 + [1.0] * 97), np.array([2.0] * 20 + [3.0] * 80)

    assert [find_floor(few, said) for said in (None, True, False)] == [-np.inf, 0.0, -np.inf]
    assert [find_floor(shared, said) for said in (None, True, False)] == [2.0, 2.0, -np.inf]
    assert find_floor(few[1:], True) == -np.inf


def test_a_declaration_decides_whether_a_head_gives_zeros_a_chance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = tmp_path / "properties.yaml"
    features, groups = _rows()
    told = []
    for said in ("true", "false"):
        words.write_text(f"properties: {{selectivity: {{unit: percent, low: 0, zero_inflated: {said}}}}}\n")
        monkeypatch.setenv("CATALYST_PROPERTIES_FILE", str(words))
        get_settings.cache_clear()
        head = fit_head(features, NAMES, _labels(features)[:, 1:2], groups, ["selectivity"], SETTINGS)
        told.append((head.predict(features).draws == 0).mean())
    assert told[0] > 0.1
    assert told[1] == 0
