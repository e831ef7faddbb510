"""How discovery went on: what was evaluated and found, summed up for the API.

Which evaluations are hits is judged by `catalyst_assets.campaigns.evaluations`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from pydantic import ValidationError

from catalyst_assets.campaigns.evaluations import Evaluation, load_evaluations, read_evaluations
from catalyst_assets.campaigns.model import Campaign


@dataclass(frozen=True)
class Discovery:
    """How far a campaign is, overall or after an iteration.

    Attributes
    ----------
    evaluated
        Materials answered.
    hits
        How many of them meet every criterion; None when the campaign has no criteria, or this version cannot read it.
    best
        Best value of the objective in its unit, under criteria among the hits; None when there is no objective or
        no value.
    """

    evaluated: int
    hits: int | None
    best: float | None


def parse_document(document: dict[str, Any]) -> Campaign | None:
    """Return the campaign of a stored document; None when this version cannot read it."""
    try:
        return Campaign.model_validate(document)
    except ValidationError:
        return None


def evaluations_of(connection: sa.Connection, name: str, campaign: Campaign | None) -> list[Evaluation]:
    """Return what a campaign evaluated, judged where this version can read its goal."""
    return read_evaluations(connection, name) if campaign is None else load_evaluations(connection, campaign)


def sum_up(campaign: Campaign | None, evaluations: Sequence[Evaluation]) -> Discovery:
    """Sum up judged evaluations of a campaign; None is one that this version cannot read."""
    if campaign is None:
        return Discovery(len(evaluations), None, None)
    found = [one for one in evaluations if one.is_hit or not campaign.criteria]
    best = None
    if campaign.objective is not None:
        name = campaign.objective.property
        choose = max if campaign.objective.direction == "maximize" else min
        best = choose((one.values[name] for one in found if name in one.values), default=None)
    return Discovery(len(evaluations), len(found) if campaign.criteria else None, best)
