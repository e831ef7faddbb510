"""When sources were asked last and are asked next, as Dagster's schedules and runs say it.

https://docs.dagster.io/api/graphql
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from catalyst_assets.errors import DagsterUnavailableError
from dash_app.api.dispatch.dagster_runs import LOCATION
from resources.web.asking_dagster import DagsterServer

_QUERY: Final = """
query Refreshes($location: RepositorySelector!) {{
  schedulesOrError(repositorySelector: $location) {{
    __typename
    ... on Schedules {{ results {{ pipelineName scheduleState {{ status }} futureTicks(limit: 1) {{ results {{ timestamp }} }} }} }}
    ... on Error {{ message }}
  }}
  {runs}
}}"""
_LAST: Final = """
  r{place}: runsOrError(filter: {{pipelineName: "{job}", statuses: [SUCCESS]}}, limit: 1) {{
    ... on Runs {{ results {{ endTime }} }}
  }}"""


@dataclass(frozen=True)
class Refreshes:
    """When jobs were done last and begin next, by name; without Dagster nothing is known."""

    is_known: bool
    last: Mapping[str, datetime] = field(default_factory=dict)
    next: Mapping[str, datetime] = field(default_factory=dict)


def read_refreshes(server: DagsterServer, jobs: Sequence[str]) -> Refreshes:
    """Return when some jobs were done last, and when schedules that are running begin them next."""
    runs = "".join(_LAST.format(place=place, job=job) for place, job in enumerate(jobs))
    try:
        answer = server.ask(_QUERY.format(runs=runs), location=LOCATION)
    except DagsterUnavailableError:
        return Refreshes(is_known=False)
    schedules = answer["schedulesOrError"].get("results", [])
    ended = {job: answer[f"r{place}"].get("results", []) for place, job in enumerate(jobs)}
    return Refreshes(
        is_known=answer["schedulesOrError"]["__typename"] == "Schedules",
        last={
            job: _moment(found[0]["endTime"]) for job, found in ended.items() if found and found[0]["endTime"]
        },
        next={each["pipelineName"]: tick for each in schedules if (tick := _next_tick(each)) is not None},
    )


def _next_tick(schedule: Mapping[str, Any]) -> datetime | None:
    ticks = schedule["futureTicks"]["results"]
    is_running = schedule["scheduleState"]["status"] == "RUNNING"
    return _moment(ticks[0]["timestamp"]) if is_running and ticks else None


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
