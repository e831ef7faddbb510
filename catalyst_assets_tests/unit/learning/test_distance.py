"""The distance to the training set: what it is, and that errors can be set against it."""

import numpy as np
import pytest
from numpy.typing import NDArray

from catalyst_assets.figures import as_markdown
from catalyst_assets.learning.uncertainty.distance import (
    bin_by_distance,
    distance_rows,
    errors_by_distance,
    fit_distance,
    held_out_distances,
)
from catalyst_assets.learning.uncertainty.report import ValidationReport, compare


def brute_force(
    rows: NDArray[np.float64], labelled: NDArray[np.float64], excluded: NDArray[np.bool_]
) -> float:
    """Mean distance of the first row to its five nearest, by definition."""
    gaps = np.sqrt(((labelled[~excluded] - rows) ** 2).mean(1))
    return float(np.sort(gaps)[:5].mean())


def sample(n: int, seed: int = 0) -> tuple[NDArray[np.float32], list[str]]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 12)).astype(np.float32), [f"A{i // 3}-B" for i in range(n)]


def test_it_is_the_mean_distance_to_the_five_nearest_in_units_of_an_unseen_system() -> None:
    features, groups = sample(150)
    measure = fit_distance(features, groups)
    assert measure is not None
    values = features.astype(np.float64)
    standard = (values - values.mean(0)) / values.std(0)
    systems = np.array(groups)
    between = np.array(
        [brute_force(standard[i], standard, systems == systems[i]) for i in range(len(standard))]
    )
    assert measure.typical == pytest.approx(np.median(between))
    assert measure.threshold == pytest.approx(np.percentile(between, 95) / np.median(between))
    candidates = sample(40, seed=1)[0]
    expected = [
        brute_force(row, standard, np.zeros(150, bool))
        for row in (candidates.astype(np.float64) - values.mean(0)) / values.std(0)
    ]
    found = measure.measure(candidates)
    np.testing.assert_allclose(found, np.array(expected) / np.median(between), rtol=1e-9)


def test_an_element_never_seen_is_far_although_its_feature_never_varied() -> None:
    features, groups = sample(100)
    features[:, 0] = 0.0
    measure = fit_distance(features, groups)
    assert measure is not None
    near = sample(30, seed=2)[0] * 0.5
    near[:, 0] = 0.0
    far = near.copy()
    far[:, 0] = 1.0
    assert not measure.is_outside(measure.measure(near)).any()
    assert measure.is_outside(measure.measure(far)).all()


def test_neither_order_nor_company_changes_a_distance() -> None:
    features, groups = sample(300)
    candidates = sample(2500, seed=3)[0]
    measure = fit_distance(features, groups)
    order, shuffled = np.random.default_rng(0).permutation(300), np.random.default_rng(1).permutation(2500)
    again = fit_distance(features[order], [groups[i] for i in order])
    assert measure is not None
    assert again is not None
    assert (again.typical, again.threshold) == (measure.typical, measure.threshold)
    distances = measure.measure(candidates)
    np.testing.assert_array_equal(again.measure(candidates[shuffled]), distances[shuffled])
    np.testing.assert_array_equal(measure.measure(candidates[1500:1507]), distances[1500:1507])


@pytest.mark.parametrize("groups", [[], ["A-B"], ["A-B", "A-B"]])
def test_one_chemical_system_does_not_say_what_is_typical(groups: list[str]) -> None:
    assert fit_distance(np.zeros((len(groups), 3), np.float32), groups) is None


def test_a_small_set_uses_the_neighbours_it_has() -> None:
    measure = fit_distance(np.array([[0.0], [2.0]], np.float32), ["A", "B"])
    assert measure is not None
    # Standardized, the two lie at -1 and 1: each is two from the other, and so is the unit.
    assert measure.typical == pytest.approx(2.0)
    np.testing.assert_allclose(measure.measure(np.array([[1.0]], np.float32)), 0.5)


def test_held_out_distances_leave_the_own_fold_out() -> None:
    features = np.array([[0.0], [0.1], [10.0], [10.1]], np.float32)
    measure = fit_distance(features, ["A", "B", "C", "D"])
    assert measure is not None
    folds = np.array([0, 0, 1, 1])
    distances = held_out_distances(measure, features, folds) * measure.typical * features.std()
    np.testing.assert_allclose(distances, [10.05, 9.95, 9.95, 10.05], rtol=1e-5)


def test_bins_hold_equal_numbers_from_near_to_far() -> None:
    n = 100
    distances = np.random.default_rng(0).permutation(np.linspace(0.5, 2.5, n))
    error = distances * 0.1
    position = np.where(distances > 2.1, 0.999, 0.5)
    report = compare(np.zeros(n), error, np.full(n, 0.2), position, np.zeros(n))
    bins = bin_by_distance(report, distances)
    assert [part.n for part in bins] == [20] * 5
    assert bins[0].nearest == 0.5
    assert bins[-1].furthest == 2.5
    assert [part.mae for part in bins] == pytest.approx([0.069, 0.110, 0.150, 0.190, 0.231], abs=1e-3)
    assert [part.coverage["95"] for part in bins] == [1, 1, 1, 1, 0]
    assert len(bin_by_distance(report, np.where(distances < 1, np.nan, distances))) == 5
    assert bin_by_distance(report, np.full(n, np.nan)) == ()


def test_each_property_is_set_against_the_distance_of_its_own_labels() -> None:
    features, groups = sample(60)
    labels = np.full((60, 2), np.nan)
    labels[:40, 0], labels[20:, 1] = 1.0, 2.0
    folds = np.arange(60) % 5
    reports = {
        name: compare(np.full(40, x), np.full(40, x + 0.5), np.ones(40), np.full(40, 0.4), np.zeros(40))
        for name, x in (("band_gap", 1.0), ("lattice_a", 2.0))
    }
    tables = errors_by_distance(
        ValidationReport(reports), features, labels, groups, folds, ["band_gap", "lattice_a"]
    )
    assert {name: sum(part.n for part in bins) for name, bins in tables.items()} == {
        "band_gap": 40,
        "lattice_a": 40,
    }
    first = distance_rows(tables)[0]
    assert (first["property"], first["n"], first["MAE"], first["within 50 %"]) == (
        "band gap",
        10,
        0.5,
        "100%",
    )


def test_a_picture_stands_in_markdown() -> None:
    assert as_markdown(b"\x89PNG", "a title") == "![a title](data:image/png;base64,iVBORw==)"


def test_a_label_that_was_learned_from_but_not_judged_counts_as_known() -> None:
    features = np.array([[0.0], [1.0], [5.0], [6.0], [5.5]], np.float32)
    labels = np.ones((5, 1))
    judged = np.array([[1.0], [1.0], [1.0], [1.0], [np.nan]])
    report = compare(np.ones(4), np.ones(4), np.ones(4), np.full(4, 0.4), np.zeros(4))
    (part,) = errors_by_distance(
        ValidationReport({"band_gap": report}),
        features,
        labels,
        list("ABCDE"),
        np.array([0, 0, 1, 1, 2]),
        ["band_gap"],
        judged,
    )["band_gap"]
    measure = fit_distance(features, list("ABCDE"))
    assert measure is not None
    unit = measure.typical * features.std()
    # The fourth row knows those of fold 0, 5 and 6 away, and the one that nobody judged, half as far as its own.
    expected = np.mean([6.0, 5.0, 0.5]) / unit
    distances = held_out_distances(measure, features, np.array([0, 0, 1, 1, 2]))
    assert distances[3] == pytest.approx(expected, rel=1e-5)
    assert (part.n, part.nearest, part.furthest) == (4, min(distances[:4]), max(distances[:4]))
