"""Partition keys and shards."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalyst_assets.errors import UsageError
from catalyst_assets.partitions import IterationKey
from catalyst_assets.sharding import shard_bounds, split_by_weight
from resources.settings import load_settings


def test_a_key_names_campaign_and_iteration() -> None:
    key = IterationKey("solar-water", 7)
    assert str(key) == "solar-water__0007"
    assert str(key.parent) == "solar-water__0006"
    assert IterationKey("solar-water", 0).parent is None


@given(iteration=st.integers(0, 10**6))
def test_a_key_reads_back(iteration: int) -> None:
    key = IterationKey("a-1", iteration)
    assert IterationKey.parse(str(key)) == key


@pytest.mark.parametrize("text", ["", "a", "a__7", "A__0007", "a__0007 ", "a_0007", "__0007"])
def test_other_text_is_not_a_key(text: str) -> None:
    with pytest.raises(UsageError, match="partition key"):
        IterationKey.parse(text)


@given(n=st.integers(0, 10**6), size=st.integers(1, 5000), most=st.integers(1, 100))
def test_shards_cover_every_item_once(n: int, size: int, most: int) -> None:
    bounds = shard_bounds(n, load_settings(shard_size=size, max_shards=most))
    assert [start for start, _ in bounds] == ([0] + [stop for _, stop in bounds])[: len(bounds)]
    assert (bounds[-1][1] if bounds else 0) == n
    assert len(bounds) <= most
    sizes = [stop - start for start, stop in bounds]
    assert max(sizes, default=0) - min(sizes, default=0) <= 1
    assert all(s <= size for s in sizes) or len(bounds) == most


@given(weights=st.lists(st.integers(0, 500), max_size=200), most=st.integers(1, 2000))
def test_shards_by_weight_cover_every_item_once_and_none_is_too_heavy(weights: list[int], most: int) -> None:
    bounds = split_by_weight(weights, most)
    assert [start for start, _ in bounds] == ([0] + [stop for _, stop in bounds])[: len(bounds)]
    assert (bounds[-1][1] if bounds else 0) == len(weights)
    assert all(start < stop for start, stop in bounds)
    of_ranges = [sum(weights[start:stop]) for start, stop in bounds]
    assert all(
        weight <= most or stop - start == 1 for weight, (start, stop) in zip(of_ranges, bounds, strict=True)
    )
    if sum(weights) <= most:
        assert len(bounds) <= 1
    assert bounds == split_by_weight(list(weights), most)


@pytest.mark.parametrize(
    ("weights", "most", "expected"),
    [
        ([10] * 6, 100, [(0, 6)]),
        ([10] * 6, 30, [(0, 3), (3, 6)]),
        ([10] * 7, 60, [(0, 4), (4, 7)]),  # not six and a leftover of one
        ([10, 10, 500, 10], 60, [(0, 2), (2, 3), (3, 4)]),
        ([500], 60, [(0, 1)]),
        ([], 60, []),
    ],
)
def test_shards_by_weight_are_few_and_even(
    weights: list[int], most: int, expected: list[tuple[int, int]]
) -> None:
    assert split_by_weight(weights, most) == expected
