"""Why a run failed, in a person's words: the error of ours that a step raised, or what a blocking check said."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import dagster as dg

from catalyst_assets import errors
from catalyst_assets.errors import CatalystError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dagster import DagsterInstance

_TOLD: Final = {
    dg.DagsterEventType.ASSET_CHECK_EVALUATION,
    dg.DagsterEventType.STEP_FAILURE,
    dg.DagsterEventType.RUN_FAILURE,
    dg.DagsterEventType.RUN_CANCELED,
}


@dataclass(frozen=True)
class Failure:
    """Why a run failed.

    Attributes
    ----------
    said
        A sentence, or several.
    error
        The error of ours that was raised; None where it was another.
    """

    said: str
    error: CatalystError | None = None


def explain_events(events: "Iterable[Any]") -> Failure | None:
    """Return the first failure that the events of a run tell of; None where they tell of none."""
    for event in events:
        is_check = event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION
        check = event.asset_check_evaluation_data if is_check else None
        if check is not None and not check.passed and check.blocking:
            return Failure(f"failed its check {check.check_name}: {check.description}")
        if event.is_step_failure:
            messages = step_messages(event)
            own = next(filter(None, map(_own_error, messages)), None)
            if own is not None:
                return Failure(str(own), own)
            reason = messages[-1].strip().splitlines()[0] if messages else "no error recorded"
            return Failure(f"failed in {event.step_key}: {reason}")
        # A run that was given up has no data: its message says why.
        failure = event.event_specific_data if event.is_job_failure else None
        if failure is not None and failure.error is not None:
            reason = _messages(failure.error)[-1].strip().splitlines()[0]
            return Failure(f"failed before its first step: {reason}")
    return None


def explain_run(instance: "DagsterInstance", run_id: str) -> str:
    """Return why a run of the instance failed, as a sentence or several."""
    records = instance.get_records_for_run(run_id, of_type=_TOLD).records
    events = [record.event_log_entry.dagster_event for record in records]
    failure = explain_events(event for event in events if event is not None)
    if failure is not None:
        return failure.said if failure.error else f"It {failure.said}"
    said = [event.message for event in events if event is not None and event.message]
    return said[-1].strip().splitlines()[0] if said else "It failed before its first step."


def step_messages(failure: Any) -> list[str]:
    """Return what a failed step's error and its causes say, the deepest cause last."""
    return _messages(failure.step_failure_data.error)


def _messages(error: Any) -> list[str]:
    messages = []
    while error is not None:
        messages.append(error.message)
        error = error.cause
    return messages


def _own_error(message: str) -> CatalystError | None:
    """Return the error of ours that a step's failure is, as a person may read it; None for another one."""
    name, _, said = message.strip().partition(": ")
    kind = getattr(errors, name.removeprefix(f"{errors.__name__}."), None)
    if not name.startswith(errors.__name__) or not isinstance(kind, type):
        return None
    own: CatalystError = kind(said)
    return own
