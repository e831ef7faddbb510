"""Following one calculation to its end: starting its process or attaching to it, and recording what it came to.

It can be killed at any moment. What runs goes on; whoever follows next finds it by its folder, and starts nothing twice.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from catalyst_assets.errors import CatalystError, DatabaseUnavailableError
from catalyst_assets.validation.adsorption.keeping import keep_states
from catalyst_assets.validation.jobs import records
from catalyst_assets.validation.jobs.answers import Finding
from catalyst_assets.validation.jobs.archive import keep
from catalyst_assets.validation.jobs.conclusions import conclude
from catalyst_assets.validation.jobs.folder import JobFolder, State, job_folder
from catalyst_assets.validation.jobs.inputs import write_inputs
from catalyst_assets.validation.jobs.programs import ADSORPTION, find_validator_program, why_unavailable

if TYPE_CHECKING:
    from catalyst_assets.validation.jobs.records import Job
    from resources.platform import Platform

_log = logging.getLogger(__name__)
_TICK_SECONDS: Final = 0.25
# The database is asked so often whether the calculation is still wanted, and may be away for so long.
_LOOK_SECONDS: Final = 2.0
_PATIENCE_SECONDS: Final = 900.0
_ENDING_SECONDS: Final = 60.0


@dataclass
class Follower:
    """Follows one calculation.

    Parameters
    ----------
    run_id
        Who follows, as the database records it.
    environment
        Further variables of the keeper, by which it reaches Dagster through Pipes.
    tell
        Told in a sentence of each thing that happens.
    """

    platform: "Platform"
    job_id: str
    run_id: str
    environment: Mapping[str, str] = field(default_factory=dict)
    tell: Callable[[str], None] = _log.info

    def follow(self) -> "Job | None":
        """Return the calculation when it is over; None when somebody else follows it."""
        with records.following_alone(self.platform.database, self.job_id) as alone:
            if not alone:
                self.tell("Another run follows this calculation already; nothing to do here.")
                return None
            return self._follow()

    def stop(self, reason: str) -> None:
        """Cancel the calculation: nobody wants it any more."""
        from resources.postgres.database import Role

        with self.platform.database.transaction(Role.VALIDATOR) as connection:
            records.cancel(connection, self.job_id, reason)
        job = records.read_job(self.platform.database, self.job_id)
        self._end(job, job_folder(self.platform.settings, job.job_id))

    def _follow(self) -> "Job":
        job = self._read()
        folder = job_folder(self.platform.settings, job.job_id)
        if not job.is_over:
            records.begin(self.platform.database, job, self.run_id, str(folder.path))
        seen: State | None = None
        while True:
            job = self._read()
            if job.is_over:
                if job.status == "cancelled":
                    self._end(job, folder)
                return job
            state = folder.state(job.attempt)
            if state is State.NOT_STARTED:
                self._start(job, folder)
            elif state is State.RUNNING:
                if seen is None:
                    self.tell(
                        f"{job.title[:1].upper()}{job.title[1:]} runs already: attached to its process."
                    )
                self._watch(job, folder)
            else:
                self._conclude(job, folder, state)
            seen = state

    def _read(self) -> "Job":
        """Read the calculation, with patience for a database that is away for a while."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                return records.read_job(self.platform.database, self.job_id)
            except DatabaseUnavailableError as error:
                if time.monotonic() > deadline:
                    raise
                _log.warning("Calculation %s goes on without the database: %s", self.job_id[:12], error)
                time.sleep(_LOOK_SECONDS)

    def _start(self, job: "Job", folder: JobFolder) -> None:
        try:
            if problem := why_unavailable(job.validator, self.platform.settings, job.method):
                self._finish(job, folder, Finding("failed", reason=problem))
                return
            program = find_validator_program(job.validator, self.platform.settings)
            references = self.platform.settings.home / "validation" / "references"
            folder.prepare(write_inputs(self.platform.database, job, references))
        except DatabaseUnavailableError:
            raise
        except CatalystError as error:
            self._finish(job, folder, Finding("failed", reason=str(error)))
            return
        from resources.services import foreign_environment

        command = program.command(folder.path)
        environment = {**foreign_environment(), **program.environment, **self.environment}
        if folder.start(command, program.limits, job.attempt, environment):
            self.tell(f"Started {job.title}: {' '.join(command)} in {folder.path}.")

    def _watch(self, job: "Job", folder: JobFolder) -> None:
        """Wait a little, or until it is over."""
        deadline = time.monotonic() + _LOOK_SECONDS
        process = folder.process()
        if process.get("attempt") == job.attempt and dict(job.process) != process:
            records.note_process(self.platform.database, job, process)
        while time.monotonic() < deadline and folder.state(job.attempt) is State.RUNNING:
            time.sleep(_TICK_SECONDS)

    def _conclude(self, job: "Job", folder: JobFolder, state: State) -> None:
        self._await_keeper(folder)
        if state is State.DIED:
            folder.end_leftovers()
        finding = conclude(folder, job, state)
        if finding.outcome == "failed" and finding.try_again and job.may_be_tried_again:
            if records.begin_next_attempt(self.platform.database, job, finding.reason):
                self.tell(f"The first attempt failed: {finding.reason}. One more follows.")
            return
        if job.validator == ADSORPTION:
            keep_states(self.platform, folder.path)
        self._finish(job, folder, finding)

    def _finish(self, job: "Job", folder: JobFolder, finding: Finding) -> None:
        records.finish(self.platform.database, job, finding, keep(self.platform.objects, folder))
        said = "is done" if finding.outcome == "measured" else f"failed: {finding.reason}"
        self.tell(f"{job.title[:1].upper()}{job.title[1:]} {said}.")

    def _end(self, job: "Job", folder: JobFolder) -> None:
        """End the process of a calculation that was cancelled, and keep what it left."""
        if folder.is_held():
            folder.ask_to_cancel(job.reason)
            self._await_keeper(folder)
            self.tell(f"Ended {job.title}: {job.reason}.")
        folder.end_leftovers()
        records.keep_files(self.platform.database, job, keep(self.platform.objects, folder))

    def _await_keeper(self, folder: JobFolder) -> None:
        """Wait until the keeper has closed its files."""
        deadline = time.monotonic() + _ENDING_SECONDS
        while folder.is_held() and time.monotonic() < deadline:
            time.sleep(_TICK_SECONDS / 5)
        folder.forget_keeper()
