"""A campaign beside random choice: every number against counting all draws."""

import math
from itertools import combinations, permutations

import numpy as np
import pytest

from catalyst_assets.report.statistics import (
    acceleration,
    chance_of_luck,
    enrichment,
    random_band,
    random_evaluations_quantile,
    random_expected_evaluations,
    random_expected_hits,
)

POOL, HITS = 7, 3


def test_random_choice_finds_hits_in_proportion() -> None:
    assert random_expected_hits(255, 14, 60) == pytest.approx(3.294, abs=5e-4)
    assert random_expected_hits(20, 4, 20) == 4


def test_random_expectation_is_the_mean_over_every_draw() -> None:
    for hits in range(7):
        for evaluations in range(7):
            draws = [sum(item < hits for item in draw) for draw in combinations(range(6), evaluations)]
            assert random_expected_hits(6, hits, evaluations) == pytest.approx(sum(draws) / len(draws))


@pytest.mark.parametrize(("pool", "hits", "evaluations"), [(0, 0, 0), (5, 6, 1), (5, 1, 6), (5, -1, 1)])
def test_impossible_pools_are_refused(pool: int, hits: int, evaluations: int) -> None:
    with pytest.raises(ValueError, match=f"pool of {pool}"):
        random_expected_hits(pool, hits, evaluations)


def every_campaign(wanted: int) -> list[int]:
    """Return after how many evaluations each order of the pool has given the wanted hits."""
    orders = permutations(range(POOL))
    return sorted(int(np.flatnonzero(np.array(order) < HITS)[wanted - 1]) + 1 for order in orders)


@pytest.mark.parametrize("wanted", [1, 2, 3])
def test_time_to_a_hit_is_that_of_every_order_of_the_pool(wanted: int) -> None:
    taken = every_campaign(wanted)
    assert random_expected_evaluations(POOL, HITS, wanted) == pytest.approx(np.mean(taken))
    for share in (0.025, 0.3, 0.5, 0.975):
        quantile = taken[math.ceil(share * len(taken)) - 1]
        assert random_evaluations_quantile(POOL, HITS, wanted, share) == quantile


def test_the_band_holds_ninety_five_of_a_hundred_random_campaigns() -> None:
    low, high = random_band(200, 30, range(201))
    rng = np.random.default_rng(0)
    curves = np.cumsum([rng.permutation(200) < 30 for _ in range(2000)], axis=1)
    inside = np.mean((curves >= low[1:]) & (curves <= high[1:]), axis=0)
    assert inside.min() > 0.93
    assert (low[0], high[0], low[-1], high[-1]) == (0, 0, 30, 30)


def test_factors_compare_with_the_mean_and_with_lucky_and_unlucky_campaigns() -> None:
    faster = acceleration(POOL, HITS, 2, 2)
    assert faster is not None
    taken = every_campaign(2)
    assert faster.value == pytest.approx(np.mean(taken) / 2)
    assert (faster.low, faster.high) == (
        taken[int(0.025 * len(taken))] / 2,
        taken[int(0.975 * len(taken))] / 2,
    )
    richer = enrichment(100, 20, 9, 15)
    assert richer is not None
    assert richer.value == pytest.approx(3.0)
    (low,), (high,) = random_band(100, 20, [15])
    assert (richer.low, richer.high) == (9 / high, math.inf if low == 0 else 9 / low)


def test_random_choice_itself_is_neither_faster_nor_richer() -> None:
    at_random = enrichment(1000, 100, 20, 200)
    in_time = acceleration(1000, 100, 20, 198)
    assert at_random is not None
    assert in_time is not None
    assert at_random.value == pytest.approx(1.0)
    assert in_time.value == pytest.approx(20 * 1001 / 101 / 198)
    assert at_random.low < 1 < at_random.high
    assert in_time.low < 1 < in_time.high


def test_a_campaign_without_hits_has_no_acceleration_and_no_enrichment_above_nothing() -> None:
    assert acceleration(100, 5, 0, 10) is None
    nothing = enrichment(100, 5, 0, 10)
    assert nothing is not None
    assert (nothing.value, nothing.low, nothing.high) == (0, 0, 0)
    assert enrichment(100, 0, 0, 10) is None
    assert enrichment(100, 5, 0, 0) is None


def test_luck_is_the_share_of_draws_that_find_as_many() -> None:
    draws = [sum(item < HITS for item in draw) for draw in combinations(range(POOL), 4)]
    for found in range(4):
        expected = sum(count >= found for count in draws) / len(draws)
        assert chance_of_luck(POOL, HITS, found, 4) == pytest.approx(expected)


def test_a_hundred_thousand_members_are_no_trouble() -> None:
    faster = acceleration(100_000, 40, 20, 500)
    assert faster is not None
    assert faster.value == pytest.approx(20 * 100_001 / 41 / 500)
    assert faster.low < faster.value < faster.high
