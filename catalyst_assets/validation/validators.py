"""Who answers for a candidate: one small interface, and which validators answer by themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from catalyst_assets.campaigns.model import Campaign
    from resources.postgres.database import Database


@dataclass(frozen=True)
class Answer:
    """One measured property of one material, in ``unit``."""

    material_id: str
    property: str
    method: str
    value: float
    unit: str
    note: str = ""


class Validator(Protocol):
    """Measures materials."""

    @property
    def name(self) -> str:
        """What the results record as their validator."""

    def answer(self, material_ids: Sequence[str], properties: Sequence[str], method: str) -> list[Answer]:
        """Return what could be measured; a material or property without an answer is left out."""


def find_validator(campaign: "Campaign", database: "Database") -> Validator | None:
    """Return the validator a campaign names; None when its answers come from outside, in their own time."""
    if campaign.validator == "reference_table":
        from catalyst_assets.validation.reference_table import ReferenceTable

        return ReferenceTable(database)
    return None
