"""What is wrong with a campaign that is valid field by field.

Elements that do not exist, limits outside of what is physical, and demands that nothing can meet together. Looked at
where a person gives a campaign; one that the database keeps is read as it is.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Final

from catalyst_assets.campaigns.model import AnyOf, Bound, Campaign
from catalyst_assets.campaigns.pool_filter import Pool
from catalyst_assets.ingestion.reading.species import element_problem
from catalyst_assets.ingestion.unit_doubts import ask_unit
from catalyst_assets.vocabulary.known import known_properties

# A limit a little past the range is how people say that there is none.
_MARGIN: Final = 0.1
_Placed = tuple[str, Bound]


def find_nonsense(campaign: Campaign) -> list[str]:
    """Return what no material can be or meet, as sentences that begin with the field."""
    return [
        *_unknown_elements(campaign.pool),
        *_empty_pools(campaign.pool),
        *_unphysical(campaign),
        *_contradictions(campaign),
    ]


def _unknown_elements(pool: Pool) -> Iterator[str]:
    named = {
        "elements": pool.elements,
        "only_elements": pool.only_elements,
        "exclude_elements": pool.exclude_elements,
        "chemical_system": _system(pool),
    }
    for field, symbols in named.items():
        for symbol in symbols:
            if problem := element_problem(symbol):
                yield f"pool.{field}: {problem}"


def _system(pool: Pool) -> tuple[str, ...]:
    return tuple(pool.chemical_system.split("-")) if pool.chemical_system else ()


def _empty_pools(pool: Pool) -> Iterator[str]:
    wanted = {"elements": set(pool.elements), "chemical_system": set(_system(pool))}
    for field, symbols in wanted.items():
        if barred := symbols & set(pool.exclude_elements):
            yield f"pool: {field} asks for {_listed(barred)}, which exclude_elements leaves out: no material is left"
        if pool.only_elements and (others := symbols - set(pool.only_elements)):
            yield f"pool: {field} asks for {_listed(others)}, which only_elements leaves out: no material is left"
    if pool.chemical_system and (others := wanted["elements"] - wanted["chemical_system"]):
        yield f"pool: elements asks for {_listed(others)}, which chemical_system leaves out: no material is left"
    if pool.only_elements and set(pool.only_elements) <= set(pool.exclude_elements):
        yield "pool: exclude_elements leaves out all of only_elements: no material is left"
    if pool.n_sites_min is not None and pool.n_sites_max is not None and pool.n_sites_min > pool.n_sites_max:
        yield (
            f"pool: n_sites_min {pool.n_sites_min} is above n_sites_max {pool.n_sites_max}: no material is left"
        )


def _listed(symbols: set[str]) -> str:
    return " and ".join(sorted(symbols))


def _unphysical(campaign: Campaign) -> Iterator[str]:
    known = known_properties()
    for place, bound in (*_always(campaign), *(each for branch in _branches(campaign) for each in branch)):
        about = known.get(bound.property)
        if about is None:
            continue
        margin = _MARGIN * (about.high - about.low)
        for side, limit in (("min", bound.min), ("max", bound.max)):
            if limit is None or about.admits(limit):
                continue
            excludes_all = limit > about.high if side == "min" else limit < about.low
            if excludes_all or not about.low - margin <= limit <= about.high + margin:
                yield (
                    f"{place}.{side}: {limit:g} {about.unit} is outside the physical range of {bound.property}, "
                    f"{about.range_text}{ask_unit(limit, about)}"
                )


def _always(campaign: Campaign) -> list[_Placed]:
    return [
        (f"criteria.{index}", criterion)
        for index, criterion in enumerate(campaign.criteria)
        if isinstance(criterion, Bound)
    ]


def _branches(campaign: Campaign) -> list[list[_Placed]]:
    return [
        [(f"criteria.{index}.any_of.{number}.{place}", bound) for place, bound in enumerate(branch)]
        for index, criterion in enumerate(campaign.criteria)
        if isinstance(criterion, AnyOf)
        for number, branch in enumerate(criterion.any_of)
    ]


def _contradictions(campaign: Campaign) -> Iterator[str]:
    always = _always(campaign)
    yield from (together := _excluding(always))
    if not together:
        for branch in _branches(campaign):
            yield from _excluding([*always, *branch])


def _excluding(bounds: Sequence[_Placed]) -> list[str]:
    """Say of each property whether its limits exclude each other."""
    found = []
    for name in dict.fromkeys(bound.property for _, bound in bounds):
        own = [(place, bound) for place, bound in bounds if bound.property == name]
        low, lowest = max((bound.min if bound.min is not None else -math.inf, place) for place, bound in own)
        high, highest = min((bound.max if bound.max is not None else math.inf, place) for place, bound in own)
        if low > high:
            found.append(
                f"{lowest} wants {name} to be at least {low:g} and {highest} at most {high:g}: no value can be both"
            )
    return found
