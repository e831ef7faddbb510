"""Judging what validation answered: which materials are hits, and how discovery went on.

The rules are `catalyst_assets.campaigns.criteria`'s; here they meet the rows of the database.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import ValidationError

from catalyst_assets.campaigns.criteria import is_hit
from catalyst_assets.campaigns.derived import fill_derived
from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.errors import CatalystError


@dataclass(frozen=True)
class Evaluation:
    """A material that validation answered.

    Attributes
    ----------
    iteration
        The iteration that asked first.
    formula
        Reduced formula.
    measured
        Validated values by property, of the campaign's method.
    """

    iteration: int
    formula: str
    measured: Mapping[str, float]


@dataclass(frozen=True)
class Discovery:
    """How far a campaign is, overall or after an iteration.

    Attributes
    ----------
    evaluated
        Materials answered.
    hits
        How many of them meet every criterion; None when the campaign has no criteria.
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


def judge(campaign: Campaign | None, evaluations: Sequence[Evaluation]) -> list[bool | None]:
    """Tell of each evaluation whether it is a hit; None where the campaign cannot say."""
    if campaign is None or not campaign.criteria or not evaluations:
        return [None] * len(evaluations)
    import pandas as pd

    values = pd.DataFrame([dict(evaluation.measured) for evaluation in evaluations], dtype=np.float64)
    try:
        filled = fill_derived(campaign, values, [evaluation.formula for evaluation in evaluations])
    except CatalystError:  # a formula that no physics of ours reads: judge what was validated
        filled = values
    return [bool(hit) for hit in is_hit(campaign, filled)]


class Evaluations:
    """All that a campaign evaluated, judged once.

    Parameters
    ----------
    campaign
        The goal; None when this version cannot read it.
    evaluations
        One a material.
    """

    def __init__(self, campaign: Campaign | None, evaluations: Sequence[Evaluation]) -> None:
        self._campaign = campaign
        self._judged = list(zip(evaluations, judge(campaign, evaluations), strict=True))

    def discovery(self, first: int | None = None, last: int | None = None) -> Discovery:
        """Sum up the iterations from ``first`` to ``last``, both inclusive, None for no limit."""
        within = [
            (evaluation, hit)
            for evaluation, hit in self._judged
            if (first is None or evaluation.iteration >= first)
            and (last is None or evaluation.iteration <= last)
        ]
        has_criteria = self._campaign is not None and bool(self._campaign.criteria)
        return Discovery(
            evaluated=len(within),
            hits=sum(1 for _, hit in within if hit) if has_criteria else None,
            best=self._best([evaluation for evaluation, hit in within if hit or not has_criteria]),
        )

    def _best(self, evaluations: Sequence[Evaluation]) -> float | None:
        if self._campaign is None or self._campaign.objective is None:
            return None
        name = self._campaign.objective.property
        values = [evaluation.measured[name] for evaluation in evaluations if name in evaluation.measured]
        choose = max if self._campaign.objective.direction == "maximize" else min
        return choose(values, default=None)
