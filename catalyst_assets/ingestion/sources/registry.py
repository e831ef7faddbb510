"""The sources there are: a folder each, which declares its source in a module `spec`. A new one is a line here."""

from pkgutil import resolve_name
from typing import Final

from catalyst_assets.ingestion.sources.spec import SourceSpec

_FOLDERS: Final = (
    "optimade",
    "aflow",
    "materials_project",
    "oc20",
    "prototypes",
    "reference_tables",
    "uploads",
)
SOURCES: Final[tuple[SourceSpec, ...]] = tuple(
    resolve_name(f"catalyst_assets.ingestion.{folder}.spec:SPEC") for folder in _FOLDERS
)
