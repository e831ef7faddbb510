"""What the API and its clients agree on about how far a campaign is: its evaluations, and random choice beside them."""

from typing import Literal

from pydantic import BaseModel, Field

from catalyst_assets.vocabulary.formulas import NamedMaterial


class EvaluatedProperty(BaseModel):
    """What was predicted of a property, and what validation said."""

    measured: float | None = Field(description="Null where it was not measured.")
    predicted: float | None = Field(description="Mean; null where nothing was predicted.")
    uncertainty: float | None = Field(description="Standard deviation of what was predicted.")


class EvaluatedMaterial(NamedMaterial):
    """A material that validation answered for."""

    number: int = Field(
        description="Which evaluation of the campaign it is, from 1: by iteration, then by rank."
    )
    iteration: int
    candidate_id: int | None = Field(description="Null where no iteration had suggested it.")
    material_id: str
    formula: str
    hit: bool | None = Field(description="Whether it meets every criterion; null without criteria.")
    learned: bool = Field(
        description="Whether anything was learned when it was predicted; before that every material is predicted alike."
    )
    properties: dict[str, EvaluatedProperty]


class EvaluationList(BaseModel):
    """Evaluations of a campaign, in their order."""

    items: list[EvaluatedMaterial]
    total: int = Field(description="How many there are with these filters.")


class RandomChoice(BaseModel):
    """What choosing at random from the pool would have found."""

    basis: Literal["known", "initial_batch", "unknown"] = Field(
        description="known: the hits of the pool are, by a table of answers. initial_batch: their share is estimated from "
        "what was chosen before anything was learned. unknown: there is nothing to compare with."
    )
    explanation: str = Field(description="The same as a sentence.")
    pool_size: int | None = Field(None, description="Members of the pool; null unless its hits are known.")
    hits_in_pool: int | None = Field(None, description="How many of them are hits; null where nobody knows.")
    evaluated: list[int] = Field(default=[], description="Numbers of evaluations at which the band is told.")
    mean: list[float] = Field(default=[], description="Hits that random choice finds on average by then.")
    low: list[float] = Field(
        default=[], description="Between this and `high` are 95 of 100 random campaigns."
    )
    high: list[float] = []


class Discovery(BaseModel):
    """What a campaign found for what it spent, beside random choice."""

    hits: list[int] = Field(description="After each evaluation; empty without criteria.")
    best: list[float | None] = Field(
        description="The objective's best value after each evaluation, under criteria among the hits; empty without an "
        "objective."
    )
    iterations: list[int] = Field(description="The iteration of each evaluation.")
    random: RandomChoice
