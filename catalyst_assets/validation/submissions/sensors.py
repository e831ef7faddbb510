"""Dagster's wiring of files of results: the job that takes one, and the sensor that watches a folder for them."""

import hashlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import dagster as dg
from pydantic import Field

from catalyst_assets.constants import ATTEMPT_TAG, RESULTS_FILE_TAG, Work, op_tags, pool_of
from catalyst_assets.errors import CatalystError
from resources.platform import Platform
from resources.runs.attempts import find_attempts

if TYPE_CHECKING:
    from catalyst_assets.validation.submissions.outcome import Outcome

SUBMIT_JOB: Final = "submit_results"
_LOOK_SECONDS: Final = 5


class ResultsFileConfig(dg.Config):
    """Which file of results is taken."""

    file: str = Field(description="A path that runs may read; or a name within the folder that is watched.")
    watched: bool = Field(
        False, description="Whether it lies in the folder that is watched, and is put away."
    )
    campaign: str = Field(
        "", description="The campaign that the results are of, for rows that name no candidate."
    )
    method: str = Field("", description="By which method they were obtained, for rows that do not say.")
    unit: str = Field("", description="Unit of values that have none.")
    correction: str = Field("", description="Why values that were submitted before are replaced.")
    dry_run: bool = Field(False, description="Show what would happen, and record nothing.")


@dg.op(tags=op_tags(Work.VALIDATE), pool=pool_of(Work.VALIDATE))
def take_results(
    context: dg.OpExecutionContext, config: ResultsFileConfig, platform: dg.ResourceParam[Platform]
) -> None:
    """Submit one file of results: it is taken whole or refused whole."""
    from catalyst_assets.validation.submissions.folder import ResultsFolder
    from catalyst_assets.validation.submissions.reading.entries import Defaults
    from catalyst_assets.validation.submissions.reading.problems import RefusedFileError
    from catalyst_assets.validation.submissions.reading.structures import in_folder
    from catalyst_assets.validation.submissions.submitting import ResultFile, submit_file
    from resources.confinement import require_allowed_file

    if config.watched:
        if not platform.settings.results_folder:
            raise dg.Failure("No folder is watched: CATALYST_RESULTS_FOLDER is not set.", allow_retries=False)
        told = ResultsFolder(platform.settings.results_folder).take(platform, config.file)
        if isinstance(told, RefusedFileError):
            context.log.warning("%s", told)
        elif told is not None:
            _tell(context, told)
        return
    path = require_allowed_file(Path(config.file), platform.settings, f"file of {SUBMIT_JOB}")
    if not path.is_file():
        raise dg.Failure(f"There is no file {path}.", allow_retries=False)
    file = ResultFile(path.name, path.read_bytes(), in_folder(path.parent))
    said = Defaults(config.campaign, config.method, config.unit, "", config.correction)
    try:
        _tell(context, submit_file(platform, file, by="Dagster", defaults=said, dry_run=config.dry_run))
    except RefusedFileError as error:
        raise dg.Failure(str(error), allow_retries=False) from None


@dg.job(
    name=SUBMIT_JOB,
    description=(
        "Take one file of results, as `catalyst validation submit` does; `results_folder_sensor` requests it for each "
        "file in the folder that is watched."
    ),
)
def submit_results_job() -> None:
    """Take one file of results."""
    take_results()


@dg.sensor(
    job=submit_results_job,
    minimum_interval_seconds=_LOOK_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    required_resource_keys={"platform"},
    description=(
        "Watches the folder of CATALYST_RESULTS_FOLDER: each file that has not changed for ten seconds is submitted, gets "
        "a receipt and goes to `accepted` or `refused`."
    ),
)
def results_folder_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Request a run for each file that is complete; one that failed is tried again after a pause."""
    from catalyst_assets.validation.submissions.folder import ResultsFolder, find_quiet

    platform: Platform = context.resources.platform
    try:
        files = ResultsFolder(platform.settings.results_folder or "").list_waiting()
    except CatalystError as error:
        return dg.SkipReason(str(error))
    quiet, cursor = find_quiet(files, context.cursor, time.time())
    if cursor != context.cursor:
        context.update_cursor(cursor or "")
    requests, waits = [], []
    for file in quiet:
        key = hashlib.sha256(f"{file.name} {file.state}".encode()).hexdigest()
        attempt, why = _next_attempt(context.instance, key)
        if why:
            waits.append(f"{file.name} {why}")
            continue
        requests.append(
            dg.RunRequest(
                run_key=f"{key}:{attempt}",
                run_config={"ops": {"take_results": {"config": {"file": file.name, "watched": True}}}},
                tags={RESULTS_FILE_TAG: key, ATTEMPT_TAG: str(attempt)},
            )
        )
    if requests:
        return dg.SensorResult(run_requests=requests)
    return dg.SkipReason(
        "; ".join(waits) or (f"{len(files)} files are still changing." if files else "No file waits.")
    )


def _next_attempt(instance: dg.DagsterInstance, key: str) -> tuple[int, str]:
    """Return which attempt at a file is due; or why none is."""
    tried = find_attempts(instance, {RESULTS_FILE_TAG: key})
    if tried.is_under_way:
        return 0, "is being taken"
    if tried.is_exhausted:
        return (
            0,
            f"could not be taken in {tried.n_runs} runs: see the last one, then change or rename the file",
        )
    if tried.is_pausing:
        return 0, "waits to be tried again"
    return tried.n_runs + 1, ""


def _tell(context: dg.OpExecutionContext, outcome: "Outcome") -> None:
    from catalyst_assets.asset_metadata.shown import shown

    for line in outcome.lines():
        context.log.info("%s", line)
    counts = {
        name: getattr(outcome, name) for name in ("added", "corrected", "unchanged", "failed", "unfilled")
    }
    context.add_output_metadata(shown({"file": outcome.file, **counts}))
