"""Reports that people ask for by the API: each is written by a run of its own, kept in the object store, and told of.

To draw one reads features and loads matplotlib: neither the API nor a sensor does it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from catalyst_assets.constants import REQUEST_TAG, USER_TAG
from catalyst_assets.errors import CatalystError, DatabaseUnavailableError, RunGivenUpError
from catalyst_assets.loop.asked.answering import Answer, record_answer
from catalyst_assets.loop.failures import explain_run
from resources.postgres.database import Database, Role, Row, fetch_all, fetch_one
from resources.runs.attempts import UNFINISHED

if TYPE_CHECKING:
    from dagster import DagsterInstance

    from resources.platform import Platform

_MOST_ATTEMPTS: Final = 3


@dataclass(frozen=True)
class ReportRun:
    """A run that writes a report; the same attempt is launched once."""

    request_id: int
    actor: str
    attempt: int

    @property
    def run_key(self) -> str:
        """Dagster launches each run key once."""
        return f"report:{self.request_id}:{self.attempt}"

    @property
    def tags(self) -> dict[str, str]:
        """Tags of the run."""
        # Not of the campaign's tag: that would have it wait until the campaign's iteration is computed.
        return {REQUEST_TAG: str(self.request_id), USER_TAG: self.actor}


def reports_to_write(database: Database, instance: "DagsterInstance") -> list[ReportRun]:
    """Return the runs that reports wait for; refuse those that failed again and again."""
    import dagster as dg

    wanted = []
    with database.transaction(Role.PIPELINE) as connection:
        waiting = fetch_all(connection, "report/waiting")
    for request in waiting:
        tags = {REQUEST_TAG: str(request["request_id"])}
        runs = [record.dagster_run for record in instance.get_run_records(dg.RunsFilter(tags=tags))]
        if any(run.status in UNFINISHED for run in runs):
            continue
        if len(runs) < _MOST_ATTEMPTS:
            wanted.append(ReportRun(request["request_id"], request["actor"], len(runs) + 1))
            continue
        said = explain_run(instance, runs[0].run_id)
        remedy = "Mend the cause and ask again: the runs of the job `report` say more."
        with database.transaction(Role.PIPELINE) as connection:
            record_answer(connection, request, Answer(said, remedy, is_refusal=True))
    return wanted


def write_requested(platform: "Platform", request_id: int) -> str:
    """Write the report that a request asks for and say where it lies; again, where a killed run had written it.

    Raises
    ------
    CatalystError
        It cannot be written now; another attempt may.
    """
    from catalyst_assets.report.collect import summarize_campaign
    from catalyst_assets.report.pages import render_page

    with platform.database.transaction(Role.PIPELINE) as connection:
        request = fetch_one(connection, "report/one", request_id=request_id)
    if request is None or request["status"] != "waiting":
        return "nobody waits for it any more"
    try:
        page = render_page(summarize_campaign(platform, request["campaign"])).encode()
    except (DatabaseUnavailableError, RunGivenUpError):
        raise
    except CatalystError as error:
        return _answer(platform, request, Answer(error.message, error.remedy, is_refusal=True))
    key = f"reports/{request['campaign']}/{request_id}.html"
    platform.objects.put_bytes(key, page)
    said = f"The report of campaign {request['campaign']} is written."
    details = {"key": key, "size_bytes": len(page)}
    return _answer(platform, request, Answer(said, details=details))


def _answer(platform: "Platform", request: Row, answer: Answer) -> str:
    with platform.database.transaction(Role.PIPELINE) as connection:
        record_answer(connection, request, answer)
    return answer.said
