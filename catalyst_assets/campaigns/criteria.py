"""Judging values by a campaign: is it a hit, how often would draws be, and by what margin.

Arrays and frames in, arrays out. Every question walks the criteria in the same way: all of them must hold, and
of an ``any_of`` one branch.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.campaigns.model import AnyOf, Bound, Campaign

if TYPE_CHECKING:
    import pandas as pd

# The part of a predicted deviation by which each draw is blurred: a few dozen draws resolve a chance to some per cent only.
BANDWIDTH: Final = 0.1
_LEAST_WIDTH: Final = 1e-9
# Further away a limit is none, and single precision ends.
_FARTHEST: Final = 1e15


def is_hit(campaign: Campaign, values: "pd.DataFrame") -> NDArray[np.bool_]:
    """Judge values of a campaign of criteria, a row a material: shape (m,).

    A property that is absent or NaN satisfies no bound.
    """
    known = values.reindex(columns=list(campaign.properties))
    return _all_hold(campaign, lambda name: known[name].to_numpy(np.float64))


def chance_of(
    campaign: Campaign, draws: NDArray[np.floating], std: NDArray[np.floating], properties: Sequence[str]
) -> NDArray[np.float64]:
    """Say how likely all criteria hold together: from joint draws, each blurred as for the ranking's feasibility.

    What is asked of one property alone is so never less likely than what is asked of it and others.

    Parameters
    ----------
    campaign
        A campaign of criteria.
    draws
        Shape (m, k, p), in each property's unit.
    std
        Shape (m, p): predicted standard deviations.
    properties
        Names of the p properties.

    Returns
    -------
    Shape (m,).
    """
    widths = {
        name: np.maximum(BANDWIDTH * np.asarray(std[:, place], dtype=np.float64), _LEAST_WIDTH)
        for place, name in enumerate(properties)
    }
    logarithms = log_smooth_feasibility(campaign, draws, properties, widths)
    # A property that is not predicted satisfies no bound.
    return np.asarray(np.nan_to_num(np.exp(logarithms.astype(np.float64))).mean(axis=1))


def bound_chances(
    campaign: Campaign, draws: NDArray[np.floating], std: NDArray[np.floating], properties: Sequence[str]
) -> dict[str, NDArray[np.float64]]:
    """Say how likely each property is within the goal, by itself.

    Parameters
    ----------
    draws, std, properties
        As of `chance_of`.

    Returns
    -------
    Shape (m,) a property: of those that the criteria bound exactly once.
    """
    named = Counter(bound.property for bound in campaign.bounds())
    return {
        bound.property: chance_of(campaign.model_copy(update={"criteria": (bound,)}), draws, std, properties)
        for bound in campaign.bounds()
        if named[bound.property] == 1 and bound.property in properties
    }


def margins(
    campaign: Campaign, draws: NDArray[np.floating], properties: Sequence[str], spreads: Mapping[str, float]
) -> NDArray[np.float64]:
    """Say how far inside the criteria each draw lies.

    The signed distance to the nearest bound in units of the property's spread: the smallest over all criteria,
    of an ``any_of`` that of its best branch. Negative as soon as one bound is violated.

    Parameters
    ----------
    campaign
        A campaign of criteria.
    draws
        Shape (m, k, p), in each property's unit.
    properties
        Names of the p properties.
    spreads
        What counts as one unit of each property.

    Returns
    -------
    Shape (m, k), dimensionless.
    """
    column = _columns(draws, properties)

    def slack(bound: Bound) -> NDArray[np.float64]:
        values = column(bound.property)
        sides = []
        if bound.min is not None:
            sides.append(values - bound.min)
        if bound.max is not None:
            sides.append(bound.max - values)
        inside = reduce(np.minimum, sides)
        inside /= spreads[bound.property]
        return inside

    return _walk(campaign, slack, np.minimum, np.maximum)


def log_smooth_feasibility(
    campaign: Campaign,
    draws: NDArray[np.floating],
    properties: Sequence[str],
    widths: Mapping[str, NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Judge draws that logistic noise blurs: the logarithm of the chance that all criteria hold.

    A bound's chance is the sigmoid of its distance in units of the noise's width. Those of all bounds are multiplied,
    as in Gardner et al., ICML 2014, so that where one is hopeless the others still count; of an ``any_of`` the
    likeliest branch counts.

    Parameters
    ----------
    campaign
        A campaign of criteria.
    draws
        Shape (m, k, p), in each property's unit.
    properties
        Names of the p properties.
    widths
        Shape (m,) each, positive: of each property's noise, in its unit.

    Returns
    -------
    Shape (m, k), at most 0.
    """
    place = {name: position for position, name in enumerate(properties)}

    def every(bounds: Sequence[Bound]) -> NDArray[np.float32]:
        # log sigmoid(x) is min(x, 0) - log(1 + exp(-|x|)); what the logarithm is taken of is multiplied first.
        # Single precision, as draws are stored, and cheap passes: a million candidates have a billion of these.
        twice, product = np.zeros(draws.shape[:2], np.float32), np.ones(draws.shape[:2], np.float32)
        for bound in bounds:
            scale = (1 / widths[bound.property]).astype(np.float32)[:, None]
            values = draws[..., place[bound.property]].astype(np.float32)
            for limit, sign in ((bound.min, scale), (bound.max, -scale)):
                if limit is not None:
                    inside = values - np.float32(np.clip(limit, -_FARTHEST, _FARTHEST))
                    inside *= sign
                    size = np.abs(inside)
                    inside -= size
                    twice += inside
                    np.negative(size, out=size)
                    np.exp(size, out=size)
                    size += 1
                    product *= size
        np.log(product, out=product)
        twice *= 0.5
        twice -= product
        return twice

    chance = every([criterion for criterion in campaign.criteria if isinstance(criterion, Bound)])
    for criterion in campaign.criteria:
        if isinstance(criterion, AnyOf):
            chance += reduce(np.maximum, map(every, criterion.any_of))
    return chance.astype(np.float64)


def _columns(draws: NDArray[np.floating], properties: Sequence[str]) -> Callable[[str], NDArray[np.float64]]:
    index = {name: position for position, name in enumerate(properties)}
    return lambda name: draws[..., index[name]].astype(np.float64, copy=False)


def _all_hold(campaign: Campaign, column: Callable[[str], NDArray[np.float64]]) -> NDArray[np.bool_]:
    return _walk(
        campaign, lambda bound: _within(bound, column(bound.property)), np.logical_and, np.logical_or
    )


def _within(bound: Bound, values: NDArray[np.float64]) -> NDArray[np.bool_]:
    holds = ~np.isnan(values)
    if bound.min is not None:
        holds &= values >= bound.min
    if bound.max is not None:
        holds &= values <= bound.max
    return holds


def _walk(
    campaign: Campaign, judge: Callable[[Bound], NDArray[Any]], every: np.ufunc, some: np.ufunc
) -> NDArray[Any]:
    results = []
    for criterion in campaign.criteria:
        if isinstance(criterion, AnyOf):
            branches = [reduce(every, map(judge, branch)) for branch in criterion.any_of]
            results.append(reduce(some, branches))
        else:
            results.append(judge(criterion))
    return np.asarray(reduce(every, results))
