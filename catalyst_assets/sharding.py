"""How work over many structures is cut into shards for dynamic mapping."""

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
