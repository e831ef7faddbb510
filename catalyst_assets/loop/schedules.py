"""When sources are asked for what is new: one schedule a source, stopped until somebody starts it.

What is taken stands in the sources file; a source that is not in it is skipped with the reason.
"""

from typing import Final

import dagster as dg

from catalyst_assets.ingestion.scheduled_sources import read_scheduled
from catalyst_assets.loop.jobs import ingestion_jobs
from resources.settings import get_settings

# At odd minutes of the night: everybody asks at the full hour.
_CRONS: Final = {
    "materials_project": "17 3 * * *",
    "aflow": "37 3 * * 0",
    "optimade": "7 4 * * 0",
}


def _schedule(source: str, cron: str) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=f"refresh_{source}",
        job=ingestion_jobs[source],
        cron_schedule=cron,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description=f"Load what {source} has new, as CATALYST_SOURCES_FILE says.",
    )
    def refresh(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        settings = get_settings()
        if settings.sources_file is None:
            return dg.SkipReason(
                f"{source} is not configured: name a sources file in CATALYST_SOURCES_FILE "
                "(docs/sources.md shows one)."
            )
        config = read_scheduled(settings.sources_file, source)
        if config is None:
            return dg.SkipReason(f"{source} is not configured: {settings.sources_file} does not name it.")
        if source == "materials_project" and settings.mp_api_key is None and not config["full_table"]:
            return dg.SkipReason("materials_project needs a key: set MP_API_KEY.")
        return dg.RunRequest(run_config={"ops": {f"raw_{source}": {"config": config}}})

    return refresh


schedules = [_schedule(source, cron) for source, cron in _CRONS.items()]
