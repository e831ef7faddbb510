"""What is taken from the sources that are refreshed by schedule: the file that `CATALYST_SOURCES_FILE` names.

Each source has its asset's configuration under its name; a source that is not named is not refreshed.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from catalyst_assets.ingestion.raw_assets import AflowConfig, MaterialsProjectConfig, OptimadeConfig
from catalyst_assets.ingestion.reading.yaml_files import read_model


class ScheduledSources(BaseModel):
    """The file: one field a source."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    materials_project: MaterialsProjectConfig | None = None
    aflow: AflowConfig | None = None
    optimade: OptimadeConfig | None = None

    @model_validator(mode="before")
    @classmethod
    def _check_names(cls, given: Any) -> Any:
        # Dagster's configurations pass over names they do not know: a misspelt limit would be none.
        if not isinstance(given, dict):
            return given
        for source, config in given.items():
            known = _CONFIGS.get(source)
            if known is None or not isinstance(config, dict):
                continue
            unknown = sorted(map(str, set(config) - set(known.model_fields)))
            if unknown:
                raise ValueError(
                    f"{source}: {', '.join(unknown)} is not known; known are {', '.join(known.model_fields)}"
                )
        # A name with nothing behind it is a source with nothing to say.
        return {source: {} if config is None else config for source, config in given.items()}


_CONFIGS: Mapping[str, type[BaseModel]] = {
    "materials_project": MaterialsProjectConfig,
    "aflow": AflowConfig,
    "optimade": OptimadeConfig,
}


def read_scheduled(path: Path, source: str) -> dict[str, Any] | None:
    """Return the configuration of one source's asset; None if the file does not name the source.

    Raises
    ------
    UsageError
        The file cannot be read, or says something the platform does not know.
    """
    sources = read_model(path, ScheduledSources, "sources file")
    config: BaseModel | None = getattr(sources, source)
    if config is None:
        return None
    document = config.model_dump(mode="json")
    if source == "optimade":
        # Steps run in another folder than the one this file was written in.
        document["providers"] = [
            str((path.parent / name).absolute()) if Path(name).suffix in {".yaml", ".yml"} else name
            for name in document["providers"]
        ]
    return document
