"""Properties that follow others: relations are found, used for what is not known, and lose no label."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalyst_assets.learning.heads.fitting import fit_head
from catalyst_assets.learning.heads.head import FittedHead
from catalyst_assets.learning.heads.relations.coupling import find_couplings
from catalyst_assets.learning.heads.settings import HeadSettings
from catalyst_assets.learning.uncertainty.couplings import (
    Coupling,
    ancestry,
    prior_apart,
    put_together,
    spread_together,
    take_apart,
)

NAMES = tuple(f"block:{i}" for i in range(4))
PROPERTIES = ("gap", "edge", "energy")
SETTINGS = HeadSettings(n_trees=10, n_boosted=10, gp_steps=15)


def materials(n: int = 150, seed: int = 0) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Return features, labels (a gap with steps and a floor, an edge half a gap higher, an energy) and systems."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, 4)).astype(np.float32)
    steps = np.sign(np.sin(7 * features[:, 0]) * np.sin(5 * features[:, 1]))
    gap = np.maximum(0.0, 2 + 1.5 * steps + rng.normal(0, 0.5, n) - 1.2 * (features[:, 2] > 0.5) * 3)
    edge = 6 + 0.3 * features[:, 3] - 0.5 * gap
    energy = features[:, 2] - 0.5 * features[:, 1] + rng.normal(0, 0.1, n)
    return features, np.stack([gap, edge, energy], axis=1), [f"system{i}" for i in range(n)]


@pytest.fixture(scope="module")
def head() -> FittedHead:
    features, labels, groups = materials()
    return fit_head(features, NAMES, labels, groups, PROPERTIES, SETTINGS)


def test_an_edge_follows_the_gap_by_its_slope_and_nothing_follows_by_chance(head: FittedHead) -> None:
    (coupling,) = head.couplings
    assert (coupling.child, coupling.parent) == (1, 0)
    assert coupling.slope == pytest.approx(-0.5, abs=0.01)


def test_a_relation_halves_the_spread_of_what_depends_on_it(head: FittedHead) -> None:
    features, labels, groups = materials()
    alone = fit_head(features, NAMES, labels, groups, PROPERTIES, replace(SETTINGS, couple=False))
    assert alone.couplings == ()
    assert head.report is not None
    pool, _, _ = materials(200, seed=1)

    def remainder_spread(fitted: FittedHead) -> float:
        draws = fitted.predict(pool).draws.astype(np.float64)
        return float((draws[..., 1] + 0.5 * draws[..., 0]).std(axis=1).mean())

    assert remainder_spread(head) < 0.5 * remainder_spread(alone)
    mean, std = (getattr(head.predict(pool), name) for name in ("mean", "std"))
    draws = head.predict(pool).draws
    np.testing.assert_allclose(draws.mean(axis=1)[:, 1], mean[:, 1], atol=0.1)
    np.testing.assert_allclose(draws.std(axis=1)[:, 1], std[:, 1], rtol=0.25)


def test_what_is_reported_of_a_follower_is_about_its_own_labels(head: FittedHead) -> None:
    _, labels, _ = materials()
    assert head.report is not None
    report = head.report.properties["edge"]
    np.testing.assert_allclose(report.observed, labels[:, 1], atol=1e-9)
    assert report.mae == pytest.approx(np.abs(report.predicted - labels[:, 1]).mean())
    assert report.mae < report.baseline_mae
    assert 0.6 < report.coverage["80"] <= 0.95


def test_a_coupled_head_is_stored_and_read_to_the_last_bit(head: FittedHead) -> None:
    pool, _, _ = materials(20, seed=2)
    again = FittedHead.from_bytes(head.to_bytes())
    assert again.couplings == head.couplings
    np.testing.assert_array_equal(again.predict(pool).draws, head.predict(pool).draws)
    np.testing.assert_array_equal(again.predict(pool).std, head.predict(pool).std)


def test_a_property_known_where_its_parent_is_not_keeps_its_labels() -> None:
    features, labels, groups = materials()
    labels[:5, 0] = np.nan
    assert find_couplings(features, labels, 0) == ()
    labels[:10, 1] = np.nan
    (coupling,) = find_couplings(features, labels, 0)
    assert (coupling.child, coupling.parent) == (1, 0)
    fitted = fit_head(features, NAMES, labels, groups, PROPERTIES, SETTINGS)
    assert fitted.report is not None
    assert {name: part.n for name, part in fitted.report.properties.items()} == {
        "gap": 145, "edge": 140, "energy": 150,
    }  # fmt: skip


def test_a_line_of_relations_is_followed_to_its_root() -> None:
    features, labels, _ = materials()
    shifted = 0.2 * np.sin(3 * features[:, 0]) + 2 * labels[:, 1]
    couplings = find_couplings(features, np.column_stack([labels[:, :2], shifted]), 0)
    assert {(c.child, c.parent) for c in couplings} in ({(1, 0), (2, 1)}, {(1, 0), (2, 0)})
    assert ancestry(0, couplings) == [0]
    assert ancestry(2, couplings)[-1] == 0


@pytest.mark.parametrize("n", [0, 3, 9])
def test_few_labels_relate_nothing(n: int) -> None:
    features, labels, _ = materials(n)
    assert find_couplings(features, labels, 0) == ()


@given(
    st.lists(st.floats(-100, 100), min_size=3, max_size=3),
    st.floats(-3, 3),
    st.floats(-3, 3),
)
def test_values_taken_apart_come_together_again(values: list[float], first: float, second: float) -> None:
    couplings = [Coupling(2, 0, first), Coupling(1, 2, second)]
    np.testing.assert_allclose(
        put_together(take_apart(np.array([values]), couplings), couplings), [values], atol=1e-9
    )


def test_spreads_and_priors_follow_the_arithmetic_of_sums() -> None:
    couplings = [Coupling(1, 0, 2.0), Coupling(2, 1, -1.0)]
    correlation = np.array([[1, 0.5, 0], [0.5, 1, 0], [0, 0, 1.0]])
    spread = spread_together(np.array([[1.0, 3.0, 4.0]]), correlation, couplings)
    # Var(2a + b) = 4 + 9 + 2 * 2 * 0.5 * 3, and the last adds 16.
    np.testing.assert_allclose(spread, [[1.0, np.sqrt(19), np.sqrt(35)]])
    assert prior_apart([(1.0, 0.1), (5.0, 0.2), (2.0, 0.3)], couplings) == [
        (1.0, 0.1),
        (3.0, 0.2),
        (7.0, 0.3),
    ]


def test_a_property_that_hardly_varies_is_left_alone() -> None:
    features = np.random.default_rng(0).normal(size=(2001, 4)).astype(np.float32)
    labels = np.column_stack([features[:, 0], np.full(2001, 5.0)])
    labels[7, 1] = 4.0
    assert all(find_couplings(features, labels, seed) == () for seed in range(6))


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_a_relation_is_found_whatever_the_order_of_the_properties(order: list[int]) -> None:
    features, labels, _ = materials(100)
    whole = np.column_stack([labels[:, 0] + 1e-3 * features[:, 0], 2 * labels[:, 0] + features[:, 3]])
    whole[50:, 1] = np.nan
    (coupling,) = find_couplings(features, whole[:, order], 0)
    assert (order[coupling.child], order[coupling.parent]) == (1, 0)
