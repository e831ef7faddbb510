"""What the API and its clients agree on about a campaign that is being made: what there is to choose, what it would mean."""

from typing import Any

from pydantic import BaseModel, Field

from dash_app.contract import FieldError


class SourceChoice(BaseModel):
    """A source of materials."""

    name: str
    materials: int


class PropertyChoice(BaseModel):
    """A property that a goal may name."""

    name: str
    label: str
    unit: str
    description: str
    low: float | None = Field(description="The least that is physical; null where it is open.")
    high: float | None = Field(description="The most that is physical; null where it is open.")
    methods: list[str] = Field(description="Methods by which values of it are known here.")


class MethodChoice(BaseModel):
    """How values are obtained."""

    name: str
    description: str


class ValidatorChoice(BaseModel):
    """Who answers."""

    name: str
    label: str
    description: str
    unavailable: str = Field(description="Why it cannot be used here; empty where it can.")


class StrategyChoice(BaseModel):
    """How a batch is chosen."""

    name: str
    explores: bool = Field(description="Whether the exploration weight changes anything.")
    sees_criteria: bool = Field(description="Whether it suits a goal of criteria alone.")
    sees_objective: bool = Field(description="Whether it suits an objective, alone or beside criteria.")


class GoalChoices(BaseModel):
    """What a campaign of this installation may be made of."""

    sources: list[SourceChoice]
    properties: list[PropertyChoice]
    methods: list[MethodChoice]
    validators: list[ValidatorChoice]
    strategies: list[StrategyChoice]


class PoolPreview(BaseModel):
    """What a pool holds of a goal."""

    size: int = Field(description="Materials in the pool now.")
    left_out: dict[str, int] = Field(
        description="How many more there would be, were it known of them what the pool asks of a method; by what that is.",
        examples=[{"energy above hull by sevennet-l3i5": 12}],
    )
    looked_at: int = Field(description="How many of them were looked at: all, or a sample of a large pool.")
    known: int | None = Field(
        description="Of these, whose values of everything that the goal names are known; null before it names anything."
    )
    hits: int | None = Field(description="How many of those meet every criterion; null without criteria.")
    is_estimate: bool = Field(description="Whether only a sample was looked at.")


class GoalPreview(BaseModel):
    """What a campaign would be. Nothing is stored."""

    document: dict[str, Any] = Field(description="The campaign as it was read.")
    yaml: str = Field(description="The same as the campaign's file.")
    unreadable: str = Field(
        "", description="Why nobody can read the body, as YAML or JSON; empty where it was read."
    )
    is_valid: bool
    errors: list[FieldError] = Field(description="What is missing or wrong, each with its field.")
    exists: str = Field(
        description="How a campaign of that name stands, which this would change or let go on; empty where there is none."
    )
    pool: PoolPreview | None = Field(description="Null until the pool is valid.")
