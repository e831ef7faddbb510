"""One material as the API shows it: what the API and its clients agree on."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from catalyst_assets.vocabulary.formulas import NamedMaterial
from dash_app.contract import Candidate, CandidateEvent, Predicted, Printable
from dash_app.result_contract import Result


class MaterialSource(BaseModel):
    """A source that knows a material."""

    source: str
    source_id: str = Field(description="What the source calls it.")
    licence: str
    page: str | None = Field(None, description="Where the source shows it; null where no such page is known.")
    retrieved_at: datetime
    author: str | None = Field(None, description="Who uploaded it, of the source `uploads`.")
    uploaded_at: datetime | None = Field(None, description="When.")
    upload_id: int | None = Field(None, description="Number of the upload.")
    uploaded_as: str | None = Field(None, description="The file, and the block or line in it.")


class ComputedProperty(BaseModel):
    """A value that a source gives."""

    property: str
    label: str
    value: float | None
    unit: str
    method: str
    source: str


class MaterialPrediction(BaseModel):
    """What one model predicted of a material."""

    campaign: str
    iteration: int
    is_current: bool = Field(description="False where a later prediction of that iteration took its place.")
    predicted_at: datetime
    model_version: int | None = Field(
        description="Registered version of the model; null while it is not registered."
    )
    model_sha256: str
    distance: float | None = Field(
        description="Distance to the training data; 1 is typical of an unseen chemical system. Null where unknown."
    )
    out_of_distribution: bool | None
    predicted: dict[str, Predicted]


class MaterialEvent(CandidateEvent):
    """A step of a candidate of this material."""

    candidate_id: int
    campaign: str
    iteration: int


class NewNote(BaseModel):
    """What somebody writes about a material."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000), Printable
    ] = Field(
        description="Plain text; it stays as it was written.", examples=["Sample S-1 was grown on glass."]
    )


class Note(BaseModel):
    """What somebody wrote about a material."""

    note_id: int
    author: str
    text: str
    written_at: datetime


class NoteList(BaseModel):
    """Every note about a material, the oldest first."""

    items: list[Note]
    total: int


class Neighbour(NamedMaterial):
    """A material that is described alike."""

    material_id: str
    formula: str
    distance: float = Field(description="0 where the structures are described the same.")
    known: list[ComputedProperty] = Field(
        description="Values of it, by method and source; the source of results is `results`."
    )


class NeighbourList(BaseModel):
    """The materials nearest to one, the nearest first."""

    material_id: str
    method: Literal["index", "exact"] = Field(
        description="index: found by pgvector, nearly always the nearest. exact: all were compared."
    )
    explained_variance: float = Field(
        description="Share of the variance of all features that distances take account of."
    )
    items: list[Neighbour]


class Symmetry(BaseModel):
    """The symmetry of a crystal."""

    number: int = Field(description="Of the space group.")
    symbol: str = Field(description="Its international symbol.", examples=["Pm-3m"])
    crystal_system: str


class Relaxation(BaseModel):
    """What a potential made of a material's structure."""

    method: str = Field(description="The potential.", examples=["sevennet-l3i5"])
    status: Literal["converged", "not_converged", "failed"]
    reason: str | None = Field(description="Why it failed.")
    lattice: list[list[float]] | None = Field(description="Vectors of the relaxed cell in Å.")
    energy_per_atom: float | None = Field(description="Of the relaxed structure, in eV.")
    steps: int | None
    largest_force: float | None = Field(description="At the end, in eV/Å.")
    space_group_held: int | None = Field(description="Space group that it was held to; null where to none.")
    space_group_before: int | None
    space_group_after: int | None
    volume_change: float | None = Field(description="As a share of the volume before.")
    formation_problem: str | None = Field(
        description="Why there is no formation energy by it among `properties`; null where there is one, or none yet."
    )
    relaxed_at: datetime


class MaterialDetail(NamedMaterial):
    """A material with all that is known of it."""

    material_id: str
    formula: str
    chemical_system: str
    elements: list[str]
    n_sites: int | None = Field(description="Atoms in the cell; null where only the composition is known.")
    symmetry: Symmetry | None = Field(
        description="As spglib finds it within 0.1 Å; null where it finds none, and of cells of more than 200 sites."
    )
    deprecated: bool = Field(description="Whether its source withdrew it.")
    created_at: datetime
    updated_at: datetime
    sources: list[MaterialSource]
    properties: list[ComputedProperty]
    relaxations: list[Relaxation] = Field(description="By potentials, as far as any was asked.")
    predictions: list[MaterialPrediction] = Field(description="By iteration, the newest first.")
    candidates: list[Candidate] = Field(description="Of every campaign and iteration, the newest first.")
    results: list[Result] = Field(description="The newest hundred; `GET /results?material=…` has all.")
    neighbours: list[Neighbour] = Field(
        description="The five nearest by features; empty where it has none yet, or the database has no pgvector. "
        "`GET /materials/{material_id}/neighbours` has more."
    )
    notes: list[Note] = Field(description="What people wrote about it, the oldest first.")
    history: list[MaterialEvent] = Field(description="The oldest first.")
    structure: dict[str, Any] | None = Field(
        description="The structure as pymatgen's `Structure.as_dict()`; null where only the composition is known."
    )
