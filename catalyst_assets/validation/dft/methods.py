"""The methods of the gpaw validator: a name and the settings that determine its numbers.

Those that ship stand in `methods.yaml`; a deployment's own in the file that `CATALYST_DFT_METHODS` names. The settings of
a method go into the identity of every calculation, so that a changed setting is another calculation.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    RootModel,
    ValidationError,
    field_validator,
    model_validator,
)

from catalyst_assets.errors import UsageError
from resources.settings import get_settings
from resources.yaml_files import read_yaml

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

SHIPPED_FILE: Final = Path(__file__).with_name("methods.yaml")
# Raised when the program computes something else from the same settings.
RECIPE: Final = 1
_WHAT: Final = "file of methods"

Element = Annotated[str, Field(pattern=r"^[A-Z][a-z]?$")]
Correction = tuple[Literal["s", "p", "d", "f"], Annotated[float, Field(ge=-20, le=20)]]


class DftMethod(BaseModel):
    """Settings of one method; the defaults are converged for oxides (`data/perovskite_pbe/convergence.csv`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    functional: str = Field(
        "PBE",
        pattern=r"^[A-Za-z0-9_+\-]+$",
        description="Exchange and correlation by GPAW's or libxc's name.",
    )
    gap_potential: Literal["", "GLLBSC"] = Field(
        "", description="Potential that gaps are computed with at the relaxed structure, if another one."
    )
    hubbard_u_ev: dict[Element, Correction] = Field(
        default_factory=dict, description="Hubbard corrections: element to shell and U in eV."
    )
    cutoff_ev: float = Field(600.0, ge=150, le=3000, description="Cut-off of the plane waves in eV.")
    kpoint_density: float = Field(
        3.4, gt=0, le=30, description="Least number of k-points for each Å⁻¹ of a reciprocal vector."
    )
    smearing_ev: float = Field(0.05, gt=0, le=1, description="Width of the Fermi-Dirac occupation in eV.")
    spin: Literal["auto", "on", "off"] = Field(
        "auto", description="`auto` computes with spin where an element has an open d or f shell."
    )
    energy_tolerance_ev_per_electron: float = Field(
        1e-5,
        gt=0,
        le=1e-2,
        description="Change of energy in eV per valence electron at which it has converged.",
    )
    force_tolerance_ev_per_angstrom: float = Field(
        0.02, gt=0, le=1, description="Largest force in eV/Å that a full relaxation leaves."
    )
    max_relaxation_steps: int = Field(80, ge=1, le=1000, description="Most steps of a full relaxation.")
    formation_energies: bool = Field(
        True,
        description="Whether energies against the elements mean something: not with Hubbard corrections.",
    )
    name: str = Field("", description="Name of the method; given by the file's key.")

    @field_validator("hubbard_u_ev", mode="before")
    @classmethod
    def _no_entry(cls, value: Any) -> Any:
        return {} if value is None else value

    @model_validator(mode="after")
    def _no_elements_without_correction(self) -> DftMethod:
        if self.hubbard_u_ev and self.formation_energies:
            raise ValueError(
                "formation_energies must be false with hubbard_u_ev: compounds with and elements without a "
                "correction cannot be compared"
            )
        return self

    def settings(self) -> dict[str, Any]:
        """Return everything that determines the numbers, as the job file and the job's identity hold it."""
        return {**self.model_dump(mode="json"), "recipe": RECIPE}


class _Methods(RootModel[dict[Annotated[str, Field(min_length=1, max_length=100)], DftMethod]]):
    pass


def known_dft_methods() -> Mapping[str, DftMethod]:
    """Return every method that GPAW can be asked for, by its name.

    Raises
    ------
    UsageError
        The deployment's file cannot be read or is not valid.
    """
    own = get_settings().dft_methods
    shipped = _read(SHIPPED_FILE, 0)
    if own is None:
        return shipped
    try:
        changed_ns = own.stat().st_mtime_ns
    except OSError as error:
        raise UsageError(
            f"Cannot read the {_WHAT} {own}: {error.strerror}.",
            "Put it there, or correct CATALYST_DFT_METHODS.",
        ) from None
    added = _read(own, changed_ns)
    taken = sorted(set(added) & set(shipped))
    if taken:
        raise UsageError(
            f"The {_WHAT} {own} declares {', '.join(taken)}, which ships with the platform.",
            "Give it another name: values by other settings are another method.",
        )
    return {**shipped, **added}


def find_method(name: str) -> DftMethod:
    """Return a method by its name.

    Raises
    ------
    UsageError
        There is none, or the deployment's file is not valid.
    """
    known = known_dft_methods()
    if name not in known:
        raise UsageError(
            f"GPAW has no settings for the method {name}; it has for {', '.join(known)}.",
            "Take one of these, or declare it in the file that CATALYST_DFT_METHODS names.",
        )
    return known[name]


def check_computable(method: str, properties: Collection[str]) -> None:
    """Refuse what GPAW is not set up to answer.

    Raises
    ------
    UsageError
        It has no settings for the method, or does not compute a property, or not by this method.
    """
    from catalyst_assets.validation.dft.gpaw_job.main import PROPERTIES

    settings = find_method(method)
    foreign = sorted(set(properties) - set(PROPERTIES))
    if foreign:
        raise UsageError(
            f"GPAW computes no {', '.join(foreign)} here; it computes {', '.join(PROPERTIES)}.",
            "Ask for these, or have another validator answer.",
        )
    if "formation_energy_per_atom" in properties and not settings.formation_energies:
        raise UsageError(
            f"The method {method} gives no formation_energy_per_atom: its correction applies to compounds and not to elements.",
            "Take a method without Hubbard corrections, such as PBE, or leave the formation energy out.",
        )


@lru_cache(maxsize=4)
def _read(path: Path, _changed_ns: int) -> Mapping[str, DftMethod]:
    document = read_yaml(path, _WHAT)
    if not isinstance(document, dict):
        raise UsageError(
            f"The {_WHAT} {path} holds no mapping.",
            "Write the name of each method, and its settings below it.",
        )
    try:
        methods = _Methods.model_validate(
            {name: {} if each is None else each for name, each in document.items()}
        ).root
    except ValidationError as error:
        problems = "; ".join(_explain(item) for item in error.errors(include_url=False))
        raise UsageError(
            f"The {_WHAT} {path} is not valid: {problems}.",
            f"Settings of a method are {', '.join(key for key in DftMethod.model_fields if key != 'name')}.",
        ) from None
    return {name: method.model_copy(update={"name": name}) for name, method in methods.items()}


def _explain(item: Any) -> str:
    place = ".".join(str(part) for part in item["loc"] if part != "[key]")
    message = item["msg"].removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        message = "unknown setting"
    elif isinstance(item["input"], str | int | float) and item["type"] != "value_error":
        message = f"{message}, not '{item['input']}'"
    return f"{place}: {message}"
