"""What the API and its clients agree on about results: as they are sent, as the ledger holds them, what came of sending.

Shapes only, as in `contract`; docs/validation.md says what each field means to who fills it in.
"""

import datetime as dt
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    model_validator,
)

from catalyst_assets.vocabulary.formulas import NamedMaterial
from catalyst_assets.vocabulary.people import check_text
from dash_app.contract import ReasonText

Text = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(check_text)]
# As the database counts.
ResultId = Annotated[int, Field(ge=1, le=2**63 - 1)]


class NewResult(BaseModel):
    """One measurement, or an attempt that failed. It names its material by `candidate`, `material_id` or `formula`."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, strict=True)

    candidate: ResultId | None = Field(
        None, description="Number of the candidate, as the work order gives it."
    )
    campaign: Text = Field("", max_length=60, description="Only candidates of this campaign are meant.")
    material_id: Text = Field(
        "", max_length=300, description="The material, such as `materials_project:mp-1143`."
    )
    formula: Text = Field(
        "", max_length=200, description="Its formula; alone where only one material has it."
    )
    structure: Annotated[str, Field(max_length=2_000_000)] | dict[str, JsonValue] | None = Field(
        None,
        description="Its crystal as CIF or POSCAR text, or pymatgen's JSON, where formulas are ambiguous.",
    )
    property: Text = Field("", max_length=80, description="What was measured, such as `band_gap`.")
    value: float | None = Field(None, description="The measured value; none where the attempt failed.")
    unit: Text = Field("", max_length=40, description="Of value and deviation; it is converted.")
    standard_deviation: float | None = Field(None, description="Of the value, in its unit.")
    method: Text = Field(min_length=1, max_length=100, description="By which it was obtained: `experiment`.")
    outcome: Literal["measured", "failed"] | None = Field(None, description="failed: nothing came of it.")
    synthesis: Literal["succeeded", "failed"] | None = Field(
        None, description="Whether the material could be made; failed needs no value."
    )
    conditions: dict[str, JsonValue] = Field(
        default_factory=dict, description='Under which it was measured: `{"T": "300 K", "pH": 13}`.'
    )
    sample: Text = Field("", max_length=100, description="Identity of the sample.")
    batch: Text = Field("", max_length=100, description="Identity of the batch it was made in.")
    replicate: int = Field(1, ge=1, le=999_999, description="2 for the second measurement of a sample.")
    operator: Text = Field("", max_length=100, description="Who measured it.")
    date: Annotated[dt.date, Field(strict=False)] | None = Field(
        None, description="The day when: `2026-03-31`."
    )
    attachment: Text = Field("", max_length=1000, description="Where its raw data lie.")
    note: Text = Field("", max_length=2000, description="Anything else.")
    correction: Text = Field(
        "",
        max_length=500,
        description="Why it replaces what was sent of the same sample and replicate before.",
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.candidate or self.material_id or self.formula or self.structure):
            raise ValueError("names no material: give candidate, material_id, or formula (with structure)")
        failed = self.outcome == "failed" or self.synthesis == "failed"
        if self.value is None and not failed:
            raise ValueError('has no value: give one, or say `"outcome": "failed"` where nothing came of it')
        if self.value is not None and failed:
            raise ValueError(
                "has a value, though it failed: leave the value out, or correct outcome or synthesis"
            )
        if self.value is not None and not self.property:
            raise ValueError("has a value and does not say of which property")
        if self.standard_deviation is not None and self.standard_deviation < 0:
            raise ValueError("has a negative standard deviation, which none is")
        return self


class Result(NamedMaterial):
    """A row of the ledger."""

    result_id: int
    campaign: str | None = Field(description="The campaign that asked; null where nobody's iteration did.")
    iteration: int | None
    candidate_id: int | None
    material_id: str
    formula: str
    property: str | None = Field(description="Null where the whole attempt failed.")
    label: str = Field("", description="What people read for the property.")
    method: str
    outcome: str = Field(description="measured, failed, or retracted: what it supersedes no longer counts.")
    value: float | None
    unit: str | None
    standard_deviation: float | None
    sample: str
    batch: str
    replicate: int
    conditions: dict[str, Any]
    synthesis: str | None
    operator: str
    date: dt.date | None
    attachment: str
    note: str
    validator: str
    submitted_by: str
    submitted_at: dt.datetime
    submission: str = Field(description="Name of the file or request that it came by.")
    supersedes: int | None = Field(description="The result that it corrects or retracts.")
    reason: str = Field(description="Why it does.")
    superseded_by: int | None = Field(description="The result that corrects or retracts it.")
    counts: bool = Field(description="Whether it is learned from.")
    why_not: str = Field(description="Why it is not; empty where it is.")


class ResultDetail(Result):
    """A result with its history."""

    chain: list[Result] = Field(
        description="The result, and all that corrected or retracted it, oldest first."
    )


class ResultPage(BaseModel):
    """A page of results, the newest first."""

    items: list[Result]
    total: int = Field(description="Results that pass the filters, on all pages.")
    limit: int
    next: int | None = Field(description="Give it as `before` for the next page; null on the last one.")


class Correction(BaseModel):
    """A result that replaces an earlier one."""

    place: str
    material_id: str
    property: str | None
    before: str
    after: str
    why: str


class Movement(NamedMaterial):
    """A candidate that follows the results."""

    candidate: int
    campaign: str
    material_id: str
    formula: str
    before: str = Field(description="Its status now.")
    after: str = Field(description="Its status once the results were looked at, which takes a moment.")


class Outlier(BaseModel):
    """A measurement far from its replicates."""

    material_id: str
    property: str
    value: float
    unit: str
    sample: str
    batch: str
    replicate: int
    z_score: float = Field(description="Modified z-score of Iglewicz and Hoaglin.")
    of: int = Field(description="Number of replicates.")


class CheckedRow(NamedMaterial):
    """A measurement that is in order, and what it would do."""

    place: str = Field(description="Where it stands in a file, such as `line 7`.")
    candidate: int | None
    campaign: str = Field(description="The campaign that it answers; empty where none asked.")
    material_id: str
    formula: str
    property: str | None = Field(description="Null where the whole attempt failed.")
    label_of: str = Field("", description="What people read for the property.")
    method: str
    outcome: Literal["measured", "failed"]
    value: float | None = Field(description="In `unit`, in which the property is stored.")
    unit: str | None
    standard_deviation: float | None
    given: str = Field(description="Value and unit as written, where they were converted.")
    sample: str
    batch: str
    replicate: int
    does: Literal["new", "correction", "known"] = Field(
        description="known: it is in the ledger already, and changes nothing."
    )
    is_label: bool = Field(description="Whether its campaign learns from it.")
    label: float | None = Field(description="The mean that is learned of its material once it is recorded.")
    label_deviation: float | None = Field(description="Of that mean; null where nothing says it.")
    replicates: int = Field(description="Of how many measurements that is the mean.")
    flags: list[str] = Field(
        description="Why it is worth a look: far from its replicates, or from what was predicted. It is recorded all the same."
    )


class Recorded(BaseModel):
    """What became of results that were sent, or would become of them."""

    outcome: Literal["recorded", "unchanged", "preview"]
    file: str = Field(description="Name of the file; `request` for what was sent as JSON.")
    results: list[int] = Field(
        description="Numbers of the results in the order they were sent; none in a preview, or of more than 10,000."
    )
    added: int
    corrected: int
    unchanged: int = Field(description="Results that were there already.")
    failed: int = Field(description="Attempts among them that failed.")
    unfilled: int = Field(description="Rows of a work order without any result yet.")
    corrections: list[Correction]
    movements: list[Movement]
    outliers: list[Outlier] = Field(description="Kept all the same; retract what is wrong.")
    conversions: list[str] = Field(description="Units that were converted.")
    remarks: list[str]
    rows: list[CheckedRow] = Field(
        default=[], description="Of a preview: the first 1,000 measurements, each with what it would do."
    )
    summary: list[str] = Field(description="All of it, line by line, for people.")


class Retraction(BaseModel):
    """Withdraw a result."""

    model_config = ConfigDict(extra="forbid")

    reason: ReasonText = Field(min_length=1, description="Why; kept in the ledger.")


class Retracted(BaseModel):
    """What a retraction did."""

    changed: bool = Field(description="False when it had been retracted already.")
    result: ResultDetail


class StartRequest(BaseModel):
    """Say that validation of a candidate began."""

    model_config = ConfigDict(extra="forbid")

    reason: ReasonText = Field("", description="Anything to say about it.")


class ReturnRequest(BaseModel):
    """Give a candidate back that cannot be validated now."""

    model_config = ConfigDict(extra="forbid")

    reason: ReasonText = Field(min_length=1, description="Why; shown in the candidate's history.")
