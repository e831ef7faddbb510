"""What this installation takes of its sources: the file that `CATALYST_SOURCES_FILE` names.

Each source has its asset's configuration under its name there. Schedules ask for what it says, and so does an asset
that is materialized without a configuration of its own; a source that is not named is not configured.
"""

from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, ConfigDict, create_model, model_validator

from catalyst_assets.errors import UsageError
from catalyst_assets.ingestion.sources.registry import SOURCES
from resources.yaml_files import read_mapping, read_model

if TYPE_CHECKING:
    from collections.abc import Iterable

    from catalyst_assets.ingestion.sources.spec import SourceConfig, SourceSpec
    from resources.settings import Settings


def is_named(source: str, settings: "Settings") -> bool:
    """Tell whether the sources file names a source, without judging what it says of it.

    A file that cannot be read may name any: whoever asks the source then is told what is wrong with it.
    """
    if settings.sources_file is None:
        return False
    try:
        return source in read_mapping(settings.sources_file, "sources file")
    except UsageError:
        return True


def read_configured(
    source: str, settings: "Settings", specs: "Iterable[SourceSpec]" = SOURCES
) -> "SourceConfig | None":
    """Return what the sources file says of one source; None if there is no file or it does not name the source.

    Raises
    ------
    UsageError
        The file cannot be read, or says something the platform does not know.
    """
    path = settings.sources_file
    if path is None:
        return None
    fields: dict[str, Any] = {spec.name: (spec.config | None, None) for spec in specs}
    sources = read_model(path, create_model("SourcesFile", __base__=_SourcesFile, **fields), "sources file")
    config: SourceConfig | None = getattr(sources, source)
    return config and config.located(path.parent)


class _SourcesFile(BaseModel):
    """The file: one field a source."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _check_names(cls, given: Any) -> Any:
        # Configurations pass over names they do not know, as Dagster's do: a misspelt limit would be none.
        if not isinstance(given, dict):
            return given
        for source, config in given.items():
            if source not in cls.model_fields or not isinstance(config, dict):
                continue
            known = get_args(cls.model_fields[source].annotation)[0].model_fields
            unknown = sorted(map(str, set(config) - set(known)))
            if unknown:
                raise ValueError(f"{source}: {', '.join(unknown)} is not known; known are {', '.join(known)}")
        # A name with nothing behind it is a source with nothing to say.
        return {source: {} if config is None else config for source, config in given.items()}
