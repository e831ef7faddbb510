"""Which potentials there are: those of ``potentials.yaml``, and those of the file that an installation names.

Declarations only: whether an environment is there is the business of `environments`, asking a potential of `client`.
"""

import difflib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from catalyst_assets.errors import UsageError
from catalyst_assets.potentials.surface_settings import SurfaceSettings
from resources.yaml_files import read_model

if TYPE_CHECKING:
    from resources.settings import Settings

_SHIPPED: Final = Path(__file__).with_name("potentials.yaml")
_NAME: Final = r"^[a-z0-9]+([.-][a-z0-9]+)*$"


class _Declared(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Environment(_Declared):
    """Packages that some potentials need, installed apart from ours."""

    package: str = Field(description="What is installed, for people.")
    licence: str
    licence_url: str


class PotentialSpec(_Declared):
    """One potential."""

    environment: str | None = Field(default=None, description="Whose packages it needs.")
    python: Path | None = Field(
        default=None, description="Interpreter of an environment of your own, in place of one of ours."
    )
    kind: Literal["sevennet", "chgnet", "calculator"]
    factory: str | None = Field(
        default=None,
        pattern=r"^[\w.]+:\w+$",
        description="`module:function` that returns a calculator of ASE, where the kind is `calculator`.",
    )
    checkpoint: str | None = Field(
        default=None, description="Weights: a path among the environment's packages, or a file of your own."
    )
    sha256: Annotated[str | None, Field(pattern=r"^[0-9a-f]{64}$")] = None
    options: dict[str, Any] = Field(default_factory=dict)
    elements: tuple[str, ...] = Field(
        default=(), description="Those that it knows; none for all, or for those it says itself."
    )
    functional: str = Field(description="Whose energies it learned.")
    corrections: Literal["mp2020"] | None = Field(
        default=None,
        description="How its energies become comparable among compounds: `mp2020` where it learned the Materials Project's "
        "PBE and PBE+U energies as they were computed; none where it learned one functional, or corrected energies.",
    )
    surfaces: SurfaceSettings = Field(
        default_factory=SurfaceSettings,
        description="How its slabs are cut and relaxed where who asks does not say.",
    )
    licence: str | None = Field(
        default=None, description="Of its weights, where it is not its environment's."
    )
    note: str = ""
    known_answer_ev: float | None = Field(
        default=None,
        description="Energy in eV of the crystal that `catalyst potentials check` asks for: cubic SrTiO3 of 3.9 Å, or a "
        "crystal of the first of `elements` where it does not know these.",
    )

    def decisive(self) -> dict[str, Any]:
        """Return what its values depend on, as JSON holds it: weights, packages, and what an own one is made with."""
        environment = ENVIRONMENTS.get(self.environment or "")
        return {
            "kind": self.kind,
            "package": environment.package if environment else None,
            "checkpoint": self.checkpoint,
            "sha256": self.sha256,
            "factory": self.factory,
            "options": self.options,
        }

    def terms(self) -> str:
        """Return the licence under which it may be used, and its values passed on."""
        environment = ENVIRONMENTS.get(self.environment or "")
        return self.licence or (environment.licence if environment else "as its owner says")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.environment is None) == (self.python is None):
            raise ValueError("name its environment, or the python of one of your own")
        if (self.kind == "calculator") != (self.factory is not None):
            raise ValueError("a calculator has a factory, nothing else has one")
        if (self.checkpoint is None) != (self.sha256 is None):
            raise ValueError("a checkpoint has a sha256: what it holds is unpickled")
        return self


class _Table(_Declared):
    environments: dict[Annotated[str, Field(pattern=_NAME)], Environment] = Field(default_factory=dict)
    potentials: dict[Annotated[str, Field(pattern=_NAME)], PotentialSpec]

    @cached_property
    def unknown_environments(self) -> list[str]:
        """Environments that a potential names and nobody declares."""
        return sorted(
            {each.environment for each in self.potentials.values() if each.environment}
            - self.environments.keys()
        )


_shipped: Final = read_model(_SHIPPED, _Table, "table of potentials")
ENVIRONMENTS: Final[Mapping[str, Environment]] = _shipped.environments


def known_potentials(settings: "Settings") -> dict[str, PotentialSpec]:
    """Return the potentials by name; one of the installation's own file stands before ours of that name.

    Raises
    ------
    UsageError
        The file is not valid; says where.
    """
    if settings.potentials_file is None:
        return dict(_shipped.potentials)
    own = read_model(settings.potentials_file, _Table, "file of potentials")
    strange = [name for name in own.unknown_environments if name not in ENVIRONMENTS]
    if strange or own.environments:
        raise UsageError(
            f"{settings.potentials_file}: potentials of your own cannot use environments that are not ours "
            f"({', '.join(strange or own.environments)}).",
            "Make a virtual environment yourself and name its interpreter with `python`.",
        )
    return _shipped.potentials | own.potentials


def find_potential(name: str, settings: "Settings") -> PotentialSpec:
    """Return the potential of a name.

    Raises
    ------
    UsageError
        None is called so.
    """
    known = known_potentials(settings)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=2, cutoff=0.5)
        guess = f"Did you mean {' or '.join(near)}? " if near else ""
        raise UsageError(f"There is no potential {name!r}.", f"{guess}`catalyst potentials list` shows them.")
    return known[name]
