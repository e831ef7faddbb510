"""Results that stand apart: which are flagged, and that agreeing ones are not."""

from typing import Any

import numpy as np
import pytest

from catalyst_assets.validation.results.outliers import find_flags, modified_z_scores


def rows(values: dict[str, list[float]], **given: Any) -> list[dict[str, Any]]:
    found = []
    for material, replicates in values.items():
        for value in replicates:
            found.append(
                {
                    "result_id": len(found) + 1, "partition_key": "mine__0000", "material_id": material,
                    "formula": material, "property": "band_gap", "method": "PBE", "value": value, "unit": "eV",
                    "standard_deviation": None, "predicted_mean": None, "predicted_std": None,
                } | given
            )  # fmt: skip
    return found


def test_one_of_four_that_lies_far_off_is_flagged_and_says_how_far() -> None:
    (flag,) = find_flags(rows({"A": [1.0, 1.1, 0.9, 3.0], "B": [7.0]}))
    assert (flag.result_id, flag.apart_from, flag.n_replicates) == (4, "replicates", 4)
    assert flag.distance == pytest.approx(0.6745 * 1.95 / 0.1)
    assert str(flag) == (
        "band_gap of A (A), result 4: 3 eV is 13.2 standard deviations above the median of 4 replicates, 1.05 eV"
    )


def test_of_three_the_third_is_flagged_only_where_the_scatter_of_replicates_is_known() -> None:
    two_agree = [1.0, 1.001, 1.2]
    assert find_flags(rows({"A": two_agree})) == []
    # Replicates of this property scatter by about 0.1: the third is one of them.
    others = {name: [2.0, 2.1, 1.9] for name in "BCD"}
    assert find_flags(rows({"A": two_agree} | others)) == []
    (flag,) = find_flags(rows({"A": [1.0, 1.001, 2.0]} | others))
    assert flag.result_id == 3
    # As little where a laboratory states how well it measures.
    assert find_flags(rows({"A": two_agree}, standard_deviation=0.1)) == []
    assert [
        flag.result_id for flag in find_flags(rows({"A": [1.0, 1.001, 1.5]}, standard_deviation=0.1))
    ] == [3]


def test_normal_triplets_are_seldom_flagged() -> None:
    rng = np.random.default_rng(0)
    values = {f"M{number}": list(rng.normal(number, 0.1, 3)) for number in range(300)}
    assert len(find_flags(rows(values))) < 0.02 * 900


def test_far_from_the_prediction_is_flagged_by_both_deviations() -> None:
    predicted = {"predicted_mean": 1.0, "predicted_std": 0.1}
    (flag,) = find_flags(rows({"A": [1.5]}, **predicted))
    assert flag.apart_from == "prediction"
    assert str(flag).endswith("1.5 eV is 5.0 standard deviations above its prediction, 1 eV")
    assert find_flags(rows({"A": [1.5]}, **predicted, standard_deviation=0.1)) == []
    assert find_flags(rows({"A": [1.39]}, **predicted)) == []
    assert find_flags(rows({"A": [0.55]}, **predicted))[0].distance == pytest.approx(-4.5)


def test_scores_where_most_replicates_are_equal() -> None:
    np.testing.assert_array_equal(modified_z_scores([2.0, 2.0, 2.0, 2.0]), np.zeros(4))
    assert modified_z_scores([2.0] * 9 + [5.0])[-1] > 3.5
    np.testing.assert_array_equal(modified_z_scores([1.0, 9.0], least_spread=0.1), np.zeros(2))
