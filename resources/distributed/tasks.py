"""What a worker does with a message: take the step's lease and execute the step, or leave it to who has it."""

import logging
from functools import cache
from typing import TYPE_CHECKING, Any

from resources.distributed.leases import StepId, holding, take_lease
from resources.postgres.connection import process_database
from resources.settings import Settings

if TYPE_CHECKING:
    from dagster import DagsterInstance
    from dagster._grpc.types import ExecuteStepArgs

_log = logging.getLogger(__name__)


def leased(settings: Settings) -> type[Any]:
    """Return the base class of a task that is executed under its step's lease."""
    from celery import Task

    class LeasedTask(Task):  # type: ignore[misc]
        """dagster-celery's task, which a message that is delivered again does not execute again."""

        def __call__(self, execute_step_args_packed: dict[str, Any], executable_dict: dict[str, Any]) -> None:
            from dagster._grpc.types import ExecuteStepArgs
            from dagster._serdes import pack_value, unpack_value
            from dagster_shared.record import copy

            args = unpack_value(execute_step_args_packed, as_type=ExecuteStepArgs)
            run = _instance().get_run_by_id(args.run_id)
            step = step_of(args)
            if run is None or run.is_finished:
                _log.info("Run %s has ended: %s is left", step.run_id, step.step_key)
                return
            lease = take_lease(process_database(settings), settings, step)
            if lease is None:
                _log.info("%s of run %s is another's, or has ended", step.step_key, step.run_id)
                return
            # The home of the host that the run is on need not be this one's.
            with holding(lease):
                own = copy(args, instance_ref=_instance().get_ref())
                self.run(pack_value(own), executable_dict)

    return LeasedTask


def step_of(args: "ExecuteStepArgs") -> StepId:
    """Return which try of which step a message asks for."""
    (step_key,) = args.step_keys_to_execute or ()
    state = args.known_state
    attempt = 0 if state is None else state.get_retry_state().get_attempt_count(step_key)
    return StepId(args.run_id, step_key, attempt)


@cache
def _instance() -> "DagsterInstance":
    from dagster import DagsterInstance

    return DagsterInstance.get()
