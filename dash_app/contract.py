"""What the API and its clients agree on: where it is, what it answers and accepts; its OpenAPI document is made of this.

The shapes only: reading them from the database is the routers' business, and nothing imported here reaches it, so that
pages may import this module.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from catalyst_assets.campaigns.rejections import RejectionKind
from catalyst_assets.vocabulary.formulas import NamedMaterial
from catalyst_assets.vocabulary.people import check_text
from dash_app.superseded_contract import SupersededLabel

API_PREFIX: Final = "/api/v1"


class CandidateStatus(StrEnum):
    """Where a candidate stands in its lifecycle."""

    RANKED = "ranked"
    FLAGGED = "flagged"
    IN_VALIDATION = "in_validation"
    VALIDATED = "validated"
    REJECTED = "rejected"


Printable = AfterValidator(check_text)
ReasonText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000), Printable]


class _Decision(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _ReasonedDecision(_Decision):
    reason: ReasonText = Field(min_length=1, description="Why; shown in the candidate's history.")


class FlagRequest(_Decision):
    """Send a candidate to validation."""

    reason: ReasonText = Field("", description="Why, if there is something to say.")


class RejectRequest(_ReasonedDecision):
    """Take a candidate out of the loop."""

    kind: RejectionKind = Field(
        RejectionKind.WITHDRAWN,
        description="poor: measured, its values are learned from, never suggested again. infeasible: cannot be made, "
        "never suggested again. failed: tried without an answer, may be suggested again some iterations later. "
        "withdrawn: a person decides against it, suggested again only if restored. Another kind than before "
        "corrects it.",
    )


class RestoreRequest(_ReasonedDecision):
    """Put a withdrawn or failed candidate back."""


class Problem(BaseModel):
    """An error as RFC 9457 describes it, sent as application/problem+json."""

    type: str = Field(description="Names the kind of problem.", examples=["urn:catalyst:problem:conflict"])
    title: str = Field(description="The kind of problem, for people.")
    status: int = Field(description="The HTTP status code.")
    detail: str = Field(description="What went wrong this time.")
    remedy: str = Field("", description="What can be done now.")
    errors: list["FieldError"] = Field(default_factory=list, description="Each field that was refused.")


class Held(BaseModel):
    """A result as the ledger holds it."""

    result_id: int
    outcome: str
    value: float | None
    unit: str | None
    standard_deviation: float | None
    submitted_by: str
    submitted_at: datetime


class FieldError(BaseModel):
    """One part of a request that was refused."""

    field: str = Field(description="The field, or the heading of the column.")
    message: str
    pointer: str = Field(default="", description="JSON pointer into the body; empty where it is none.")
    index: int | None = Field(default=None, description="Which result of a list, from 0.")
    place: str = Field(default="", description="Where in a file, such as `line 7`.")
    remedy: str = Field(default="", description="What to do about this one.")
    held: Held | None = Field(default=None, description="What the ledger holds, where it is contradicted.")


class Health(BaseModel):
    """The API and its database answer."""

    status: str = Field(examples=["ok"])
    version: str = Field(description="Version of the platform.")
    database: str = Field(description="Version of the PostgreSQL server.")
    role: str = Field(description="The database role that serves requests.")


class PropertyInfo(BaseModel):
    """A property that a campaign predicts."""

    name: str
    label: str = Field("", description="What people read for it; empty for the name in words.")
    unit: str
    description: str


class Iteration(BaseModel):
    """One iteration of a campaign."""

    partition_key: str = Field(description="The Dagster partition, `<campaign>__<0007>`.")
    iteration: int
    status: str = Field(description="open, ranked, closed or abandoned")
    opened_at: datetime
    closed_at: datetime | None
    label_count: int = Field(description="Labels that were known when it opened.")
    strategy: str | None = Field(description="Acquisition strategy of its ranking.")
    exploration_weight: float | None
    candidates: dict[CandidateStatus, int] = Field(description="Number of candidates in each status.")
    evaluated: int = Field(description="Materials that validation answered first in this iteration.")
    hits: int | None = Field(description="How many of them meet every criterion; null without criteria.")
    evaluated_so_far: int = Field(description="Materials answered up to and with this iteration.")
    hits_so_far: int | None
    best_so_far: float | None = Field(description="Best objective value; null without an objective.")
    metrics: dict[str, Any] = Field(
        description="Errors and calibration, as the report shows them: `valid_mae_by_property` on chemical systems left "
        "out, `test_mae_by_property` on the frozen test set, `validation_mae_by_property` on what was validated, "
        "`miscalibration_area_by_property`, and more.",
    )
    model_sha256: str | None
    model_version: int | None = Field(
        description="Version under which its model is registered; null while it is not."
    )
    mlflow_run_id: str | None
    superseded: list[SupersededLabel] = Field(default=[], description="Labels that hold no more.")


class Waiting(BaseModel):
    """What a campaign waits for."""

    waits_on: str = Field(description="run, features, answers, review or repair")
    reason: str
    remedy: str = Field(description="What a person can do; empty where nothing needs doing.")
    since: datetime
    failed_run_id: str | None = Field(description="Dagster run that was tried last and failed.")
    failure: str | None = Field(description="Why it failed.")
    failed_at: datetime | None
    next_try_at: datetime | None = Field(description="When it is tried again by itself.")


class Notice(BaseModel):
    """What a person should know of a campaign; it stands while it holds."""

    kind: str = Field(description="failed, stalled or unfit")
    message: str
    remedy: str = Field(description="What a person can do; empty where nothing needs doing.")
    raised_at: datetime


class CampaignSummary(BaseModel):
    """A campaign and how far it is."""

    name: str
    description: str
    status: str = Field(description="active, paused or finished")
    stop_reason: str | None
    created_at: datetime
    finished_at: datetime | None
    iterations: int = Field(description="Iterations opened, without abandoned ones.")
    evaluated: int = Field(description="Materials that validation answered.")
    hits: int | None = Field(description="How many of them meet every criterion; null without criteria.")
    best: float | None = Field(description="Best objective value; null without an objective.")
    candidates: dict[CandidateStatus, int] = Field(description="Number of candidates in each status.")
    max_evaluations: int | None = Field(None, description="After so many it ends; null without that rule.")
    target_hits: int | None = Field(None, description="With so many it ends; null without that rule.")
    waiting: Waiting | None = Field(None, description="Null where it goes on or has ended.")


class CampaignDetail(CampaignSummary):
    """A campaign with its goal and every iteration."""

    document: dict[str, Any] = Field(description="The campaign file as it runs.")
    sha256: str
    properties: list[PropertyInfo]
    progress: list[Iteration]
    notices: list[Notice] = Field(default=[], description="What a person should know, oldest first.")
    last_event: int = Field(
        description="The newest event that this answer may hold: who follows `/events` after it misses nothing."
    )


class CampaignList(BaseModel):
    """Every campaign, the newest first."""

    items: list[CampaignSummary]
    total: int


class IterationList(BaseModel):
    """Every iteration of a campaign, in order."""

    items: list[Iteration]
    total: int


class Predicted(BaseModel):
    """What the model expects of one property."""

    mean: float
    std: float
    unit: str


class Validated(BaseModel):
    """What validation answered about one property."""

    property: str
    method: str
    outcome: str = Field(description="measured or failed")
    value: float | None = Field(description="The mean of what was measured.")
    unit: str
    standard_deviation: float | None = Field(description="Of that mean; null where nobody said.")
    n_results: int = Field(description="How many results it is the mean of.")
    note: str = Field(description="Of the newest, as are the validator and the time.")
    validator: str
    created_at: datetime


class Step(BaseModel):
    """Who took a step of a candidate's lifecycle, when and why."""

    actor: str
    at: datetime
    reason: str


class Candidate(NamedMaterial):
    """A material that a ranking suggests."""

    candidate_id: int
    campaign: str
    iteration: int
    partition_key: str
    material_id: str
    formula: str
    chemical_system: str
    rank: int
    acquisition: float
    feasibility: float | None = Field(description="Chance that every criterion holds; null without criteria.")
    predicted: dict[str, Predicted]
    chances: dict[str, float] = Field(
        default={},
        description="Chance that a property is within the goal, by itself, from the joint draws that were ranked: of "
        "those that the criteria bound once. Empty where the draws are no longer stored.",
    )
    distance: float | None = Field(
        description="Distance to the training data; 1 is typical of an unseen chemical system. Null where unknown."
    )
    out_of_distribution: bool | None = Field(
        description="Whether it is further away than 95 % of unseen chemical systems; null where unknown."
    )
    model_version: int | None = Field(
        description="Registered version of the model that scored it; null while it is not registered."
    )
    champion_version: int | None = Field(
        description="Version that is the campaign's champion now; null without."
    )
    stale: bool | None = Field(
        description="Whether an older model than the champion scored it; null where either is unknown."
    )
    status: CandidateStatus
    rejection_kind: RejectionKind | None = Field(description="Why it was rejected; null when it is not.")
    version: int = Field(description="Counts what was decided about it; send it as If-Match with a decision.")
    updated_at: datetime
    moved: Step | None = Field(None, description="The last step of its lifecycle.")
    flagged: Step | None = Field(
        None,
        description="When it was sent to validation last; null while it is ranked, or was never flagged.",
    )
    validated: list[Validated]
    hit: bool | None = Field(
        description="Whether validation found every criterion met; null before it, and where it was rejected as "
        "withdrawn or infeasible, so that what was measured does not count."
    )
    labels_superseded: int = Field(default=0, description="Labels behind its ranking that hold no more.")


class CandidateEvent(BaseModel):
    """One step of a candidate's lifecycle."""

    event_id: int
    from_status: CandidateStatus | None
    to_status: CandidateStatus
    actor: str
    reason: str
    rejection_kind: RejectionKind | None = Field(description="Of a rejection; null for other steps.")
    at: datetime


class BoundChance(BaseModel):
    """How likely a property is within a bound."""

    property: str
    min: float | None
    max: float | None
    unit: str
    chance: float


class Alternative(BaseModel):
    """Bounds that hold together."""

    chance: float = Field(description="That all of them hold, jointly.")
    bounds: list[BoundChance]


class Criterion(BaseModel):
    """How likely a criterion is met, from the joint draws that were ranked."""

    chance: float = Field(description="That any alternative holds.")
    alternatives: list[Alternative] = Field(description="One where the campaign names no `any_of`.")


class NearestLabelled(NamedMaterial):
    """A material of known properties near a candidate."""

    material_id: str
    formula: str
    distance: float = Field(description="1 is typical of an unseen chemical system.")
    labels: dict[str, float] = Field(description="What was known of it when the iteration opened.")


class Explanation(BaseModel):
    """Why a candidate stands where it does."""

    criteria: list[Criterion] = Field(description="In the campaign's order; empty with an objective alone.")
    decisive: str | None = Field(
        description="The property that drives the score: the least likely bound of the least likely criterion, or the "
        "objective once the criteria are likely. Null where the draws are gone."
    )
    nearest: list[NearestLabelled] = Field(description="The nearest first; empty where it was not measured.")


class CandidateDetail(Candidate):
    """A candidate with its history, its explanation and its structure."""

    labels: dict[str, str] = Field(
        default_factory=dict, description="What people read for each property that is named."
    )
    explanation: Explanation
    events: list[CandidateEvent]
    structure: dict[str, Any] | None = Field(
        description="The structure as pymatgen's `Structure.as_dict()`; null where only the composition is known."
    )


class Transition(BaseModel):
    """What a decision did."""

    changed: bool = Field(description="False when the candidate was in that status already.")
    candidate: CandidateDetail
