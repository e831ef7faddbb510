"""Sensors of ingestion: the one that has uploads taken that wait. Wiring only."""

import hashlib
from typing import TYPE_CHECKING, Final

import dagster as dg

from catalyst_assets.constants import ATTEMPT_TAG, UPLOADS_TAG
from catalyst_assets.ingestion.uploads.spec import SPEC
from resources.runs.attempts import UNFINISHED, find_attempts

if TYPE_CHECKING:
    from resources.platform import Platform

_LOOK_SECONDS: Final = 5


@dg.sensor(
    job_name=SPEC.job,
    minimum_interval_seconds=_LOOK_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    required_resource_keys={"platform"},
    description=(
        "Has the candidates taken that people sent to the API: a run of `ingest_uploads` for all that wait, one at a time. It "
        "reads the database, so that a second look requests nothing twice."
    ),
)
def uploads_sensor(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Request a run for the uploads that wait; one that failed is tried again after a pause."""
    from catalyst_assets.ingestion.uploads.keeping import find_waiting

    platform: Platform = context.resources.platform
    with platform.database.transaction() as connection:
        waiting = find_waiting(connection)
    if not waiting:
        return dg.SkipReason("No upload waits.")
    key = hashlib.sha256(str(waiting).encode()).hexdigest()
    attempt, why = _next_attempt(context.instance, key)
    if why:
        return dg.SkipReason(f"{len(waiting)} uploads wait: {why}.")
    return dg.RunRequest(
        run_key=f"{key}:{attempt}",
        run_config={"ops": {SPEC.asset: {"config": {"uploads": waiting}}}},
        tags={UPLOADS_TAG: key, ATTEMPT_TAG: str(attempt)},
    )


def _next_attempt(instance: dg.DagsterInstance, key: str) -> tuple[int, str]:
    """Return which attempt at these uploads is due; or why none is."""
    under_way = dg.RunsFilter(job_name=SPEC.job, statuses=UNFINISHED)
    if instance.get_runs_count(under_way):
        return 0, f"a run of {SPEC.job} is under way"
    tried = find_attempts(instance, {UPLOADS_TAG: key})
    if tried.is_exhausted:
        return 0, f"they could not be taken in {tried.n_runs} runs; `catalyst ingest uploads` says why"
    if tried.is_pausing:
        return 0, "they wait to be tried again"
    return tried.n_runs + 1, ""
