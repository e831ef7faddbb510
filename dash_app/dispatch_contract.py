"""What the API and its clients agree on about what others carry out: requests about campaigns, runs in Dagster, models."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from dash_app.contract import ReasonText, Waiting
from dash_app.superseded_contract import SupersededLabel

_RUN: Final = "0b3f9a52-6a8e-4f0c-9d5e-3a1b6f1c2d4e"


class RequestStatus(StrEnum):
    """What became of a request."""

    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"


class StopRequest(BaseModel):
    """End a campaign."""

    model_config = ConfigDict(extra="forbid")

    reason: ReasonText = Field(
        min_length=1,
        description="Why; kept with the campaign and shown in its report.",
        examples=["the furnace is needed elsewhere"],
    )


class ReasonedRequest(BaseModel):
    """Say why something is asked."""

    model_config = ConfigDict(extra="forbid")

    reason: ReasonText = Field("", description="Why, if there is something to say; kept with the request.")


class CampaignRequest(BaseModel):
    """What somebody asked of a campaign, and what became of it."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "request_id": 7,
                "kind": "next",
                "campaign": "oxide-perovskites-demo",
                "reason": "",
                "actor": "Ada Lovelace",
                "asked_at": "2026-03-31T09:30:00Z",
                "status": "done",
                "answer": "Campaign oxide-perovskites-demo opens its next iteration; 3 candidates are still to be answered.",
                "remedy": "",
                "details": {"pending": 3},
                "answered_at": "2026-03-31T09:30:01Z",
            }
        }
    )

    request_id: int
    kind: Literal["start", "validate", "stop", "next", "retry", "report"]
    campaign: str
    reason: str = Field(description="Why, in words of who asked.")
    actor: str = Field(description="Who asked.")
    asked_at: datetime
    status: RequestStatus
    answer: str = Field(description="What was done, or why it was refused; empty while it waits.")
    remedy: str = Field(description="What can be done where it was refused, or waits for long.")
    details: dict[str, Any] | None = Field(description="The answer in numbers and names, where it has any.")
    answered_at: datetime | None = Field(description="Null while it waits.")


class CampaignRequestList(BaseModel):
    """What was asked of campaigns, the newest first."""

    items: list[CampaignRequest]
    next: int | None = Field(description="Give it as `before` for the older ones; null after the last.")


class RunStatus(StrEnum):
    """How a run stands, as Dagster says it."""

    QUEUED = "queued"
    NOT_STARTED = "not_started"
    MANAGED = "managed"
    STARTING = "starting"
    STARTED = "started"
    SUCCESS = "success"
    FAILURE = "failure"
    CANCELING = "canceling"
    CANCELED = "canceled"

    @property
    def has_ended(self) -> bool:
        """Whether nothing more of it is computed."""
        return self in (RunStatus.SUCCESS, RunStatus.FAILURE, RunStatus.CANCELED)


class NewRun(BaseModel):
    """A run to launch."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"job": "iteration", "partition": "oxide-perovskites-demo__0001"}]},
    )

    job: str = Field(max_length=100, description="One that `GET /runs/jobs` lists.")
    partition: str | None = Field(
        None,
        max_length=100,
        description="The iteration, for jobs that have one: its partition key, `<campaign>__<0007>`.",
    )


class RunnableJob(BaseModel):
    """A job that people may launch."""

    job: str
    description: str
    needs_partition: bool = Field(description="Whether it is for one iteration, which has to be named.")
    unavailable: str = Field(description="Why it cannot be launched here; empty where it can.")


class RunnableJobList(BaseModel):
    """The jobs that people may launch."""

    items: list[RunnableJob]
    total: int


class Steps(BaseModel):
    """How far a run is."""

    done: int
    total: int = Field(description="As far as they are known: some steps make others.")
    under_way: list[str] = Field(description="Those that run now.", examples=[["trained_model"]])


class Run(BaseModel):
    """A run in Dagster."""

    run_id: str = Field(examples=[_RUN])
    job: str = Field(examples=["iteration"])
    partition: str | None = Field(examples=["oxide-perovskites-demo__0001"])
    campaign: str | None = Field(description="Null for runs that are of no campaign.")
    status: RunStatus
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    launched_by: str = Field(
        description="Who or what: somebody who asked the API, a sensor, a schedule; empty where nobody noted it.",
        examples=["Ada Lovelace"],
    )
    failure: str = Field(description="Why it failed; empty where it did not.")
    steps: Steps | None = Field(default=None, description="How far it is; null unless it runs.")
    stopped_by: str = Field(default="", description="Who had it stopped by the API; empty where nobody did.")
    address: str = Field(
        description="Its page in Dagster, which is for admins.",
        examples=[f"http://127.0.0.1:3000/runs/{_RUN}"],
    )


class RunList(BaseModel):
    """Runs, the newest first."""

    items: list[Run]
    next: str | None = Field(description="Give it as `cursor` for the older ones; null after the last.")


class CampaignWait(Waiting):
    """What a campaign waits for."""

    campaign: str


class WaitList(BaseModel):
    """What campaigns wait for, the longest first."""

    items: list[CampaignWait]
    total: int


class Model(BaseModel):
    """A version of a campaign's model, and what it was trained on."""

    version: int
    name: str = Field(description="As commands and views write it: `campaign@3`.")
    is_champion: bool = Field(description="Whether it is the best version now.")
    iteration: int = Field(description="The iteration that trained it.")
    partition_key: str
    registered_at: datetime
    model_sha256: str = Field(description="Hash of its bytes.")
    label_count: int = Field(description="Labels that were known when its iteration opened.")
    label_sha256: str = Field(description="Hash of those labels.")
    training_set_sha256: str | None = Field(description="Hash of what it was trained on.")
    superseded: list[SupersededLabel] = Field(
        description="Labels that were corrected or retracted since it was trained on them."
    )
    metrics: dict[str, Any] = Field(
        description="Errors and calibration of its iteration, as recorded by the loop; empty of one that its iteration "
        "replaced by a later version."
    )
    predicts: str = Field(
        description="Which predictor its iteration's predictions are made by, and why; empty where it is not noted."
    )
    mlflow_run_id: str | None = Field(description="The run in MLflow that trained it.")
    address: str = Field(description="Its page in MLflow.")


class ModelList(BaseModel):
    """The versions of a campaign's model, the newest first."""

    items: list[Model]
    total: int
    champion: int | None = Field(description="The best version; null where none was chosen.")
    address: str = Field(description="The model's page in MLflow.")
