"""What random choice finds, in closed form: where the hits of a pool are known, and where the initial batch tells their share.

The first is the report's (`catalyst_assets.report.statistics`). The second is the beta-binomial distribution (Johnson, Kemp
& Kotz, Univariate Discrete Distributions, ch. 6) after a batch that nothing learned had chosen, with Jeffreys' prior.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cachetools import LRUCache, cached

from catalyst_assets.campaigns.evaluations import Evaluation
from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.report.statistics import TAILS, random_band
from dash_app.progress_contract import RandomChoice

# As many as a curve needs to look smooth.
_PLACES: Final = 200
_PRIOR: Final = 0.5


def choose_at_random(
    campaign: Campaign | None, evaluations: Sequence[Evaluation], iterations: Sequence[Mapping[str, Any]]
) -> RandomChoice:
    """Return what random choice would have found by now.

    Parameters
    ----------
    evaluations
        Judged, in their order.
    iterations
        Rows of `app/iterations`, in their order.
    """
    if campaign is None or not campaign.criteria:
        return _nothing(
            "Nobody knows the values of the whole pool, so that there is no random choice to compare with."
        )
    found, done = sum(one.is_hit for one in evaluations), len(evaluations)
    counted: Mapping[str, Any] = next(
        (each["metrics"] for each in reversed(iterations) if "hits_in_pool" in each["metrics"]), {}
    )
    size, hits = counted.get("pool_size", 0), counted.get("hits_in_pool")
    # A pool that shrank after it was evaluated says nothing of random choice.
    if hits is not None and found <= hits <= size and size >= max(done, 1):
        return _known(size, hits, done)
    first = [one for one in evaluations if one.iteration == 0]
    if not first or not iterations or iterations[0]["label_count"]:
        return _nothing(
            "Nobody knows how many hits the pool holds"
            + (
                ", and nothing is evaluated yet"
                if not evaluations
                else ", and no batch was chosen without a model"
            )
            + ": there is no random choice to compare with."
        )
    return _estimated(len(first), sum(one.is_hit for one in first), done)


def _nothing(explanation: str) -> RandomChoice:
    return RandomChoice(basis="unknown", explanation=explanation, pool_size=None, hits_in_pool=None)


@cached(LRUCache(256))
def _known(size: int, hits: int, done: int) -> RandomChoice:
    places = _places(0, done)
    low, high = random_band(size, hits, places)
    return RandomChoice(
        basis="known",
        explanation=f"The table of answers knows {hits:,} hits among the {size:,} materials of the pool; 95 of 100 random "
        "campaigns stay within the band.",
        pool_size=size,
        hits_in_pool=hits,
        evaluated=places,
        mean=[n * hits / size for n in places],
        low=low.tolist(),
        high=high.tolist(),
    )


@cached(LRUCache(256))
def _estimated(first: int, hits: int, done: int) -> RandomChoice:
    from scipy.stats import betabinom

    places = _places(first, done)
    more = [n - first for n in places]
    good, bad = hits + _PRIOR, first - hits + _PRIOR
    low, high = (betabinom.ppf(share, more, good, bad) for share in TAILS)
    return RandomChoice(
        basis="initial_batch",
        explanation=f"Nobody knows how many hits the pool holds. The initial batch, which no model chose, had {hits:,} "
        f"{'hit' if hits == 1 else 'hits'} in {first:,}: by that share alone the band tells where 95 of 100 campaigns would "
        "be that choose at random from then on. The batch covers the pool rather than samples it, so take it as a guide.",
        pool_size=None,
        hits_in_pool=None,
        evaluated=places,
        mean=[hits + n * good / (good + bad) for n in more],
        low=[hits + max(0.0, float(each)) for each in low],
        high=[hits + max(0.0, float(each)) for each in high],
    )


def _places(start: int, end: int) -> list[int]:
    steps = max(1, min(end - start, _PLACES))
    return sorted({start + round((end - start) * step / steps) for step in range(steps + 1)})
