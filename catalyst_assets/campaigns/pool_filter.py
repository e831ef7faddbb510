"""Which materials a campaign may suggest, and what all parts of a campaign's model are made of; ``pool`` reads the materials."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

ElementSymbol = Annotated[str, Field(pattern=r"^[A-Z][a-z]?$")]
PropertyName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
SourceName = Annotated[str, Field(min_length=1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class FrozenModel(BaseModel):
    """A part of a campaign: immutable, and no field that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Lacking(FrozenModel):
    """A property of which no value by a method is known."""

    property: PropertyName
    method: str = Field(description="Values by other methods do not count.")


class HullGate(FrozenModel):
    """Stability by one method: a material of which it is not known does not pass."""

    max: float = Field(ge=0, allow_inf_nan=False, description="Largest energy above hull in eV/atom.")
    method: str = Field(
        description="By which it must be known; values by other methods do not count. Of several sources the lowest does."
    )


class Pool(FrozenModel):
    """Which materials may be suggested: those of a source, those that pass the filters, or both."""

    source: SourceName | Annotated[tuple[SourceName, ...], Field(min_length=1)] | None = Field(
        default=None,
        description="Materials loaded from this source, or from one of several; `uploads` are what people upload.",
    )
    elements: tuple[ElementSymbol, ...] = Field(
        default=(), description="Contains every one of these elements."
    )
    only_elements: tuple[ElementSymbol, ...] = Field(default=(), description="Contains no others than these.")
    exclude_elements: tuple[ElementSymbol, ...] = Field(
        default=(), description="Contains none of these elements."
    )
    chemical_system: str | None = Field(
        default=None,
        pattern=r"^[A-Z][a-z]?(-[A-Z][a-z]?)*$",
        description="Exactly these elements, such as Al-La-O.",
    )
    n_sites_min: int | None = Field(default=None, ge=1, description="Fewest sites in the cell.")
    n_sites_max: int | None = Field(default=None, ge=1, description="Most sites in the cell.")

    lacks: Lacking | None = Field(
        default=None,
        description="Has no computed value of this property yet; the others are only learned from.",
    )

    energy_above_hull: HullGate | None = Field(
        default=None, description="Is stable by a method; materials without such a value are left out."
    )
    relaxed_by: str | None = Field(
        default=None,
        description="Learn from and predict structures as this potential relaxed them, not as ingested; materials that it "
        "did not relax are left out.",
    )

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources that are named; none where every source is meant."""
        if self.source is None:
            return ()
        return (self.source,) if isinstance(self.source, str) else self.source

    @field_validator("chemical_system")
    @classmethod
    def _sorted_system(cls, system: str | None) -> str | None:
        return None if system is None else "-".join(sorted(set(system.split("-"))))

    @model_validator(mode="after")
    def _selects(self) -> Self:
        if not self.model_dump(exclude_defaults=True):
            raise ValueError("name a source or at least one filter")
        return self
