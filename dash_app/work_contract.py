"""What the API and its clients agree on about work that is out: calculations that run, and work orders of laboratories."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from catalyst_assets.vocabulary.formulas import NamedMaterial


class CalculationAnswer(BaseModel):
    """What a calculation found of one property."""

    model_config = ConfigDict(extra="ignore")

    value: float
    unit: str
    standard_deviation: float | None = None


class Calculation(NamedMaterial):
    """A calculation that a validator runs: one for a material, method and settings, whoever asks and how often."""

    job_id: str
    campaign: str
    candidate_id: int = Field(description="The candidate that it answers for; the newest of several.")
    iteration: int
    material_id: str
    formula: str
    validator: str
    method: str
    properties: list[str]
    labels: dict[str, str] = Field(description="What people read for each property.")
    status: Literal["waiting", "running", "done", "failed", "cancelled"]
    attempt: int = Field(
        description="They come in pairs: an even one follows a first that died, the next odd one was asked for by somebody."
    )
    reason: str = Field(description="Why it failed or was cancelled, or why an earlier attempt died.")
    remedy: str = Field(description="What can be done; empty where nothing needs doing.")
    note: str = Field(description="What the program said beside its values.")
    answers: dict[str, CalculationAnswer] = Field(description="What it found, by property.")
    host: str | None = Field(description="The computer that runs it.")
    run_id: str | None = Field(description="The run of Dagster that followed it last.")
    address: str | None = Field(description="That run's page.")
    submitted_at: datetime
    started_at: datetime | None = Field(description="When its last attempt began.")
    finished_at: datetime | None


class CalculationDetail(Calculation):
    """A calculation with what its program printed."""

    log: str = Field(
        description="The last lines; empty where nothing was printed, or this server does not see it."
    )


class CalculationPage(BaseModel):
    """Calculations of a campaign: those under way first, then those that ended last."""

    items: list[Calculation]
    total: int = Field(description="Calculations that pass the filter, on all pages.")
    limit: int
    offset: int
    counts: dict[str, int] = Field(description="How many of the campaign have which status.")
    typical_seconds: float | None = Field(
        description="How long the last ones by the campaign's validator and method took: their median. Null where none is done."
    )
    typical_of: int = Field(description="Of how many that is the median.")


class Asked(BaseModel):
    """A property that is to be measured."""

    property: str
    label: str
    unit: str


class OutInIteration(BaseModel):
    """What is out of an iteration."""

    iteration: int
    flagged: int = Field(description="Candidates that nobody has begun.")
    in_validation: int = Field(description="Candidates that somebody works on.")
    since: datetime = Field(description="When the one that waits longest came where it is.")


class WorkOrderMessage(BaseModel):
    """What another system was told of a batch."""

    message_id: str
    iteration: int
    candidates: int
    attempts: int = Field(description="How often it was sent.")
    created_at: datetime
    delivered_at: datetime | None = Field(description="When its receiver took it; null while it has not.")
    next_attempt_at: datetime | None = Field(
        description="When it is sent next; null where it is not sent again."
    )
    failure: str = Field(description="Why the last attempt failed.")


class WorkOrder(BaseModel):
    """What a campaign asks for: its candidates that wait for an answer."""

    campaign: str
    validator: str
    method: str
    asked: list[Asked] = Field(description="What each candidate is measured for.")
    candidates: int = Field(description="How many wait for an answer.")
    iterations: list[OutInIteration]
    files: dict[str, str] = Field(description="Addresses of its files; none where nothing waits.")
    is_announced: bool = Field(description="Whether another system is told of each batch.")
    messages: list[WorkOrderMessage] = Field(description="What it was told, the newest first.")
