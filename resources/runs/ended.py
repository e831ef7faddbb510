"""Whether a run was ended from outside, or asked to end, such as by a person who canceled it."""

import logging
from collections.abc import Callable
from typing import Final

import dagster as dg

from resources.runs.heartbeat import Standing
from resources.runs.process import ASKED_TAG

_log = logging.getLogger(__name__)
_GIVEN_UP: Final = (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)


def standing_of(instance: dg.DagsterInstance, run_id: str) -> Callable[[], Standing]:
    """Return what tells how a run stands, as far as its Dagster says.

    It was asked to end if that was said on another host than its process is on, which cannot send that a signal.
    """

    def look() -> Standing:
        try:
            run = instance.get_run_by_id(run_id)
        except Exception as error:  # of whatever store Dagster has; the next beat asks again
            _log.warning("Dagster does not say how run %s stands: %s", run_id, error)
            return Standing.GOING
        if run is None:
            return Standing.GOING
        if run.status in _GIVEN_UP:
            return Standing.ENDED
        is_asked = run.status is dg.DagsterRunStatus.CANCELING and ASKED_TAG in run.tags
        return Standing.ASKED_TO_END if is_asked else Standing.GOING

    return look
