"""What a sensor asks for again after it failed: after growing pauses, and not for ever."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import dagster as dg

MOST_ATTEMPTS: Final = 5
_FIRST_PAUSE_SECONDS: Final = 60.0
UNFINISHED: Final = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.MANAGED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@dataclass(frozen=True)
class Attempts:
    """The runs that have tried something.

    Attributes
    ----------
    n_runs
        How many there were, counted up to `MOST_ATTEMPTS`.
    is_under_way
        Whether one has not ended.
    is_pausing
        Whether the next one has to wait: a minute after the first, twice as long after each further one.
    """

    n_runs: int
    is_under_way: bool
    is_pausing: bool

    @property
    def is_exhausted(self) -> bool:
        """Whether no further run is asked for."""
        return self.n_runs >= MOST_ATTEMPTS


def find_attempts(instance: dg.DagsterInstance, tags: Mapping[str, str]) -> Attempts:
    """Return how often runs with these tags have tried what they are for."""
    records = instance.get_run_records(dg.RunsFilter(tags=dict(tags)), limit=MOST_ATTEMPTS)
    ended = max((record.end_time or 0.0 for record in records), default=0.0)
    pause = _FIRST_PAUSE_SECONDS * 2 ** (len(records) - 1) if records else 0.0
    return Attempts(
        n_runs=len(records),
        is_under_way=any(not record.dagster_run.is_finished for record in records),
        is_pausing=time.time() < ended + pause,
    )
