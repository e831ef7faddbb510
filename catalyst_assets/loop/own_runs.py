"""Runs that a command executes in its own process, as the UI shows those that the daemon launched: under their job.

Dagster files a run under a job by where its code location is loaded from; `execute_in_process` leaves that out.
"""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.definitions.repository_definition import SINGLETON_REPOSITORY_NAME
from dagster._core.execution.api import execute_run
from dagster._core.execution.execute_in_process import merge_run_tags
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

if TYPE_CHECKING:
    from dagster import DagsterInstance
    from dagster._core.definitions.reconstruct import ReconstructableJob

LOCATION: Final = "catalyst_assets"


def execute_own_run(
    instance: "DagsterInstance",
    job: dg.JobDefinition,
    run_id: str,
    *,
    run_config: Mapping[str, Any],
    tags: Mapping[str, str],
    partition_key: str | None = None,
    elsewhere: "ReconstructableJob | None" = None,
) -> dg.JobExecutionResult:
    """Execute a job as a run of the instance.

    Parameters
    ----------
    elsewhere
        How step processes load the job; in this process if None.
    """
    run = instance.create_run_for_job(
        job_def=job,
        run_id=run_id,
        run_config=run_config,
        tags=merge_run_tags(job, partition_key, tags, None, instance, run_config),
        remote_job_origin=RemoteJobOrigin(
            RemoteRepositoryOrigin(
                ManagedGrpcPythonEnvCodeLocationOrigin(
                    LoadableTargetOrigin(
                        executable_path=sys.executable, module_name="catalyst_assets.definitions"
                    ),
                    LOCATION,
                ),
                SINGLETON_REPOSITORY_NAME,
            ),
            job.name,
        ),
        job_code_origin=elsewhere.get_python_origin() if elsewhere else None,
    )
    return execute_run(elsewhere or InMemoryJob(job), run, instance)
