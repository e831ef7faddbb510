"""The validators that answer by calculations: what they are asked becomes rows of ``validation_jobs``."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from catalyst_assets.constants import NO_STRUCTURE
from catalyst_assets.errors import LoopError
from catalyst_assets.validation.jobs import records
from catalyst_assets.validation.jobs.identity import Calculation
from catalyst_assets.validation.validators import Answer, Collected, Progress, WorkRequest
from resources.postgres.database import fetch_all, fetch_one

if TYPE_CHECKING:
    import sqlalchemy as sa


class JobValidator:
    """Answers by calculations, each a process of its own that a run of the job `calculation` follows.

    Parameters
    ----------
    settings_of
        All that the answers of a method depend on, by its name.
    """

    def __init__(
        self, name: str, settings_of: Callable[[str], Mapping[str, Any]] = lambda method: {}
    ) -> None:
        self._name = name
        self._settings_of = settings_of

    @property
    def name(self) -> str:
        """What the results record as their validator."""
        return self._name

    def submit(self, connection: "sa.Connection", requests: Sequence[WorkRequest]) -> None:
        """Ask for the calculations; those under way or done stay as they are, those that failed are tried again.

        Of what has no structure none is asked for: it is refused.
        """
        calculations = self._calculations(connection, requests)
        records.submit_calculations(connection, [one for one in calculations.values() if one is not None])

    def poll(self, connection: "sa.Connection", requests: Sequence[WorkRequest]) -> Mapping[str, Progress]:
        """Tell how the calculation of each material stands; one that was never asked for is left out."""
        calculations = self._calculations(connection, requests)
        names = {material: one.job_id for material, one in calculations.items() if one is not None}
        jobs = records.find_jobs(connection, list(names.values()))
        refused = {material: Progress.FAILED for material, one in calculations.items() if one is None}
        return refused | {
            material: Progress(jobs[job_id].status) for material, job_id in names.items() if job_id in jobs
        }

    def collect(self, connection: "sa.Connection", request: WorkRequest) -> Collected:
        """Return what a calculation that is over came to; why there is none of what has no structure."""
        (calculation,) = self._calculations(connection, [request]).values()
        if calculation is None:
            return Collected(reason=NO_STRUCTURE)
        job = records.find_jobs(connection, [calculation.job_id]).get(calculation.job_id)
        if job is None or not job.is_over:
            return Collected()
        if job.status != "done":
            return Collected(reason=job.reason, attempt=job.asked)
        answers = tuple(
            Answer(
                request.material_id,
                name,
                request.method,
                value["value"],
                value["unit"],
                value["note"] or job.note,
                value["standard_deviation"],
            )
            for name, value in job.answers.items()
        )
        return Collected(answers, job.reason or "the program gave no value", job.asked)

    def cancel(self, connection: "sa.Connection", request: WorkRequest, reason: str) -> None:
        """End the calculation, unless another candidate still waits for it."""
        (calculation,) = self._calculations(connection, [request]).values()
        if calculation is None:
            return
        job = records.find_jobs(connection, [calculation.job_id]).get(calculation.job_id)
        if job is not None and not is_wanted(connection, job):
            records.cancel(connection, job.job_id, reason)

    def _calculations(
        self, connection: "sa.Connection", requests: Sequence[WorkRequest]
    ) -> dict[str, Calculation | None]:
        """Return the calculation of each request by its material; None of one without a structure.

        Raises
        ------
        LoopError
            A material is gone.
        """
        asked = [request.material_id for request in requests]
        rows = fetch_all(connection, "validation/jobs/structures", material_ids=asked)
        hashes = {row["material_id"]: row["structure_hash"] for row in rows}
        bare = {row["material_id"] for row in rows if row["structure_json"] is None}
        gone = [material for material in asked if material not in hashes]
        if gone:
            raise LoopError(f"There is no material {gone[0]} to compute.", "Load its source again.")
        return {
            request.material_id: None
            if request.material_id in bare
            else Calculation(
                self._name,
                request.material_id,
                hashes[request.material_id],
                request.method,
                request.properties,
                self._settings_of(request.method),
            )
            for request in requests
        }


def is_wanted(connection: "sa.Connection", job: records.Job) -> bool:
    """Tell whether a candidate still waits for a calculation."""
    named = {"material_id": job.material_id, "validator": job.validator, "method": job.method}
    row = fetch_one(connection, "validation/jobs/wanted", **named)
    return row is not None and row["n"] > 0
