"""Assembling the code location: assets, checks, resources, jobs, sensors, executor.

A function, so that tests and the command line can build it over their own settings or open connections. It
imports no scientific library and opens nothing.
"""

from typing import TYPE_CHECKING

import dagster as dg

from catalyst_assets.acquisition import assets as acquisition_assets
from catalyst_assets.acquisition import checks as acquisition_checks
from catalyst_assets.asset_metadata.completed import completed
from catalyst_assets.ingestion import assets as ingestion_assets
from catalyst_assets.ingestion import checks as ingestion_checks
from catalyst_assets.ingestion.derived import assets as derived_assets
from catalyst_assets.ingestion.derived import checks as derived_checks
from catalyst_assets.ingestion.sensors import uploads_sensor
from catalyst_assets.ingestion.sources.assets import RAW_ASSETS
from catalyst_assets.ingestion.sources.jobs import INGESTION_JOBS
from catalyst_assets.ingestion.sources.schedules import SCHEDULES
from catalyst_assets.learning import assets as learning_assets
from catalyst_assets.learning import checks as learning_checks
from catalyst_assets.loop import jobs, sensors
from catalyst_assets.potentials import assets as potentials_assets
from catalyst_assets.potentials import checks as potentials_checks
from catalyst_assets.prediction import assets as prediction_assets
from catalyst_assets.prediction import checks as prediction_checks
from catalyst_assets.report.jobs import report_job, reports_sensor
from catalyst_assets.representation import assets as representation_assets
from catalyst_assets.representation import checks as representation_checks
from catalyst_assets.surfaces import assets as surfaces_assets
from catalyst_assets.surfaces import checks as surfaces_checks
from catalyst_assets.validation import assets as validation_assets
from catalyst_assets.validation import checks as validation_checks
from catalyst_assets.validation.jobs.dagster_job import calculation_job, validation_cancel, validation_retry
from catalyst_assets.validation.submissions.sensors import results_folder_sensor, submit_results_job
from catalyst_assets.validation.work_orders.jobs import export_job, retract_job
from catalyst_assets.validation.work_orders.sensors import work_orders_sensor
from resources.dagster_resources import build_resources
from resources.settings import Settings, get_settings

if TYPE_CHECKING:
    from resources.platform import Platform

_ASSETS = (
    ingestion_assets,
    derived_assets,
    potentials_assets,
    representation_assets,
    surfaces_assets,
    learning_assets,
    prediction_assets,
    acquisition_assets,
    validation_assets,
)
_CHECKS = (
    ingestion_checks,
    derived_checks,
    potentials_checks,
    representation_checks,
    surfaces_checks,
    learning_checks,
    prediction_checks,
    acquisition_checks,
    validation_checks,
)


def build_defs(*, settings: Settings | None = None, platform: "Platform | None" = None) -> dg.Definitions:
    """Return the code location.

    Parameters
    ----------
    settings
        Those of the process when None, or the platform's.
    platform
        Connections that are open already.
    """
    if settings is None:
        settings = platform.settings if platform is not None else get_settings()
    return dg.Definitions(
        assets=completed([*RAW_ASSETS, *_load_assets()]),
        asset_checks=dg.load_asset_checks_from_modules(_CHECKS),
        jobs=[
            jobs.preparation_job,
            jobs.features_job,
            *INGESTION_JOBS,
            jobs.iteration_job,
            jobs.validation_job,
            calculation_job,
            submit_results_job,
            validation_retry,
            validation_cancel,
            export_job,
            retract_job,
            report_job,
        ],
        schedules=SCHEDULES,
        sensors=[
            sensors.loop_sensor,
            sensors.reaper_sensor,
            sensors.features_sensor,
            reports_sensor,
            uploads_sensor,
            *([results_folder_sensor] if settings.results_folder else []),
            *([work_orders_sensor] if settings.work_order_webhook else []),
        ],
        resources=build_resources(settings, platform),
        executor=_executor(settings),
    )


def _load_assets() -> list[dg.AssetsDefinition]:
    loaded = dg.load_assets_from_modules(_ASSETS)
    return [asset for asset in loaded if isinstance(asset, dg.AssetsDefinition)]


def _executor(settings: Settings) -> dg.ExecutorDefinition:
    if settings.executor == "multiprocess":
        # Steps are forked from a server that has loaded the code location, not started from nothing.
        start = {"forkserver": {"preload_modules": ["catalyst_assets.definitions"]}}
        return dg.multiprocess_executor.configured(
            {"max_concurrent": settings.max_processes, "start_method": start}
        )
    if settings.executor == "celery":
        from resources.distributed.executor import celery_executor

        return celery_executor(settings)
    return dg.in_process_executor
