"""Shapes of a ranking that was made again with other settings, which changes nothing."""

from pydantic import BaseModel, Field

from catalyst_assets.campaigns.model import Strategy
from catalyst_assets.vocabulary.formulas import NamedMaterial
from dash_app.contract import CandidateStatus, Predicted


class StrategyInfo(BaseModel):
    """A strategy that suits a campaign."""

    name: Strategy
    explores: bool = Field(description="Whether the exploration weight changes anything.")


class RankedAgain(NamedMaterial):
    """A candidate of a re-ranking."""

    rank: int
    recorded_rank: int | None = Field(description="Its rank in the recorded shortlist; null outside it.")
    candidate_id: int | None
    status: CandidateStatus | None
    material_id: str
    formula: str
    acquisition: float
    feasibility: float | None = Field(description="Chance that every criterion holds; null without criteria.")
    predicted: dict[str, Predicted]
    chances: dict[str, float] = Field(description="As of a candidate.")


class Reranking(BaseModel):
    """What another strategy or exploration weight would suggest."""

    partition_key: str
    strategy: Strategy
    exploration_weight: float
    recorded_strategy: str
    recorded_exploration_weight: float
    choices: int = Field(description="Members of the pool that could be suggested.")
    by_score_alone: bool = Field(
        description="Whether the recorded ranking also weighed the diversity of its batch or failures, which this "
        "one does not."
    )
    strategies: list[StrategyInfo] = Field(description="Strategies that suit the campaign.")
    labels: dict[str, str] = Field(
        default_factory=dict, description="What people read for each property that is named."
    )
    items: list[RankedAgain]
