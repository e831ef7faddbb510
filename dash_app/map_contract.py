"""The map of a pool as columns of numbers, which a browser draws without taking rows apart."""

from typing import Final, Literal

from pydantic import BaseModel, Field

from dash_app.contract import PropertyInfo

MOST_SHOWN: Final = 100_000
MapStatus = Literal["unlisted", "ranked", "flagged", "in_validation", "validated", "rejected", "hit"]
STATUSES: Final[tuple[MapStatus, ...]] = (
    "unlisted", "ranked", "flagged", "in_validation", "validated", "rejected", "hit",
)  # fmt: skip


class Column(BaseModel):
    """A number of each material, to one part in 65,534 of what they span."""

    low: float
    high: float
    data: str = Field(
        description="Base64 of little-endian unsigned 16-bit integers: 0 is `low`, 65534 is `high`, 65535 is no number."
    )


class PropertyColumns(PropertyInfo):
    """What is predicted of a property."""

    mean: Column
    std: Column


class PoolMap(BaseModel):
    """Every material of an iteration's pool: where it lies, what is predicted, how it stands. All columns are in one order."""

    partition_key: str
    iteration: int
    n_pool: int = Field(description="Materials of the pool.")
    n_shown: int = Field(description="Those of the map: all candidates, and others up to the limit.")
    n_placed: int = Field(description="Those of them whose features are known; the others have no place.")
    explained: float | None = Field(
        description="Share of the features' variance that two coordinates keep; null where there are no coordinates."
    )
    far: float | None = Field(description="Distance beyond which uncertainties are not to be relied upon.")
    x: Column = Field(description="First principal component of standardized features.")
    y: Column = Field(description="The second one.")
    material_ids: list[str]
    formulas: list[str]
    candidate_ids: str = Field(
        description="Base64 of little-endian 64-bit floating-point numbers: the candidate, 0 where it is none."
    )
    statuses: list[MapStatus] = Field(description="What `status` counts, from 0.")
    status: str = Field(
        description="Base64 of a byte each: how it stands in the campaign up to this iteration."
    )
    score: Column = Field(description="What the strategy scored, of candidates of this iteration.")
    feasibility: Column = Field(description="The chance that every criterion holds, likewise.")
    distance: Column = Field(description="Distance to the training data.")
    properties: list[PropertyColumns]
