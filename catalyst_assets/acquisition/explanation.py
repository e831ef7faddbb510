"""Why a candidate: how likely it meets each criterion, which property decides, and what is known near it.

Arrays in, small records out; nothing here reads a store. Distances are those of ``learning.uncertainty.distance``: Euclidean in
standardized features, in units of what an unseen chemical system typically has.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.campaigns.criteria import chance_of
from catalyst_assets.campaigns.model import AnyOf, Bound, Campaign
from catalyst_assets.learning.uncertainty.distance import fit_distance

if TYPE_CHECKING:
    from catalyst_assets.learning.training_set import TrainingSet

N_NEAREST: Final = 3
_LIKELY: Final = 0.5


@dataclass(frozen=True)
class BoundChance:
    """How likely one bound holds.

    Attributes
    ----------
    chance
        From the joint draws, as `criteria.chance_of` says it.
    """

    property: str
    min: float | None
    max: float | None
    chance: float


@dataclass(frozen=True)
class CriterionChance:
    """How likely one criterion holds.

    Attributes
    ----------
    chance
        Likewise; of alternatives, of the likeliest.
    branches
        The alternatives, each with the bounds that hold together; one branch of one bound where there are none.
    branch_chances
        That all bounds of a branch hold, one entry a branch.
    """

    chance: float
    branches: tuple[tuple[BoundChance, ...], ...]
    branch_chances: tuple[float, ...]

    @property
    def weakest(self) -> BoundChance:
        """The least likely bound of the likeliest branch."""
        best = self.branches[int(np.argmax(self.branch_chances))]
        return min(best, key=lambda bound: bound.chance)


@dataclass(frozen=True)
class Explanation:
    """What the draws of one candidate say about its campaign's goal.

    Attributes
    ----------
    criteria
        One entry a criterion, in the campaign's order.
    decisive
        The property that the score hangs on: the weakest bound of the least likely criterion; the objective, where
        there is one, once every criterion is more likely met than not.
    """

    criteria: tuple[CriterionChance, ...]
    decisive: str


def explain(
    campaign: Campaign, draws: NDArray[np.floating], std: NDArray[np.floating], properties: Sequence[str]
) -> Explanation:
    """Explain one candidate by its joint draws.

    Parameters
    ----------
    draws
        Shape (k, p), in each property's unit.
    std
        Shape (p,): predicted standard deviations.
    properties
        Names of the p properties.
    """

    def chance(*criteria: Bound | AnyOf) -> float:
        part = campaign.model_copy(update={"criteria": criteria})
        return float(chance_of(part, draws[None], std[None], properties)[0])

    chances = []
    for criterion in campaign.criteria:
        branches = criterion.any_of if isinstance(criterion, AnyOf) else ((criterion,),)
        bounds = tuple(
            tuple(BoundChance(one.property, one.min, one.max, chance(one)) for one in branch)
            for branch in branches
        )
        chances.append(
            CriterionChance(chance(criterion), bounds, tuple(chance(*branch) for branch in branches))
        )
    least = min(chances, key=lambda criterion: criterion.chance, default=None)
    if campaign.objective is not None and (least is None or least.chance > _LIKELY):
        return Explanation(tuple(chances), campaign.objective.property)
    if least is None:
        raise ValueError("a campaign has criteria or an objective")
    return Explanation(tuple(chances), least.weakest.property)


@dataclass(frozen=True)
class Neighbour:
    """A labelled material.

    Attributes
    ----------
    distance
        1 is typical of an unseen chemical system.
    """

    material_id: str
    distance: float


def nearest_labelled(
    training_set: "TrainingSet", features: NDArray[np.floating], count: int = N_NEAREST
) -> list[list[Neighbour]] | None:
    """Find the labelled materials nearest to each candidate, the nearest first.

    Parameters
    ----------
    features
        Shape (m, f): of the candidates, of the kind that the training set holds.
    count
        How many for each.

    Returns
    -------
    One list a candidate; None where the labelled set is too small to say what is far.
    """
    measure = fit_distance(training_set.own_features, training_set.chemical_systems)
    if measure is None:
        return None
    labelled, rows = measure.standardize(training_set.own_features), measure.standardize(features)
    found = []
    for row in rows:
        gaps = labelled - row
        distances = np.sqrt(np.einsum("ij,ij->i", gaps, gaps) / max(gaps.shape[1], 1)) / measure.typical
        order = np.argsort(distances, kind="stable")[:count]
        found.append(
            [Neighbour(training_set.material_ids[place], float(distances[place])) for place in order]
        )
    return found
