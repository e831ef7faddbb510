"""What people ask of the work of validators: to see it, to try again what failed, to end what nobody wants.

What is named may be a calculation, by the beginning of its name, or a candidate, by its number.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.campaigns.library import read_stored
from catalyst_assets.campaigns.rejections import RejectionKind
from catalyst_assets.errors import CatalystError, UsageError
from catalyst_assets.validation.answering import asked_properties
from catalyst_assets.validation.jobs import records
from catalyst_assets.validation.jobs.folder import job_folder
from catalyst_assets.validation.jobs.validators import is_wanted
from resources.postgres.database import Role, Row, fetch_all, fetch_one

if TYPE_CHECKING:
    import sqlalchemy as sa

    from resources.platform import Platform
    from resources.postgres.database import Database

_SHORTEST_PREFIX: Final = 6
_LIST: Final = "`catalyst validation list` shows what there is."
_PENDING: Final = ("flagged", "in_validation")


@dataclass(frozen=True)
class Chosen:
    """What a person named: a calculation, a candidate, or both; its candidates newest first."""

    job: records.Job | None
    candidates: tuple[Row, ...]


@dataclass(frozen=True)
class Granted:
    """What became of a wish.

    Attributes
    ----------
    job_id
        The calculation that waits again, or was cancelled; None where none did.
    candidates
        Those that moved.
    """

    job_id: str | None
    candidates: tuple[int, ...]


def list_work(database: "Database", campaign: str | None = None) -> list[dict[str, Any]]:
    """Return what validators have to do, and which calculations failed, as rows of plain values.

    Raises
    ------
    UsageError
        There is no campaign of that name.
    """
    with database.transaction(Role.PIPELINE) as connection:
        if campaign is not None and fetch_one(connection, "campaigns/one", name=campaign) is None:
            raise UsageError(f"There is no campaign {campaign}.", "`catalyst campaign list` lists them.")
        rows = fetch_all(connection, "validation/jobs/work", campaign=campaign)
    asked: dict[str, list[str]] = {}
    for row in rows:
        document = row.pop("document")
        if row["properties"] is None:
            if row["campaign"] not in asked:
                asked[row["campaign"]] = _asked(document)
            row["properties"] = asked[row["campaign"]]
    return rows


def retry(database: "Database", name: str, actor: str) -> Granted:
    """Try again what failed or was cancelled; its candidates are flagged for it where their iteration is open.

    Raises
    ------
    UsageError
        There is nothing of that name, or nothing of it to try again.
    """
    with database.transaction(Role.VALIDATOR) as connection:
        chosen = _choose(connection, name)
        moved = []
        for row in chosen.candidates:
            if row["status"] == "rejected" and row["rejection_kind"] != "poor" and _is_open(row):
                for status, kind in _way_back(row):
                    _move(connection, row, status, actor, "tried again", kind)
                moved.append(row["candidate_id"])
        job = chosen.job
        is_retried = job is not None and records.retry(connection, job.job_id)
        if not moved and not is_retried:
            raise UsageError(_why_not_again(name, chosen), _LIST)
    return Granted(job.job_id if job is not None and is_retried else None, tuple(moved))


def cancel(platform: "Platform", name: str, reason: str, actor: str) -> Granted:
    """Withdraw candidates that wait for an answer, and end the calculation that nobody else waits for.

    Raises
    ------
    UsageError
        There is nothing of that name, it is over, or no reason is given.
    """
    if not reason.strip():
        raise UsageError("No reason is given.", "Say why: it is kept with the candidate.")
    with platform.database.transaction(Role.VALIDATOR) as connection:
        chosen = _choose(connection, name)
        moved = []
        for row in chosen.candidates:
            if row["status"] in _PENDING:
                _move(connection, row, "rejected", actor, reason.strip(), RejectionKind.WITHDRAWN)
                moved.append(row["candidate_id"])
        job = chosen.job
        is_ended = (
            job is not None
            and not is_wanted(connection, job)
            and records.cancel(connection, job.job_id, f"{reason.strip()} ({actor})")
        )
        if not moved and not is_ended:
            raise UsageError(f"{name} is over: there is nothing to cancel.", _LIST)
    if job is not None and is_ended:
        # Whoever follows it sees to its end; where nobody does, its keeper is told here.
        job_folder(platform.settings, job.job_id).ask_to_cancel(reason.strip())
    return Granted(job.job_id if job is not None and is_ended else None, tuple(moved))


def _choose(connection: "sa.Connection", name: str) -> Chosen:
    wanted = name.strip().lower()
    if wanted.isascii() and wanted.isdigit() and len(wanted) < 19:
        nobody = {"material_id": None, "validator": None, "method": None}
        found = fetch_all(connection, "validation/jobs/candidates", candidate_id=int(wanted), **nobody)
        if found:
            (row,) = found
            named = {key: row[key] for key in nobody}
            newest = fetch_one(connection, "validation/jobs/newest", **named)
            job = records.find_jobs(connection, [newest["job_id"]])[newest["job_id"]] if newest else None
            return Chosen(job, (row,))
    if len(wanted) >= _SHORTEST_PREFIX and not set(wanted) - set("0123456789abcdef"):
        names = [row["job_id"] for row in fetch_all(connection, "validation/jobs/named", prefix=wanted)]
        if len(names) > 1:
            raise UsageError(f"Several calculations begin with {wanted}.", "Write more of the name.")
        if names:
            job = records.find_jobs(connection, names)[names[0]]
            named = {"material_id": job.material_id, "validator": job.validator, "method": job.method}
            rows = fetch_all(connection, "validation/jobs/candidates", candidate_id=None, **named)
            return Chosen(job, tuple(rows))
    raise UsageError(f"There is no candidate and no calculation {name!r}.", _LIST)


def _is_open(row: Row) -> bool:
    return row["iteration_status"] not in {"closed", "abandoned"}


def _way_back(row: Row) -> Iterator[tuple[str, RejectionKind | None]]:
    if row["rejection_kind"] == "infeasible":
        yield "rejected", RejectionKind.WITHDRAWN
    yield "ranked", None
    yield "flagged", None


def _move(
    connection: "sa.Connection", row: Row, status: str, actor: str, reason: str, kind: RejectionKind | None
) -> None:
    fetch_one(
        connection,
        "acquisition/move",
        candidate_id=row["candidate_id"],
        to_status=status,
        actor=actor,
        reason=reason,
        kind=kind.value if kind else None,
    )


def _why_not_again(name: str, chosen: Chosen) -> str:
    if chosen.job is not None and not chosen.job.is_over:
        return f"{chosen.job.title[:1].upper()}{chosen.job.title[1:]} is {chosen.job.status}: nothing of it failed."
    for row in chosen.candidates:
        if row["status"] == "rejected" and not _is_open(row):
            return (
                f"Candidate {row['candidate_id']} belongs to iteration {row['partition_key']}, which is "
                f"{row['iteration_status']}: flag its material in the newest iteration that suggests it."
            )
    if chosen.candidates:
        row = chosen.candidates[0]
        return f"Candidate {row['candidate_id']} is {row['status'].replace('_', ' ')}: nothing of it failed."
    return f"{name} is done: nothing of it failed."


def _asked(document: dict[str, Any]) -> list[str]:
    try:
        return asked_properties(read_stored(document))
    except CatalystError:  # of another version
        return []
