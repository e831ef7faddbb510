"""How slabs are cut and adsorbates relaxed, as far as somebody says: a potential's own declaration, or who asks it."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, model_validator

_MillerIndices = Annotated[tuple[int, ...], Field(min_length=3, max_length=3)]


class SurfaceSettings(BaseModel):
    """What is left out is as `surfaces.adsorption.AdsorptionSettings` has it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    facets: tuple[_MillerIndices, ...] = Field(
        default=(), description="Miller indices; by default the densest planes."
    )
    most_facets: PositiveInt | None = Field(
        default=None, description="Of a crystal whose facets are not named."
    )
    layers: PositiveInt | None = Field(default=None, description="Layers of atoms of a slab at least.")
    thickness: Annotated[float | None, Field(ge=0)] = Field(
        default=None, description="From the lowest atom of a slab to the highest at least, in Å."
    )
    symmetric: bool | None = Field(
        default=None,
        description="Whether slabs are free as a whole and alike on both sides; otherwise the bottom is held.",
    )
    vacuum: Annotated[float | None, Field(ge=5)] = Field(
        default=None, description="From a slab up to the next, in Å."
    )
    width: PositiveFloat | None = Field(
        default=None, description="From an adsorbate to its images at least, in Å."
    )
    references: str | None = Field(
        default=None, description="Gas references: OC20, or CH4 for carbon by methane."
    )
    largest_force: PositiveFloat | None = Field(
        default=None, description="Below which slabs and molecules are at rest, in eV/Å."
    )
    most_steps: PositiveInt | None = Field(
        default=None, description="After which they are given up as not converged."
    )

    @model_validator(mode="after")
    def _planes(self) -> Self:
        if not all(map(any, self.facets)):
            raise ValueError("a facet's Miller indices are not all 0")
        return self

    def over(self, others: "SurfaceSettings") -> "SurfaceSettings":
        """Return these, and the others' where these say nothing."""
        return others.model_copy(update=self.model_dump(exclude_defaults=True))
