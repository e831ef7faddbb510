"""A check warns of what is worse by more than chance gives, and passes with words what is not."""

import numpy as np
import pytest

from catalyst_assets.learning.significance import Difference, miscalibration_by_chance, paired, unpaired


def test_pairs_tell_what_means_of_different_materials_cannot() -> None:
    before = np.linspace(0.1, 2.0, 12)
    now = before + 0.05 + 0.01 * np.sin(np.arange(12))
    assert paired(now, before).is_larger
    assert not paired(before, now).is_larger
    assert not unpaired(now, before).is_larger


def test_a_difference_has_students_and_welchs_standard_errors() -> None:
    of_pairs = paired([1.0, 2.0, 4.0], [0.5, 2.5, 3.0])
    assert of_pairs.mean == pytest.approx(1 / 3)
    assert of_pairs.standard_error == pytest.approx(0.4409585518)
    assert of_pairs.freedom == 2
    of_sets = unpaired([1.0, 2.0, 4.0], [0.5, 0.7])
    assert of_sets.standard_error == pytest.approx(np.sqrt(7 / 9 + 0.01))
    assert of_sets.freedom == pytest.approx((7 / 9 + 0.01) ** 2 / ((7 / 9) ** 2 / 2 + 0.01**2))


@pytest.mark.parametrize("difference", [paired([3.0], [1.0]), unpaired([3.0], [1.0, 1.1]), paired([], [])])
def test_too_few_values_tell_nothing(difference: Difference) -> None:
    assert not difference.is_larger
    assert difference.standard_error is None
    assert "too few values to tell" in str(difference)


def test_equal_errors_are_not_larger() -> None:
    assert not paired([1.0, 2.0], [1.0, 2.0]).is_larger
    assert not unpaired([1.0, 1.0], [1.0, 1.0]).is_larger


def test_few_labels_look_miscalibrated_by_chance() -> None:
    generator = np.random.default_rng(7)
    levels = np.linspace(0, 1, 101)
    positions = generator.random((4000, 9, 1))
    areas = np.abs((positions <= levels).mean(1) - levels).mean(1)
    assert 0.005 < float((areas > miscalibration_by_chance(9)).mean()) < 0.015
