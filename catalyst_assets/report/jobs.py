"""Dagster's wiring of reports that people ask for by the API: the job that writes one, the sensor that requests it."""

from collections.abc import Iterator
from typing import Final

import dagster as dg
from pydantic import Field

from catalyst_assets.report.requested import reports_to_write, write_requested
from resources.platform import Platform

REPORT_JOB: Final = "report"
_LOOK_SECONDS: Final = 5


class ReportConfig(dg.Config):
    """Which report is written."""

    request: int = Field(description="Number of the request that asks for it.")


@dg.op
def write_report(
    context: dg.OpExecutionContext, config: ReportConfig, platform: dg.ResourceParam[Platform]
) -> None:
    """Write one report, and tell who asked that it is there."""
    context.log.info("Request %s: %s", config.request, write_requested(platform, config.request))


@dg.job(
    name=REPORT_JOB,
    description="Write a campaign's report into the object store; `reports_sensor` requests it for who asks by the API.",
)
def report_job() -> None:
    """Write one report."""
    write_report()


@dg.sensor(
    job=report_job,
    minimum_interval_seconds=_LOOK_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    required_resource_keys={"platform"},
    description="Has reports written that people ask for by the API: a run of `report` for each.",
)
def reports_sensor(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Request a run for each report that is asked for and not written."""
    platform: Platform = context.resources.platform
    wanted = reports_to_write(platform.database, context.instance)
    for run in wanted:
        config = {"ops": {write_report.name: {"config": {"request": run.request_id}}}}
        yield dg.RunRequest(run_key=run.run_key, run_config=config, tags=run.tags)
    if not wanted:
        yield dg.SkipReason("Nobody waits for a report.")
