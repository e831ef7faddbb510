"""A campaign's goal in words."""

from datetime import timedelta

from catalyst_assets.campaigns.derivations import DERIVATIONS
from catalyst_assets.campaigns.model import AnyOf, Bound, Campaign, Objective
from catalyst_assets.campaigns.pool_filter import Pool
from catalyst_assets.constants import in_sentence
from catalyst_assets.vocabulary.known import label_of, unit_of
from catalyst_assets.vocabulary.validators import VALIDATORS


def describe_goal(campaign: Campaign) -> list[str]:
    """Return one line for each thing the campaign wants, wherefrom, by whom and until when."""
    lines = [describe_pool(campaign.pool)]
    if campaign.objective is not None:
        lines.append(describe_objective(campaign.objective))
    lines += [describe_criterion(criterion) for criterion in campaign.criteria]
    lines += [
        f"{label_of(name)} is derived: {DERIVATIONS[derivation.function].gives} by {derivation.function} "
        f"from {' and '.join(_lower(one) for one in derivation.arguments)}"
        for name, derivation in campaign.derive.items()
    ]
    acquisition = campaign.acquisition
    lines.append(
        f"{campaign.initial_batch} first, then batches of {acquisition.batch_size} by "
        f"{acquisition.strategy.value.replace('_', ' ')} (exploration weight {acquisition.exploration_weight:g})"
    )
    lines.append(
        f"Measured with {campaign.method} by {VALIDATORS[campaign.validator].in_sentence}, {campaign.review} review"
    )
    if campaign.validation.concurrency is not None:
        lines.append(f"At most {campaign.validation.concurrency} candidates in validation at once")
    refresh = campaign.refresh
    sooner = [f"{refresh.min_new_labels} values are new"] if refresh.min_new_labels is not None else []
    sooner += [f"its ranking is {_duration(refresh.max_age)} old"] if refresh.max_age is not None else []
    if sooner:
        lines.append(f"The next iteration opens once a batch is answered, or {' or '.join(sooner)}")
    stop = campaign.stop
    ends = {"evaluations": stop.max_evaluations, "hits": stop.target_hits, "iterations": stop.max_iterations}
    until = [f"{count} {what}" for what, count in ends.items() if count is not None]
    lines.append(f"Until {', '.join(until)} or the end of the pool" if until else "Until the end of the pool")
    return lines


def describe_pool(pool: Pool) -> str:
    """Return which materials may be suggested, such as ``Materials of perovskite_pbe with at most 5 sites``."""
    lacks = pool.lacks
    parts = (
        ("of {}", " or ".join(pool.sources)),
        ("of the system {}", pool.chemical_system),
        ("with {}", " and ".join(pool.elements)),
        ("of no elements but {}", " ".join(pool.only_elements)),
        ("without {}", " or ".join(pool.exclude_elements)),
        ("with at least {} sites", pool.n_sites_min),
        ("with at most {} sites", pool.n_sites_max),
        ("whose {} is not known yet", f"{_lower(lacks.property)} by {lacks.method}" if lacks else None),
    )
    return f"Materials {', '.join(text.format(value) for text, value in parts if value)}"


def describe_objective(objective: Objective) -> str:
    """Return an objective such as ``Maximize band gap (eV)``."""
    unit = unit_of(objective.property)
    return f"{objective.direction.capitalize()} {_lower(objective.property)}" + (f" ({unit})" if unit else "")


def describe_criterion(criterion: Bound | AnyOf) -> str:
    """Return a criterion such as ``Band gap 1 to 2.3 eV``; the branches of an ``any_of`` in brackets."""
    if isinstance(criterion, AnyOf):
        branches = (" and ".join(map(describe_criterion, branch)) for branch in criterion.any_of)
        return " or ".join(f"({branch})" for branch in branches)
    name, unit = label_of(criterion.property), unit_of(criterion.property)
    if criterion.min is None:
        text = f"{name} at most {criterion.max:g}"
    elif criterion.max is None:
        text = f"{name} at least {criterion.min:g}"
    else:
        text = f"{name} {criterion.min:g} to {criterion.max:g}"
    return f"{text} {unit}".rstrip()


def _duration(age: timedelta) -> str:
    hours = age.total_seconds() / 3600
    return f"{hours / 24:g} days" if hours >= 48 else f"{hours:g} hours"


def _lower(name: str) -> str:
    return in_sentence(label_of(name))
