"""The executor `celery`: Dagster's own loop of delegated steps, over Celery's queues.

dagster-celery's loop waits for results that Redis may have lost. This one follows Dagster's event log, which the
steps write themselves, and looks after what nobody holds; the task, its tags and its name are dagster-celery's.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import dagster as dg
from dagster._core.events import DagsterEvent, DagsterEventType
from dagster._core.execution.retries import RetryMode
from dagster._core.executor.step_delegating import (
    CheckStepHealthResult,
    StepDelegatingExecutor,
    StepHandler,
    StepHandlerContext,
)
from dagster._serdes import pack_value
from dagster._utils.hosted_user_process import recon_job_from_origin

from catalyst_assets.constants import FINE_TUNES_TAG, GPU_TAG, MODEL_TAG, QUEUE_TAG, Queue
from catalyst_assets.errors import CatalystError, DatabaseUnavailableError, RunGivenUpError
from resources.distributed.asking import gpu_is_served, served_queues
from resources.distributed.leases import StepId, find_leases, silence_seconds
from resources.distributed.tasks import step_of
from resources.distributed.watch import Act, judge
from resources.postgres.connection import process_database
from resources.postgres.database import Row, execute
from resources.runs.ended import standing_of
from resources.runs.heartbeat import heartbeat
from resources.settings import Settings

if TYPE_CHECKING:
    from dagster import DagsterInstance
    from dagster._core.execution.context.system import PlanOrchestrationContext
    from dagster._core.execution.plan.plan import ExecutionPlan

_log = logging.getLogger(__name__)

_LOOK_SECONDS: Final = 0.1
_HEALTH_SECONDS: Final = 1
_ASK_WORKERS_SECONDS: Final = 20.0
_KNOWN_SECONDS: Final = 60.0
_TERMINAL: Final = (
    DagsterEventType.STEP_SUCCESS,
    DagsterEventType.STEP_FAILURE,
    DagsterEventType.STEP_UP_FOR_RETRY,
)


def celery_executor(settings: Settings) -> dg.ExecutorDefinition:
    """Return the executor of an installation."""

    @dg.executor(name="celery", requirements=dg.multiple_process_executor_requirements())
    def celery(_: dg.InitExecutorContext) -> StepDelegatingExecutor:
        return _CeleryExecutor(settings)

    return celery


class _CeleryExecutor(StepDelegatingExecutor):
    def __init__(self, settings: Settings) -> None:
        self._steps = _CelerySteps(settings)
        super().__init__(
            self._steps,
            RetryMode.ENABLED,
            sleep_seconds=_LOOK_SECONDS,
            check_step_health_interval_seconds=_HEALTH_SECONDS,
        )
        self._settings = settings
        self._ended: set[str] = set()
        self._outputs: set[tuple[str, str, str | None]] = set()

    def execute(
        self, plan_context: "PlanOrchestrationContext", execution_plan: "ExecutionPlan"
    ) -> Iterator[DagsterEvent]:
        """Execute a run's steps; its own process beats, whoever does them."""
        database, run_id = process_database(self._settings), plan_context.run_id
        with database.transaction() as connection:
            execute(connection, "leases/forget_old")
        with heartbeat(database, self._settings, run_id, standing_of(plan_context.instance, run_id)):
            yield from super().execute(plan_context, execution_plan)

    def _pop_events(
        self, instance: "DagsterInstance", run_id: str, seen_storage_ids: set[int]
    ) -> Sequence[DagsterEvent]:
        """Return what has happened since the last look, once each: a step that is done again says it again.

        Raises
        ------
        RunGivenUpError
            The run has lost its claim: the loop around this ends.
        """
        import sqlalchemy as sa

        if self._steps.given_up is not None:
            raise self._steps.given_up
        try:
            events = super()._pop_events(instance, run_id, seen_storage_ids)
        except sa.exc.OperationalError as error:
            # A server that starts again cuts the query off; Dagster waits for it when it connects anew.
            _log.warning("The event log of run %s was cut off: %s", run_id, error)
            return []
        return [event for event in events if self._is_news(event)]

    def _is_news(self, event: DagsterEvent) -> bool:
        step_key = event.step_key or ""
        if event.event_type is DagsterEventType.STEP_OUTPUT:
            data = event.step_output_data
            output = (step_key, data.output_name, data.mapping_key)
            if output in self._outputs:
                return False
            self._outputs.add(output)
        elif event.event_type in _TERMINAL:
            if step_key in self._ended:
                return False
            if event.event_type is DagsterEventType.STEP_UP_FOR_RETRY:
                self._outputs = {output for output in self._outputs if output[0] != step_key}
            else:
                self._ended.add(step_key)
        return True


class _CelerySteps(StepHandler):
    """Hands steps to the queues, and looks after them."""

    name = "celery"

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._settings = settings
        self._leases: dict[StepId, Row] = {}
        self._read_at = 0.0
        self._asked_at = 0.0
        self._served: set[str] = set()
        self._abandoned_since: dict[str, float] = {}
        self._tasks: dict[str, str] = {}
        self._unsent: set[StepId] = set()
        self._gpu_known_at: float | None = None
        self._gpu_is_served = False
        self.given_up: RunGivenUpError | None = None

    def launch_step(self, step_handler_context: StepHandlerContext) -> Iterator[DagsterEvent]:
        """Hand a step over."""
        try:
            self._submit(step_handler_context)
        except DatabaseUnavailableError as error:
            # The next look finds that it has no lease.
            _log.warning("A step is handed over later: %s", error)
        yield from ()

    def check_step_health(self, step_handler_context: StepHandlerContext) -> CheckStepHealthResult:
        """Hand over again what nobody holds; say what cannot be done."""
        try:
            return self._look_after(step_handler_context)
        except RunGivenUpError as error:
            # Dagster would note an error of a look and go on.
            self.given_up = error
        except DatabaseUnavailableError as error:
            _log.warning("No look after the steps of the run: %s", error)
        return CheckStepHealthResult.healthy()

    def _look_after(self, step_handler_context: StepHandlerContext) -> CheckStepHealthResult:
        step = step_of(step_handler_context.execute_step_args)
        lease = self._lease(step)
        if lease is None:
            self._submit(step_handler_context)
            return CheckStepHealthResult.healthy()
        judgement = judge(
            lease,
            silence_seconds(self._settings),
            self._abandoned_for(lease),
            self._settings.worker_patience.total_seconds(),
        )
        if judgement.act is Act.FAIL:
            return CheckStepHealthResult.unhealthy(judgement.reason)
        if judgement.act is Act.SUBMIT:
            _log.warning("Step %s is handed over again: %s", step.step_key, judgement.reason)
            self._submit(step_handler_context)
        elif step in self._unsent:
            self._send(step_handler_context)
        return CheckStepHealthResult.healthy()

    def terminate_step(self, step_handler_context: StepHandlerContext) -> Iterator[DagsterEvent]:
        """Ask the worker that does a step to end it."""
        from resources.distributed.app import celery_app, opened

        step = step_of(step_handler_context.execute_step_args)
        if step.step_key in self._tasks:
            control = celery_app(self._settings).control
            try:
                with opened(self._settings) as connection:
                    control.revoke(self._tasks[step.step_key], terminate=True, connection=connection)
            except CatalystError as error:
                # It ends by itself once it finds the run's claim lost.
                _log.warning("Step %s is not told that it is to end: %s", step.step_key, error)
        yield from ()

    def _lease(self, step: StepId) -> Row | None:
        """Return a step's lease; all of the run's are read together, once a look."""
        if time.monotonic() - self._read_at > _HEALTH_SECONDS / 2:
            self._leases = find_leases(process_database(self._settings), step.run_id)
            self._read_at = time.monotonic()
        return self._leases.get(step)

    def _submit(self, context: StepHandlerContext) -> None:
        step = step_of(context.execute_step_args)
        with process_database(self._settings).transaction() as connection:
            execute(connection, "leases/submit", **step.parameters(), queue=self._queue(context))
        self._leases.pop(step, None)
        self._read_at = 0.0
        self._send(context)

    def _send(self, context: StepHandlerContext) -> None:
        from resources.distributed.app import opened, step_task

        args = context.execute_step_args
        step = step_of(args)
        executable = recon_job_from_origin(args.job_origin).to_dict()
        try:
            with opened(self._settings) as connection:
                sent = step_task(self._settings).apply_async(
                    kwargs={"execute_step_args_packed": pack_value(args), "executable_dict": executable},
                    queue=self._queue(context),
                    connection=connection,
                    retry=False,
                )
        except CatalystError as error:
            self._unsent.add(step)
            _log.warning("Step %s is handed over once Redis takes it: %s", step.step_key, error)
            return
        self._unsent.discard(step)
        self._tasks[step.step_key] = sent.id

    def _queue(self, context: StepHandlerContext) -> str:
        tags = context.step_tags[step_of(context.execute_step_args).step_key]
        return queue_of(tags, context.dagster_run.tags, self._has_gpu)

    def _has_gpu(self) -> bool:
        """Tell whether a GPU is there to compute on, on this host or a worker's."""
        now = time.monotonic()
        if self._gpu_known_at is None or now - self._gpu_known_at > _KNOWN_SECONDS:
            self._gpu_is_served = gpu_is_served(self._settings)
            self._gpu_known_at = now
        return self._gpu_is_served

    def _abandoned_for(self, lease: Row) -> float | None:
        """Return for how long no worker has taken from a queue; asked only while a step waits for long."""
        queue = lease["queue"]
        if lease["holder"] is not None or lease["waited_s"] < min(
            _ASK_WORKERS_SECONDS, self._settings.worker_patience.total_seconds() / 2
        ):
            self._abandoned_since.pop(queue, None)
            return None
        now = time.monotonic()
        if now - self._asked_at > _ASK_WORKERS_SECONDS / 4:
            self._served = served_queues(self._settings)
            self._asked_at = time.monotonic()
        if queue in self._served:
            self._abandoned_since.pop(queue, None)
            return None
        since = self._abandoned_since.setdefault(queue, now - lease["waited_s"])
        return now - since


def queue_of(step_tags: Any, run_tags: Any, has_gpu: Callable[[], bool]) -> str:
    """Return the queue of a step: the one of the table, or the GPU's if it gains from one and there is one.

    Asset checks cannot be tagged: they are steps of validation.

    Parameters
    ----------
    has_gpu
        Asked of steps that gain from one only.
    """
    gains = GPU_TAG in step_tags or (MODEL_TAG in step_tags and FINE_TUNES_TAG in run_tags)
    if gains and has_gpu():
        return Queue.GPU.value
    return str(step_tags.get(QUEUE_TAG, Queue.VALIDATE.value))
