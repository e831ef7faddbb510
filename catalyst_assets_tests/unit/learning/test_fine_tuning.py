"""Adapting a backbone to a campaign's labels: who is left out, what is predicted, what is kept."""

import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from catalyst_assets.campaigns.model import FineTuning
from catalyst_assets.errors import CorruptArtifactError, LoopError
from catalyst_assets.learning.heads.head import assign_folds
from catalyst_assets.learning.models.fine_tuned import FineTunedModel, FineTuneSettings
from catalyst_assets.learning.models.fine_tuning import can_fine_tune, fine_tune
from catalyst_assets.learning.predictor import Crystals
from catalyst_assets.learning.serialization import format_of
from catalyst_assets.representation.fitting.settings import FitSettings
from catalyst_assets.vocabulary.known import known_properties
from catalyst_assets_tests.fitted import perovskite_labels, tiny_backbone

FIT = FitSettings(max_epochs=25, max_edges_per_batch=2500, hidden=32, learning_rate=1e-2, accelerator="cpu")
SETTINGS = FineTuneSettings(members=2, n_folds=4, fit=FIT)
NAMES = ("mace:first", "desc:one", "desc:two", "desc:three")
PROPERTY_NAMES = ("smooth", "gap", "band_gap_direct")
GROUPS = tuple(f"system{row // 2}" for row in range(64))


def features() -> np.ndarray:
    data = perovskite_labels()
    return np.concatenate([np.full((len(data), 1), np.nan, np.float32), data.extra], axis=1)


def crystals() -> Crystals:
    return Crystals(lambda part, _: perovskite_labels().graphs[part])


def labels() -> np.ndarray:
    """Two properties with labels enough, and one with three."""
    known = perovskite_labels().labels
    rare = np.full((len(known), 1), np.nan)
    rare[:3] = 1.0
    return np.concatenate([known, rare], axis=1)


def adapt(settings: FineTuneSettings, **options: object) -> FineTunedModel:
    with tempfile.TemporaryDirectory() as folder:
        return fine_tune(
            tiny_backbone(),
            perovskite_labels().graphs,
            features(),
            NAMES,
            labels(),
            GROUPS,
            PROPERTY_NAMES,
            settings,
            Path(folder),
            **options,  # type: ignore[arg-type]
        )


@cache
def adapted() -> FineTunedModel:
    return adapt(SETTINGS)


def test_networks_learn_what_was_labelled_and_expect_the_typical_of_the_rest():
    model = adapted()
    prediction = model.predict(features(), 16, 0, crystals())
    known = labels()[:, 0]
    rows = np.isfinite(known)

    assert model.learned == ("smooth", "gap")
    assert prediction.properties == PROPERTY_NAMES
    error = np.abs(prediction.mean[rows, 0] - known[rows]).mean()
    assert error < 0.5 * np.abs(known[rows] - known[rows].mean()).mean()
    typical = known_properties()["band_gap_direct"]
    np.testing.assert_allclose(prediction.mean[:, 2], typical.typical_mean)
    np.testing.assert_allclose(prediction.std[:, 2], typical.typical_std)
    assert prediction.draws.shape == (64, 16, 3)


def test_a_property_on_a_floor_is_predicted_there():
    prediction = adapted().predict(features(), 64, 0, crystals())
    gap = labels()[:, 1]

    at_floor = (prediction.draws[:, :, 1] == 0).mean(axis=1)
    assert at_floor[gap == 0].mean() > at_floor[gap > 0].mean() + 0.3
    assert prediction.draws[:, :, 1].min() == 0


def test_each_network_is_judged_by_the_chemical_systems_it_left_out():
    report = adapted().report
    folds = assign_folds(GROUPS, 4, FIT.seed)

    assert report is not None
    left_out = np.isin(folds, [0, 1])
    expected = labels()[left_out & np.isfinite(labels()[:, 0]), 0]
    np.testing.assert_array_equal(report.properties["smooth"].observed, expected)
    judged, own_folds = adapted().held_out(labels(), GROUPS)
    np.testing.assert_array_equal(np.isfinite(judged[:, 0]), left_out & np.isfinite(labels()[:, 0]))
    np.testing.assert_array_equal(own_folds, folds)
    assert "member1/training_loss" in report.curves


def test_networks_that_leave_out_the_same_rows_are_judged_together():
    rows = np.arange(0, 64, 4)
    model = adapt(replace(SETTINGS, fit=replace(FIT, max_epochs=2)), left_out=[rows, rows])

    assert model.report is not None
    assert model.report.properties["gap"].n == np.isfinite(labels()[rows, 1]).sum()


def test_a_model_read_back_predicts_the_same_to_the_last_bit():
    model = adapted()
    data = model.to_bytes()
    again = FineTunedModel.from_bytes(data)

    assert format_of(data) == FineTunedModel.FORMAT
    assert again.to_bytes() == data
    assert again.settings == model.settings
    first, second = (each.predict(features(), 8, 3, crystals()) for each in (model, again))
    np.testing.assert_array_equal(first.mean, second.mean)
    np.testing.assert_array_equal(first.draws, second.draws)


def test_bytes_that_were_cut_off_are_refused():
    with pytest.raises(CorruptArtifactError, match="trained_model"):
        FineTunedModel.from_bytes(adapted().to_bytes()[:-10])


def test_features_of_another_backbone_are_refused():
    with pytest.raises(LoopError, match="expects 4 features"):
        adapted().predict(features()[:, :3], 8, 0, crystals())


def test_too_few_labels_are_refused_and_say_what_to_do():
    few = np.full((64, 3), np.nan)
    few[:19] = 1.0
    with pytest.raises(LoopError, match=r"20 labels.*") as raised, tempfile.TemporaryDirectory() as folder:
        fine_tune(
            tiny_backbone(),
            perovskite_labels().graphs,
            features(),
            NAMES,
            few,
            GROUPS,
            PROPERTY_NAMES,
            SETTINGS,
            Path(folder),
        )
    assert "learning.fine_tune" in str(raised.value.remedy)


def test_a_property_that_would_leave_a_network_nothing_to_learn_is_left_to_what_is_typical():
    crowded = labels()
    crowded[:, 2] = np.nan
    # All labels of it in chemical systems that the first network leaves out, or in too few others.
    folds = assign_folds(GROUPS, SETTINGS.n_folds, FIT.seed)
    crowded[np.flatnonzero(folds == 0), 2] = 1.0
    crowded[np.flatnonzero(folds != 0)[:9], 2] = 2.0
    assert np.isfinite(crowded[:, 2]).sum() >= 20
    with tempfile.TemporaryDirectory() as folder:
        model = fine_tune(
            tiny_backbone(),
            perovskite_labels().graphs,
            features(),
            NAMES,
            crowded,
            GROUPS,
            PROPERTY_NAMES,
            replace(SETTINGS, fit=replace(FIT, max_epochs=1)),
            Path(folder),
        )
    assert model.learned == ("smooth", "gap")


def test_labels_of_one_chemical_system_are_too_few_to_fine_tune():
    assert can_fine_tune(labels(), GROUPS, SETTINGS)
    assert not can_fine_tune(labels(), ["Ca-O-Ti"] * 64, SETTINGS)
    assert not can_fine_tune(labels()[:0], [], SETTINGS)


def test_each_epoch_of_each_network_is_told():
    told: list[tuple[str, int]] = []
    quick = replace(SETTINGS, fit=replace(FIT, max_epochs=2))
    adapt(quick, on_epoch=lambda name, epoch, _: told.append((name, epoch)))

    assert [step for name, step in told if name == "member0/training_loss"] == [0, 1]
    assert [step for name, step in told if name == "member1/mean_absolute_error/gap"] == [0, 1]


def test_settings_are_those_of_the_campaign():
    wanted = FineTuning(depth="last_layers", members=7, max_epochs=3, learning_rate=0.01, patience=2)
    settings = FineTuneSettings.of(wanted, seed=5)

    assert (settings.members, settings.n_folds) == (7, 7)
    assert settings.fit.depth == "last_layers"
    assert (settings.fit.max_epochs, settings.fit.learning_rate, settings.fit.patience) == (3, 0.01, 2)
    assert settings.fit.seed == 5
