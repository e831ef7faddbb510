"""A campaign beside random choice, exactly: how many hits random campaigns find, and how long they take to find them.

A random campaign draws without replacement, so hits after n evaluations are hypergeometric and evaluations until the
k-th hit negative hypergeometric (Johnson, Kemp & Kotz, Univariate Discrete Distributions, ch. 6). Acceleration and
enhancement are defined as by Rohr et al., Chem. Sci. 11, 2696 (2020) and Liang et al., npj Comput. Mater. 7, 188 (2021).
Numbers in, numbers out.
"""

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

# Between them lie 95 % of random campaigns.
TAILS: Final = ((1 - 0.95) / 2, 1 - (1 - 0.95) / 2)


@dataclass(frozen=True)
class Ratio:
    """A campaign against random choice.

    Attributes
    ----------
    value
        The campaign against the mean of all random campaigns.
    low, high
        The campaign against the luckiest and unluckiest of 95 % of random campaigns; ``high`` is infinite where the
        unluckiest find nothing.
    """

    value: float
    low: float
    high: float


def random_expected_hits(pool_size: int, hits: int, evaluations: int) -> float:
    """Return the mean number of hits in a random draw without replacement (hypergeometric).

    Raises
    ------
    ValueError
        The pool is empty, or holds fewer materials than ``hits`` or ``evaluations``.
    """
    if pool_size < 1 or not 0 <= hits <= pool_size or not 0 <= evaluations <= pool_size:
        raise ValueError(f"A pool of {pool_size} cannot hold {hits} hits and give {evaluations} evaluations.")
    return evaluations * hits / pool_size


def random_band(
    pool_size: int, hits: int, evaluations: "Sequence[int] | NDArray[np.int64]"
) -> "tuple[NDArray[np.float64], NDArray[np.float64]]":
    """Return the fewest and most hits that 95 % of random campaigns find after each number of evaluations."""
    import numpy as np
    from scipy.stats import hypergeom

    drawn = np.asarray(evaluations, dtype=np.int64)
    low, high = (hypergeom.ppf(share, pool_size, hits, drawn) for share in TAILS)
    # Where a draw can end in one way only, the quantile function answers one below it.
    least = np.maximum(0, drawn - (pool_size - hits))
    return np.maximum(low, least), np.maximum(high, least)


def random_expected_evaluations(pool_size: int, hits: int, wanted: int) -> float:
    """Return how many evaluations random choice needs on average until ``wanted`` hits are found.

    The mean of the negative hypergeometric distribution, ``wanted`` (N + 1) / (K + 1).

    Raises
    ------
    ValueError
        The pool does not hold so many hits.
    """
    if not 1 <= wanted <= hits <= pool_size:
        raise ValueError(f"A pool of {pool_size} with {hits} hits does not give {wanted}.")
    return wanted * (pool_size + 1) / (hits + 1)


def random_evaluations_quantile(pool_size: int, hits: int, wanted: int, share: float) -> int:
    """Return after how many evaluations a share of random campaigns has found ``wanted`` hits."""
    from scipy.stats import hypergeom

    random_expected_evaluations(pool_size, hits, wanted)
    possible = range(wanted, pool_size - hits + wanted)  # one more is certain to be enough
    # The chance of having found them rises with the evaluations.
    return wanted + bisect_left(possible, share, key=lambda n: hypergeom.sf(wanted - 1, pool_size, hits, n))


def acceleration(pool_size: int, hits: int, found: int, evaluation: int) -> Ratio | None:
    """Return the acceleration factor: evaluations random choice needs for as many hits, by those that were needed.

    Parameters
    ----------
    found
        Hits of the campaign; None is returned without any.
    evaluation
        Which evaluation found the last of them, from 1.
    """
    if not 1 <= found <= hits:
        return None
    low, high = (random_evaluations_quantile(pool_size, hits, found, share) for share in TAILS)
    mean = random_expected_evaluations(pool_size, hits, found)
    return Ratio(mean / evaluation, low / evaluation, high / evaluation)


def enrichment(pool_size: int, hits: int, found: int, evaluations: int) -> Ratio | None:
    """Return the enrichment factor: hits found, by those that random choice finds in as many evaluations.

    None where there is nothing to be found, or nothing was evaluated.
    """
    if not hits or not 1 <= evaluations <= pool_size:
        return None
    (low,), (high,) = random_band(pool_size, hits, [evaluations])
    expected = random_expected_hits(pool_size, hits, evaluations)
    return Ratio(found / expected, _ratio(found, float(high)), _ratio(found, float(low)))


def chance_of_luck(pool_size: int, hits: int, found: int, evaluations: int) -> float:
    """Return the share of random campaigns that find at least as many hits in as many evaluations."""
    from scipy.stats import hypergeom

    return float(hypergeom.sf(found - 1, pool_size, hits, evaluations))


def _ratio(found: int, by_chance: float) -> float:
    if by_chance:
        return found / by_chance
    return float("inf") if found else 0.0
