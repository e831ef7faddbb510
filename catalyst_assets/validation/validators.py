"""Who answers for a candidate: the interface of a validator; ``registry`` says which there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


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
