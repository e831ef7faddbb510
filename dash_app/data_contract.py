"""Where materials come from: sources, their raw files, and what was set aside, as the API and its clients agree on it."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field


class Source(BaseModel):
    """A source as it stands: what came from it, when, and when it is asked again."""

    source: str = Field(description="As its records go by.", examples=["optimade_mp"])
    title: str = Field(description="What people call its kind.", examples=["an OPTIMADE provider"])
    licences: list[str] = Field(description="What its data may be used under.")
    fetched_at: datetime | None = Field(
        description="When a file that is new was fetched last; null before the first."
    )
    n_files: int
    n_waiting: int = Field(description="Files that are fetched and not loaded yet.")
    n_failed: int = Field(description="Files that cannot be read, and that no readable one has replaced.")
    n_records: int = Field(description="Records that stand: of crystals, or of adsorption energies.")
    n_materials: int = Field(description="Materials that they tell of; several records may be one crystal.")
    n_set_aside: int = Field(description="Records that could not be used, with the reason.")
    job: str | None = Field(description="What `POST /runs` refreshes it by; null where nothing does.")
    unavailable: str = Field(description="Why it cannot be refreshed here; empty where it can.")
    schedule: str | None = Field(
        description="When it is asked by itself: minute, hour, day, month, weekday in UTC."
    )
    refreshed_at: datetime | None = Field(
        description="When the job was done last, whether or not there was anything new; null where it never was, or "
        "Dagster does not answer."
    )
    next_refresh_at: datetime | None = Field(
        description="When it is asked next; null where it is not asked by itself, or Dagster does not answer."
    )
    is_late: bool = Field(
        description="It is asked by itself, and was done longer ago than its schedule allows."
    )


class SourceList(BaseModel):
    """Every source of which there is something, or which the sources file names."""

    items: list[Source]
    total: int
    schedules: Literal["known", "unknown"] = Field(
        description="unknown: Dagster does not answer, so that nobody knows when sources were and will be asked."
    )


class RawFile(BaseModel):
    """A file as a source gave it."""

    raw_file_id: int
    source: str
    url: str
    size_bytes: int
    licence: str
    fetched_at: datetime
    status: Literal["pending", "parsed", "failed"]
    note: str = Field(
        description="How many records were loaded, or why it cannot be read; empty while it waits."
    )
    n_rows: int | None = Field(description="Records in it; null until they were counted.")
    is_current: bool = Field(description="Whether no later file has replaced it.")


class RawFilePage(BaseModel):
    """Raw files, the newest first."""

    items: list[RawFile]
    next: int | None = Field(description="Give it as `before` for the older ones; null after the last.")


class RefusalReason(BaseModel):
    """How many records of a source were set aside for reasons that differ in numbers and names only."""

    source: str
    kind: str = Field(description="The reason, with … for numbers and what stands in quotes.")
    n: int
    example: str = Field(description="The reason of the newest one.")
    seen_at: datetime = Field(description="When the newest one was set aside.")


class RefusalReasonList(BaseModel):
    """Why records were set aside, the most frequent first."""

    items: list[RefusalReason]
    total: int = Field(description="Records that were set aside.")


class Refusal(BaseModel):
    """A record that was set aside instead of loaded."""

    quarantine_id: int
    source: str
    record: str = Field(description="Which record of the source.")
    reason: str
    kind: str = Field(description="As `GET /quarantine/reasons` counts it.")
    raw_sha256: str = Field(description="Hash of the file that it was read from.")
    payload: dict[str, Any] | None = Field(description="What it said; null where that answers a validator.")
    seen_at: datetime


class RefusalPage(BaseModel):
    """Records that were set aside, the newest first."""

    items: list[Refusal]
    next: int | None = Field(description="Give it as `before` for the older ones; null after the last.")
