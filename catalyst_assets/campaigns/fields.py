"""What the parts of a campaign's model share: frozen models, names, and messages that come close to what was meant."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

ElementSymbol = Annotated[str, Field(pattern=r"^[A-Z][a-z]?$")]
PropertyName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class FrozenModel(BaseModel):
    """A part of a campaign: immutable, and no field that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def unknown(kind: str, name: str, known: Any) -> str:
    """Say that ``name`` is not one of ``known``, and which come close."""
    from difflib import get_close_matches

    close = get_close_matches(name, list(known), n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(close)}? " if close else ""
    return f"unknown {kind} '{name}': {hint}known are {', '.join(known)}"
