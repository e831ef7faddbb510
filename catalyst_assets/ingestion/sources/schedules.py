"""When sources are asked for what is new: one schedule a source, stopped until somebody starts it.

What is taken stands in the file that `CATALYST_SOURCES_FILE` names: each source has its asset's configuration under
its name; one that is not named there is skipped with the reason.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import dagster as dg
from pydantic import BaseModel, ConfigDict, create_model, model_validator

from catalyst_assets.ingestion.sources.registry import SOURCES
from catalyst_assets.ingestion.sources.spec import SourceConfig, SourceSpec
from resources.settings import get_settings
from resources.yaml_files import read_model


def make_schedules(specs: Sequence[SourceSpec]) -> list[dg.ScheduleDefinition]:
    """Return the schedules of those sources that have one; they share the sources file."""
    scheduled = [spec for spec in specs if spec.schedule is not None]
    return [_make_schedule(spec, scheduled) for spec in scheduled]


def _make_schedule(spec: SourceSpec, scheduled: Sequence[SourceSpec]) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=f"refresh_{spec.name}",
        job_name=spec.job,
        cron_schedule=spec.schedule.cron if spec.schedule else "",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description=f"Load what {spec.name} has new, as CATALYST_SOURCES_FILE says.",
    )
    def request(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        settings = get_settings()
        if settings.sources_file is None:
            return dg.SkipReason(
                f"{spec.name} is not configured: name a sources file in CATALYST_SOURCES_FILE "
                "(docs/sources.md shows one)."
            )
        config = _read_scheduled(settings.sources_file, spec.name, scheduled)
        if config is None:
            return dg.SkipReason(f"{spec.name} is not configured: {settings.sources_file} does not name it.")
        if lacking := spec.lacks(config, settings):
            return dg.SkipReason(f"{spec.name} needs {lacking}.")
        return dg.RunRequest(run_config={"ops": {spec.asset: {"config": config.model_dump(mode="json")}}})

    return request


class _SourcesFile(BaseModel):
    """The file: one field a source that has a schedule."""

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


def _read_scheduled(path: Path, source: str, scheduled: Sequence[SourceSpec]) -> SourceConfig | None:
    """Return the configuration of one source; None if the file does not name the source.

    Raises
    ------
    UsageError
        The file cannot be read, or says something the platform does not know.
    """
    fields: dict[str, Any] = {spec.name: (spec.config | None, None) for spec in scheduled}
    sources = read_model(path, create_model("SourcesFile", __base__=_SourcesFile, **fields), "sources file")
    config: SourceConfig | None = getattr(sources, source)
    return config and config.located(path.parent)


SCHEDULES = make_schedules(SOURCES)
