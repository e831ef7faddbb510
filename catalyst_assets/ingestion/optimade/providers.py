"""Which OPTIMADE providers are known, and what is taken from each: `known/*.yaml`, and files of one's own."""

from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from catalyst_assets.errors import UsageError
from catalyst_assets.ingestion.reference_tables.mapping import PropertyColumn
from resources.yaml_files import read_model

_SHIPPED: Final = Path(__file__).resolve().parent / "known"


class ProvidedProperty(PropertyColumn):
    """What a field of a provider's own is: like a table's column, but rarely there for every entry."""

    required: bool = Field(default=False, description="An entry without this value is refused.")


class Provider(BaseModel):
    """One database that speaks OPTIMADE.

    Attributes
    ----------
    base_url
        What stands before ``/structures``.
    increments
        Whether it can be asked for what changed since a time; otherwise a change of its number of entries or
        of its version is a reason to read all of it again.
    properties
        Dotted paths into an entry's attributes.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9]+(_[a-z0-9]+)*$", max_length=40)
    base_url: str = Field(pattern=r"^https?://[^\s?#]+$")
    licence: str = Field(min_length=1)
    citation: str = ""
    increments: bool = True
    page_limit: int = Field(default=100, ge=1, le=1000)
    properties: dict[Annotated[str, Field(pattern=r"^[^\s,&?#]+$")], ProvidedProperty] = Field(
        default_factory=dict
    )

    @property
    def source(self) -> str:
        """The name its materials go by."""
        return f"optimade_{self.name}"


def list_providers() -> list[str]:
    """Return the names of the providers that are known without a file."""
    return sorted(path.stem for path in _SHIPPED.glob("*.yaml"))


def load_provider(name_or_file: str) -> Provider:
    """Read a provider by its name or from a YAML file.

    Raises
    ------
    UsageError
        There is none, or the file is not valid.
    """
    if name_or_file in list_providers():
        path = _SHIPPED / f"{name_or_file}.yaml"
    else:
        path = Path(name_or_file).expanduser()
        if path.suffix not in {".yaml", ".yml"}:
            raise UsageError(
                f"{name_or_file!r} is no provider that is known here.",
                f"Known are {', '.join(list_providers())}; describe another in a YAML file and name that.",
            )
    return read_model(path, Provider, "provider file")
