"""What API and clients agree on about labels that were corrected or retracted since they were learned from: shapes only."""

from datetime import datetime

from pydantic import Field

from catalyst_assets.vocabulary.formulas import NamedMaterial


class SupersededLabel(NamedMaterial):
    """A label that a ranking was learned from, one of whose results was corrected or retracted since."""

    material_id: str
    formula: str
    property: str
    unit: str
    learned: float = Field(description="The value that was learned from.")
    change: str = Field(description="corrected or retracted")
    value: float | None = Field(description="What was measured instead; null where nothing was.")
    reason: str
    submitted_by: str
    at: datetime
    result_id: int
    superseded_by: int
    version: int | None = Field(
        description="The model version that had learned from it; null of the iteration's own."
    )
