"""Formulas in the order in which a material's source writes them, so that they agree with its name."""

import re
from functools import lru_cache
from typing import Any, Final

from pydantic import BaseModel, model_validator

_PART: Final = re.compile(r"([A-Z][a-z]?)(\d*\.?\d*)")
_WHOLE: Final = re.compile(rf"(?:{_PART.pattern})+")


class NamedMaterial(BaseModel):
    """What has a ``material_id`` and a ``formula``."""

    @model_validator(mode="before")
    @classmethod
    def _name(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("material_id") and given.get("formula"):
            return given | {"formula": formula_of(given["material_id"], given["formula"])}
        return given


@lru_cache(maxsize=200_000)
def formula_of(material_id: str, reduced: str) -> str:
    """Return the formula as the name has it where that is the same composition: ``AgNbO3`` of ``table:AgNbO3``, not ``NbAgO3``.

    Reduced formulas are in the order of electronegativity, which for many oxides is not the one that people write.
    """
    named = material_id.rpartition(":")[2]
    if named == reduced or len(named) != len(reduced) or not _WHOLE.fullmatch(named):
        return reduced
    return named if _amounts(named) == _amounts(reduced) else reduced


def _amounts(formula: str) -> list[tuple[str, str]]:
    return sorted(_PART.findall(formula))
