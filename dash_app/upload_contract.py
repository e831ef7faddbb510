"""Uploads of people's own candidates: what the API and its clients agree on."""

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from catalyst_assets.vocabulary.formulas import NamedMaterial

MOST_FORMULAS = 10_000
# What formulas can be put on, and of which kind each takes them.
PROTOTYPE_FORMULAS: Final = {
    "cubic_perovskite": "ABX3",
    "mixed_anion_perovskite": "ABX2Y",
    "double_perovskite": "A2BCX6",
    "spinel": "AB2X4",
    "rutile": "MX2",
    "A1": "A",
    "A2": "A",
    "A3": "A",
    "B2": "AB",
    "L1_0": "AB",
    "L1_2": "A3B",
    "D0_3": "A3B",
    "L2_1": "A2BC",
    "C14": "AB2",
    "C15": "AB2",
}
Formula = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[A-Za-z0-9₀-₉]{1,80}$")]


class NewFormulas(BaseModel):
    """Formulas on a prototype."""

    model_config = ConfigDict(extra="forbid")

    prototype: str = Field(
        min_length=1,
        max_length=60,
        description=" or ".join(
            ", ".join(f"{name} ({formula})" for name, formula in PROTOTYPE_FORMULAS.items()).rsplit(", ", 1)
        )
        + ".",
        examples=["cubic_perovskite"],
    )
    formulas: list[Formula] = Field(
        min_length=1,
        max_length=MOST_FORMULAS,
        description="Each becomes a crystal; where elements fit several sites, those that are written first come first.",
        examples=[["SrTiO3", "BaZrO3"]],
    )


class UploadFile(BaseModel):
    """A file as it came."""

    name: str
    size_bytes: int


class UploadCandidate(NamedMaterial):
    """What became, or would become, of one candidate."""

    place: str = Field(description="The file, and the block or line in it.")
    outcome: Literal["waiting", "new", "known", "refused"] = Field(
        description="known: another material is this crystal already; refused: it was set aside, the others were not."
    )
    formula: str | None = None
    material_id: str | None = Field(None, description="The material that it is now.")
    reason: str | None = Field(None, description="Why it is refused, and what to do.")


class UploadSummary(BaseModel):
    """An upload."""

    upload_id: int | None = Field(description="Its number; null of a preview.")
    status: Literal["preview", "waiting", "taken", "failed", "dropped"] = Field(
        description="waiting: it is kept, and read within seconds. taken: its candidates are materials, but those refused."
    )
    author: str
    uploaded_at: datetime | None
    prototype: str = Field(description="What its formulas are put on; empty where it has none.")
    files: list[UploadFile]
    n_candidates: int = Field(description="0 while it waits.")
    problem: str | None = Field(None, description="Why none of it could be taken.")


class Upload(UploadSummary):
    """An upload with what became of each candidate."""

    n_new: int
    n_known: int
    n_refused: int
    candidates: list[UploadCandidate] = Field(description="In the order of the files.")


class UploadPage(BaseModel):
    """A page of uploads, the newest first."""

    items: list[UploadSummary]
    next: int | None = Field(description="`before` of the next page; null on the last one.")
