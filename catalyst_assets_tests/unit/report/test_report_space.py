"""The map of chemical space: who is drawn, and where."""

import numpy as np
import pytest

from catalyst_assets.report.space import MOST_EVALUATED, MOST_OF_POOL, choose_points, project

POOL = [f"m{number:05d}" for number in range(10_000)]


def test_every_hit_and_suggestion_is_drawn_and_a_sample_of_the_rest() -> None:
    evaluated = {name: number % 100 == 0 for number, name in enumerate(POOL[:4000])}
    kinds = choose_points(POOL, evaluated, POOL[5000:5025])
    counts = {kind: list(kinds.values()).count(kind) for kind in ("pool", "evaluated", "next", "hit")}
    assert counts == {"pool": MOST_OF_POOL, "evaluated": MOST_EVALUATED, "next": 25, "hit": 40}
    assert all(kinds[name] == "hit" for name, is_hit in evaluated.items() if is_hit)
    assert choose_points(POOL[::-1], evaluated, POOL[5000:5025]) == kinds


def test_small_pools_are_drawn_whole_and_strangers_left_out() -> None:
    kinds = choose_points(["a", "b", "c", "d"], {"a": True, "b": False, "gone": True}, ["c", "a", "gone"])
    assert kinds == {"d": "pool", "b": "evaluated", "c": "next", "a": "hit"}


def test_the_plane_is_that_of_the_greatest_variance_whatever_the_units() -> None:
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(400, 2))
    mixed = shared @ rng.normal(size=(2, 6)) + 0.05 * rng.normal(size=(400, 6))
    features = (mixed * [1, 10, 100, 1, 1, 0.01] + 5).astype(np.float32)
    points, explained = project(features, features)
    assert sum(explained) > 0.95
    assert abs(np.corrcoef(points.T)[0, 1]) < 1e-6
    again, _ = project(features[::-1], features)
    np.testing.assert_allclose(again[::-1], points, atol=1e-9)
    moved, _ = project(features[:5], features)
    np.testing.assert_allclose(moved, points[:5], atol=1e-9)


@pytest.mark.parametrize("shape", [(3, 1), (1, 4), (5, 3)])
def test_features_that_do_not_vary_are_one_point(shape: tuple[int, int]) -> None:
    points, explained = project(np.ones(shape, dtype=np.float32), np.ones(shape, dtype=np.float32))
    assert points.shape == (shape[0], 2)
    assert not points.any()
    assert explained == (0.0, 0.0)
