"""When sources are asked for what is new: one schedule a source, running where the sources file names the source.

What is taken stands in that file (`configured`); a source that it does not name is skipped with the reason.
"""

from collections.abc import Sequence

import dagster as dg

from catalyst_assets.ingestion.sources.configured import is_named, read_configured
from catalyst_assets.ingestion.sources.registry import SOURCES
from catalyst_assets.ingestion.sources.spec import SourceSpec
from resources.settings import get_settings


def make_schedules(specs: Sequence[SourceSpec]) -> list[dg.ScheduleDefinition]:
    """Return the schedules of those sources that have one; they share the sources file."""
    return [_make_schedule(spec, specs) for spec in specs if spec.schedule is not None]


def _make_schedule(spec: SourceSpec, specs: Sequence[SourceSpec]) -> dg.ScheduleDefinition:
    is_running = is_named(spec.name, get_settings())

    @dg.schedule(
        name=f"refresh_{spec.name}",
        job_name=spec.job,
        cron_schedule=spec.schedule.cron if spec.schedule else "",
        execution_timezone="UTC",
        default_status=(dg.DefaultScheduleStatus.RUNNING if is_running else dg.DefaultScheduleStatus.STOPPED),
        description=f"Load what {spec.title} has new, as the sources file says. "
        + (
            "It runs because that file names the source."
            if is_running
            else f"It is stopped because no sources file (CATALYST_SOURCES_FILE) names {spec.name}."
        ),
    )
    def request(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        settings = get_settings()
        if settings.sources_file is None:
            return dg.SkipReason(
                f"{spec.name} is not configured: name a sources file in CATALYST_SOURCES_FILE "
                "(docs/sources.md shows one)."
            )
        config = read_configured(spec.name, settings, specs)
        if config is None:
            return dg.SkipReason(f"{spec.name} is not configured: {settings.sources_file} does not name it.")
        if lacking := spec.lacks(config, settings):
            return dg.SkipReason(f"{spec.name} needs {lacking}.")
        return dg.RunRequest(run_config={"ops": {spec.asset: {"config": config.model_dump(mode="json")}}})

    return request


SCHEDULES = make_schedules(SOURCES)
