"""Whether a run was ended from outside, such as by a person who marked it as canceled."""

import logging
from typing import Final

import dagster as dg

_log = logging.getLogger(__name__)
_GIVEN_UP: Final = (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)


def was_ended(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Tell whether a run has failed or was canceled, as far as its Dagster says."""
    try:
        run = instance.get_run_by_id(run_id)
    except Exception as error:  # of whatever store Dagster has; the next beat asks again
        _log.warning("Dagster does not say how run %s stands: %s", run_id, error)
        return False
    return run is not None and run.status in _GIVEN_UP
