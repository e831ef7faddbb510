"""The Dagster job `calculation`, whose runs each follow one calculation to its end, and those by which people try again or cancel. Wiring only."""

from typing import Any, Final

import dagster as dg
from dagster._core.storage.tags import MAX_RUNTIME_SECONDS_TAG
from pydantic import Field

from catalyst_assets.constants import Work, op_tags, pool_of
from resources.runs.pipes_messages import FileMessages

CALCULATION_JOB: Final = "calculation"
# Dagster does not know its users.
_PERSON: Final = "somebody in Dagster"


class CalculationConfig(dg.Config):
    """Which calculation is followed."""

    job_id: str = Field(description="Its name in `validation_jobs`; `catalyst validation list` shows them.")


@dg.op(
    name="calculate",
    pool=pool_of(Work.CALCULATE),
    tags=op_tags(Work.CALCULATE),
    required_resource_keys={"platform"},
    description=(
        "Start the process of a calculation, or attach to the one that runs, and follow it to its end: what it says is "
        "in this log, its answer in `validation_jobs`. Ended from Dagster, the calculation is cancelled."
    ),
)
def calculate(context: dg.OpExecutionContext, config: CalculationConfig) -> None:
    """Follow one calculation."""
    from dagster._core.errors import DagsterExecutionInterruptedError

    from catalyst_assets.validation.jobs.engine import Follower
    from catalyst_assets.validation.jobs.folder import MESSAGES, job_folder

    platform: Any = context.resources.platform
    folder = job_folder(platform.settings, config.job_id)
    follower = Follower(platform, config.job_id, context.run_id, tell=context.log.info)
    if not folder.is_held():
        folder.file(MESSAGES).unlink(missing_ok=True)
    with dg.open_pipes_session(
        context, dg.PipesEnvContextInjector(), FileMessages(folder.file(MESSAGES))
    ) as session:
        follower.environment = dict(session.get_bootstrap_env_vars())
        try:
            job = follower.follow()
        except DagsterExecutionInterruptedError:
            run = context.instance.get_run_by_id(context.run_id)
            if run is not None and run.status is dg.DagsterRunStatus.CANCELING:
                follower.stop(f"run {context.run_id[:8]} was ended in Dagster")
            else:
                context.log.info("The calculation goes on by itself: the next run attaches to it.")
            raise
    if job is None:
        return
    if job.status != "done":
        context.log.warning("Calculation %s %s: %s", job.job_id[:12], job.status, job.reason)
    context.add_output_metadata(
        {
            "status": job.status,
            "material": job.material_id,
            "method": job.method,
            "attempt": job.attempt,
            "reason": job.reason,
            "answers": dg.MetadataValue.json(dict(job.answers)),
            "folder": dg.MetadataValue.path(str(folder.path)),
            "files": dg.MetadataValue.json(dict(job.files)),
        }
    )


class RetryConfig(dg.Config):
    """What is tried again."""

    named: str = Field(description="The first digits of a calculation's name, or the number of a candidate.")


class CancelConfig(RetryConfig):
    """What is cancelled."""

    reason: str = Field(description="Why; kept with the candidate and the calculation.")


@dg.op(required_resource_keys={"platform"})
def retry(context: dg.OpExecutionContext, config: RetryConfig) -> None:
    """Try again what failed or was cancelled, as `catalyst validation retry` does."""
    from catalyst_assets.validation.jobs import wishes

    platform: Any = context.resources.platform
    context.log.info(str(wishes.retry(platform.database, config.named, _PERSON)))


@dg.op(required_resource_keys={"platform"})
def cancel(context: dg.OpExecutionContext, config: CancelConfig) -> None:
    """Withdraw candidates and end their calculation, as `catalyst validation cancel` does."""
    from catalyst_assets.validation.jobs import wishes

    platform: Any = context.resources.platform
    context.log.info(str(wishes.cancel(platform, config.named, config.reason, _PERSON)))


@dg.job(description="Try again a calculation or a candidate that failed; its config says which.")
def validation_retry() -> None:
    """Try again what failed."""
    retry()


@dg.job(
    description="Withdraw a candidate, or all that wait for a calculation; its config says which, and why."
)
def validation_cancel() -> None:
    """Withdraw what nobody wants."""
    cancel()


@dg.job(
    name=CALCULATION_JOB,
    executor_def=dg.in_process_executor,
    # The calculation has an attempt and a time limit of its own; a run that died is asked for again by the loop.
    tags={"dagster/max_retries": "0", MAX_RUNTIME_SECONDS_TAG: "0", **op_tags(Work.CALCULATE)},
    description="Follow one calculation of a validator to its end; `loop_sensor` requests it for each that waits.",
)
def calculation_job() -> None:
    """Follow one calculation."""
    calculate()
