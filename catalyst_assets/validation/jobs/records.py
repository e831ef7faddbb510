"""Calculations as the database knows them: asked for, followed, finished, cancelled, asked for again.

One row is one calculation, whoever asks and how often; every write here is a condition and a change in one statement, so
that two who do the same do it once.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from catalyst_assets.errors import UsageError
from catalyst_assets.validation.jobs.answers import Finding
from catalyst_assets.validation.jobs.identity import Calculation
from resources.postgres.database import Role, execute, execute_many, fetch_all, storable

if TYPE_CHECKING:
    import sqlalchemy as sa

    from resources.postgres.database import Database

Status = Literal["waiting", "running", "done", "failed", "cancelled"]


@dataclass(frozen=True)
class Job:
    """One row of ``validation_jobs``.

    Attributes
    ----------
    attempt
        They come in pairs: a second follows a first that died, and who asks again begins the next pair.
    files
        Hashes of what was kept of it.
    """

    job_id: str
    validator: str
    material_id: str
    method: str
    properties: Sequence[str]
    settings: Mapping[str, Any]
    status: Status
    attempt: int
    run_id: str | None
    process: Mapping[str, Any]
    folder: str
    reason: str
    answers: Mapping[str, Mapping[str, Any]]
    note: str
    files: Mapping[str, str]
    submitted_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes of it by itself."""
        return self.status in ("done", "failed", "cancelled")

    @property
    def may_be_tried_again(self) -> bool:
        """Whether this attempt is the first of its pair."""
        return self.attempt % 2 == 1

    @property
    def asked(self) -> int:
        """How often it was asked for after it had failed, 1 for the first time."""
        return (self.attempt + 1) // 2

    @property
    def title(self) -> str:
        """What people read."""
        return f"calculation {self.job_id[:12]} ({self.validator}, {self.method}, {self.material_id})"


def submit_calculations(connection: "sa.Connection", calculations: Sequence[Calculation]) -> None:
    """Ask for calculations; those under way or done stay as they are, those that failed are tried again."""
    execute_many(
        connection,
        "validation/jobs/submit",
        [
            {
                "job_id": one.job_id,
                "validator": one.validator,
                "material_id": one.material_id,
                "method": one.method,
                "properties": sorted(set(one.properties)),
                "settings": json.dumps(dict(one.settings), sort_keys=True),
            }
            for one in calculations
        ],
    )


def find_jobs(connection: "sa.Connection", job_ids: Sequence[str]) -> dict[str, Job]:
    """Return the calculations of these names that there are."""
    rows = fetch_all(connection, "validation/jobs/jobs", job_ids=list(job_ids))
    return {row["job_id"]: Job(**row) for row in rows}


def read_job(database: "Database", job_id: str) -> Job:
    """Return one calculation.

    Raises
    ------
    UsageError
        There is none of that name.
    """
    with database.transaction(Role.VALIDATOR) as connection:
        found = find_jobs(connection, [job_id])
    if job_id not in found:
        raise UsageError(f"There is no calculation {job_id}.", "`catalyst validation list` lists them.")
    return found[job_id]


def begin(database: "Database", job: Job, run_id: str, folder: str) -> None:
    """Record that a run follows a calculation."""
    with database.transaction(Role.VALIDATOR) as connection:
        execute(connection, "validation/jobs/begin", job_id=job.job_id, run_id=run_id, folder=folder)


def note_process(database: "Database", job: Job, process: Mapping[str, Any]) -> None:
    """Record which process runs a calculation."""
    with database.transaction(Role.VALIDATOR) as connection:
        execute(
            connection,
            "validation/jobs/note_process",
            job_id=job.job_id,
            attempt=job.attempt,
            process=json.dumps(dict(process)),
        )


def begin_next_attempt(database: "Database", job: Job, reason: str) -> bool:
    """Begin the second attempt of a pair; False when somebody else did."""
    with database.transaction(Role.VALIDATOR) as connection:
        named = {"job_id": job.job_id, "attempt": job.attempt, "reason": storable(reason)}
        return execute(connection, "validation/jobs/next_attempt", **named) > 0


def finish(database: "Database", job: Job, finding: Finding, files: Mapping[str, str]) -> None:
    """Record what a calculation came to; one that was cancelled meanwhile stays so."""
    with database.transaction(Role.VALIDATOR) as connection:
        execute(
            connection,
            "validation/jobs/finish",
            job_id=job.job_id,
            attempt=job.attempt,
            status="done" if finding.outcome == "measured" else "failed",
            reason=storable(finding.reason),
            note=storable(finding.note),
            answers=json.dumps(storable({name: asdict(one) for name, one in finding.answers.items()})),
            files=json.dumps(dict(files)),
        )


def keep_files(database: "Database", job: Job, files: Mapping[str, str]) -> None:
    """Record where the files of a calculation that was cancelled are kept."""
    with database.transaction(Role.VALIDATOR) as connection:
        execute(
            connection,
            "validation/jobs/keep_files",
            job_id=job.job_id,
            attempt=job.attempt,
            files=json.dumps(dict(files)),
        )


def cancel(connection: "sa.Connection", job_id: str, reason: str) -> bool:
    """Record that nobody wants a calculation any more; whoever follows it ends it. False for one that is over."""
    return (
        execute(connection, "validation/jobs/cancel", job_id=job_id, reason=storable(reason) or "cancelled")
        > 0
    )


def retry(connection: "sa.Connection", job_id: str) -> bool:
    """Ask again for a calculation that failed or was cancelled; False for any other."""
    return execute(connection, "validation/jobs/retry", job_id=job_id) > 0


@contextmanager
def following_alone(database: "Database", job_id: str) -> Iterator[bool]:
    """Tell whether nobody else follows a calculation, and keep others from it as long as the block lasts."""
    import sqlalchemy as sa

    with database.engine(Role.VALIDATOR).connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        # A lock of the session must not go back into the pool with its connection.
        connection.detach()
        (row,) = fetch_all(connection, "validation/jobs/follow", job_id=job_id)
        try:
            yield bool(row["alone"])
        finally:
            if row["alone"]:
                with suppress(sa.exc.DBAPIError):  # a lost connection holds no lock
                    fetch_all(connection, "validation/jobs/leave", job_id=job_id)
