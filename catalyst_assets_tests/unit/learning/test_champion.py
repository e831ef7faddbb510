from dataclasses import replace

import numpy as np
import pytest

from catalyst_assets.learning.heads.fitting import fit_head
from catalyst_assets.learning.models.comparison import (
    SharedErrors,
    VersionScores,
    compare_on_shared,
    decide_champion,
    find_worse_calibration,
)
from catalyst_assets.learning.training_set import TrainingSet
from catalyst_assets.learning.uncertainty.report import PropertyReport, ValidationReport

CHAMPION = VersionScores(3, relative_mae=0.50, miscalibration_area=0.040)


def shared(challenger: float, champion: float) -> SharedErrors:
    return SharedErrors(40, {"band_gap_direct": (0.1, 0.2)}, (challenger, champion))


def fitted(labels: dict[str, float], predicted: list[float]) -> tuple[ValidationReport, TrainingSet]:
    """A model of one property, by what it was fitted to and what it predicted of that, held out."""
    values = np.array([*labels.values()])
    known = values[np.isfinite(values)]
    empty = np.zeros(len(known))
    report = PropertyReport(
        len(known), 0.0, 0.0, 1.0, 0.05, 0.0, 0.0, {}, known, np.array(predicted), empty, empty, 0.0, empty
    )
    training_set = TrainingSet(
        tuple(labels), ("A-B",) * len(labels), tuple(labels), ("band_gap_direct",), (),
        np.zeros((len(labels), 0), np.float32), values[:, None], {},
    )  # fmt: skip
    return ValidationReport({"band_gap_direct": report}), training_set


def test_the_first_version_is_champion_even_if_it_has_not_learned() -> None:
    decision = decide_champion(VersionScores(1, None, None), None, None)
    assert (decision.is_promoted, decision.reason) == (True, "It is the first version.")


def test_better_and_as_well_calibrated_is_promoted() -> None:
    decision = decide_champion(VersionScores(4, 0.6, 0.049), CHAMPION, shared(0.40, 0.45))
    assert decision.is_promoted
    assert decision.reason == (
        "Relative error 0.400 against 0.450 of version 3, on the 40 materials both know: better; "
        "miscalibration area 0.049 against 0.040: not worse."
    )


def test_better_but_worse_calibrated_is_not_promoted_and_says_why() -> None:
    decision = decide_champion(VersionScores(4, 0.3, 0.051), CHAMPION, shared(0.40, 0.45))
    assert not decision.is_promoted
    assert decision.reason.endswith(
        "better. But its calibration is worse: miscalibration area 0.051, that of version 3 is 0.040 "
        "(at most 0.01 more passes)."
    )


@pytest.mark.parametrize("error", [0.45, 0.46])
def test_equal_or_worse_on_the_same_materials_is_not_promoted_whatever_each_one_validated_on(
    error: float,
) -> None:
    decision = decide_champion(VersionScores(4, 0.1, 0.0), CHAMPION, shared(error, 0.45))
    assert not decision.is_promoted
    assert decision.reason.endswith("not better.")


def test_without_shared_materials_the_recorded_errors_decide() -> None:
    assert decide_champion(VersionScores(4, 0.49, 0.04), CHAMPION, None).is_promoted
    assert not decide_champion(VersionScores(4, 0.51, 0.04), CHAMPION, None).is_promoted


def test_one_that_has_not_learned_loses_to_one_that_has() -> None:
    prior = VersionScores(4, None, None)
    assert decide_champion(prior, CHAMPION, None).reason.startswith("It has not learned")
    assert decide_champion(CHAMPION, prior, None).is_promoted
    assert not decide_champion(VersionScores(5, None, None), prior, None).is_promoted


def test_calibration_within_the_tolerance_is_not_worse() -> None:
    assert find_worse_calibration(VersionScores(4, 0.4, 0.05), CHAMPION) == ""
    assert "0.060" in find_worse_calibration(VersionScores(4, 0.4, 0.06), CHAMPION)
    assert find_worse_calibration(VersionScores(4, 0.4, 0.06), None) == ""


def test_errors_are_compared_on_the_materials_with_the_same_label() -> None:
    old = fitted({"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0, "e": 5.0, "f": 9.0}, [2, 3, 4, 5, 6, 9])
    # z is new, f was measured again, and a..e are predicted to 0.5 instead of 1.
    new = fitted(
        {"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0, "e": 5.0, "f": 8.0, "z": 100.0},
        [1.5, 2.5, 3.5, 4.5, 5.5, 0.0, 0.0],
    )
    found = compare_on_shared(new, old)
    assert found is not None
    assert found.n_materials == 5
    assert found.mae_by_property == {"band_gap_direct": (0.5, 1.0)}
    # Predicting the mean of 1..5 errs by 1.2.
    np.testing.assert_allclose(found.relative_mae, (0.5 / 1.2, 1.0 / 1.2))


def test_too_few_shared_or_a_report_of_other_rows_is_not_compared() -> None:
    few = fitted({"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0}, [1, 2, 3, 4])
    assert compare_on_shared(few, few) is None
    report, training_set = fitted({name: float(ord(name)) for name in "abcdef"}, [0.0] * 6)
    part = report.properties["band_gap_direct"]
    other = ValidationReport({"band_gap_direct": replace(part, observed=part.observed[::-1])})
    assert compare_on_shared((other, training_set), (report, training_set)) is None
    assert compare_on_shared((None, training_set), (report, training_set)) is None


def test_a_fitted_heads_report_is_in_the_order_of_its_labels() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(24, 3)).astype(np.float32)
    labels = np.stack([features[:, 0] + 1.0, features[:, 1]], axis=1).astype(np.float64)
    labels[3, 0] = np.nan
    names, properties = ("x:a", "x:b", "x:c"), ("band_gap_direct", "formation_energy_per_atom")
    materials = tuple(f"m{number:02d}" for number in range(24))
    head = fit_head(features, names, labels, [f"S{row % 6}" for row in range(24)], properties)
    training_set = TrainingSet(materials, ("S",) * 24, materials, properties, names, features, labels, {})
    found = compare_on_shared((head.report, training_set), (head.report, training_set))
    assert found is not None
    assert head.report is not None
    assert found.n_materials == 24
    assert found.mae_by_property["band_gap_direct"][0] == pytest.approx(
        head.report.properties["band_gap_direct"].mae
    )
