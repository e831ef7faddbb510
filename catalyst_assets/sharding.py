"""How work over many structures is cut into shards for dynamic mapping."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resources.settings import Settings


def shard_bounds(n: int, settings: "Settings", weight: int = 1) -> list[tuple[int, int]]:
    """Cut ``n`` items into contiguous half-open ranges.

    Parameters
    ----------
    n
        How many items there are.
    settings
        ``shard_size`` items make a shard; shards grow so that there are at most ``max_shards``.
    weight
        How many items cost as much as one structure does elsewhere.

    Returns
    -------
    list of (start, stop)
        Empty when there is nothing to do; sizes differ by at most one.
    """
    count = min(-(-n // (settings.shard_size * weight)), settings.max_shards)
    return [(n * index // count, n * (index + 1) // count) for index in range(count)]


def split_by_weight(weights: Sequence[int], most: int) -> list[tuple[int, int]]:
    """Cut items into contiguous half-open ranges of about equal weight.

    Parameters
    ----------
    weights
        Of each item.
    most
        No range weighs more, unless it is a single item that does.

    Returns
    -------
    list of (start, stop)
        As few as do, or a few more; the same for the same weights, and empty without items.
    """
    count = max(1, -(-sum(weights) // most))
    while True:
        # The last ranges would be short of what the first ones are filled up to.
        bounds = _fill(weights, -(-sum(weights) // count))
        if all(sum(weights[start:stop]) <= most or stop - start == 1 for start, stop in bounds):
            return bounds
        count += 1


def _fill(weights: Sequence[int], share: int) -> list[tuple[int, int]]:
    """Cut where the sum of all weights so far comes nearest to the next multiple of a share."""
    bounds: list[tuple[int, int]] = []
    start, total = 0, 0
    for index, weight in enumerate(weights):
        goal = share * (len(bounds) + 1)
        if index > start and total + weight / 2 > goal:
            bounds.append((start, index))
            start = index
        total += weight
    return [*bounds, (start, len(weights))] if len(weights) else []
