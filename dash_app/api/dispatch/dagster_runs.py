"""Runs as Dagster's GraphQL answers them: what is asked, and what of it the API shows.

https://docs.dagster.io/api/graphql
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from cachetools import LRUCache

from catalyst_assets.constants import CAMPAIGN_TAG, PARTITION_TAG, USER_TAG
from catalyst_assets.errors import DagsterUnavailableError, LoopError
from dash_app.api.problems import NotFoundError
from dash_app.dispatch_contract import Run, RunStatus, Steps
from resources.web.asking_dagster import DagsterServer

_SHOWN: Final = """
fragment Shown on Run { runId jobName status creationTime startTime endTime tags { key value } }
"""
_LIST: Final = f"""
query Runs($filter: RunsFilter!, $cursor: String, $limit: Int!) {{
  runsOrError(filter: $filter, cursor: $cursor, limit: $limit) {{
    __typename
    ... on Runs {{ results {{ ...Shown }} }}
    ... on Error {{ message }}
  }}
}}
{_SHOWN}"""
_ONE: Final = f"""
query Run($runId: ID!) {{
  runOrError(runId: $runId) {{ __typename ... on Run {{ ...Shown }} ... on Error {{ message }} }}
}}
{_SHOWN}"""
_LAUNCH: Final = f"""
mutation Launch($executionParams: ExecutionParams!) {{
  launchRun(executionParams: $executionParams) {{
    __typename
    ... on LaunchRunSuccess {{ run {{ ...Shown }} }}
    ... on RunConfigValidationInvalid {{ errors {{ message }} }}
    ... on Error {{ message }}
  }}
}}
{_SHOWN}"""
_STOP: Final = """
mutation Stop($runId: String!) {
  terminateRun(runId: $runId) { __typename ... on TerminateRunFailure { message } ... on Error { message } }
}
"""
_EVENTS: Final = """
  r{place}: runOrError(runId: "{run_id}") {{
    ... on Run {{ eventConnection {{ events {{
      __typename
      ... on ErrorEvent {{ error {{ message cause {{ message cause {{ message cause {{ message }} }} }} }} }}
      ... on MessageEvent {{ message stepKey }}
    }} }} }}
  }}
"""
_STEPS: Final = """
  r{place}: runOrError(runId: "{run_id}") {{
    ... on Run {{ executionPlan {{ steps {{ key }} }} stepStats {{ stepKey status }} }}
  }}
"""
_MOST_ASKED_AT_ONCE: Final = 10
_OWN_ERROR: Final = re.compile(r"catalyst_assets\.errors\.\w+: ")
LOCATION: Final = {"repositoryLocationName": "catalyst_assets", "repositoryName": "__repository__"}
_DONE: Final = ("SUCCESS", "SKIPPED")
_LAUNCHERS: Final = {"dagster/schedule_name": "schedule", "dagster/sensor_name": "sensor"}
# Of these Dagster knows which steps there are, and which are done.
_AT_WORK: Final = ("STARTED", "CANCELING")
_UNFINISHED: Final = [status.upper() for status in RunStatus if not status.has_ended]


class Runs:
    """The runs of an installation.

    Parameters
    ----------
    server
        Where they are asked for.
    """

    def __init__(self, server: DagsterServer) -> None:
        self._server = server
        # Why a run failed does not change; to look it up takes its whole log.
        self._explained: LRUCache[str, str] = LRUCache(2000)

    def find(self, run_id: str, pages: str) -> Run:
        """Return a run.

        Raises
        ------
        NotFoundError
            There is none.
        DagsterUnavailableError
            Dagster does not answer.
        """
        found = _data(self._server.ask(_ONE, runId=run_id)["runOrError"], "Run")
        return self._shown([found], pages)[0]

    def search(self, wanted: Mapping[str, Any], cursor: str | None, limit: int, pages: str) -> list[Run]:
        """Return runs, the newest first.

        Parameters
        ----------
        wanted
            Filters as Dagster's ``RunsFilter`` has them.
        cursor
            Only those before this run.
        pages
            Where Dagster's pages are.

        Raises
        ------
        DagsterUnavailableError
            Dagster does not answer.
        """
        answer = self._server.ask(_LIST, filter=dict(wanted), cursor=cursor, limit=limit)
        return self._shown(_data(answer["runsOrError"], "Runs")["results"], pages)

    def going_on(self, job: str, partition: str | None, pages: str) -> Run | None:
        """Return a run of a job, of an iteration where it has one, that has not ended; None where there is none."""
        wanted: dict[str, Any] = {"pipelineName": job, "statuses": _UNFINISHED}
        if partition is not None:
            wanted["tags"] = [{"key": PARTITION_TAG, "value": partition}]
        return next(iter(self.search(wanted, None, 1, pages)), None)

    def launch(self, job: str, config: Mapping[str, Any], tags: Mapping[str, str], pages: str) -> Run:
        """Launch a job.

        Raises
        ------
        LoopError
            Dagster does not take its configuration.
        DagsterUnavailableError
            Dagster does not answer, or does not know the job.
        """
        params = {
            "selector": {"jobName": job, **LOCATION},
            "runConfigData": dict(config),
            "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in tags.items()]},
        }
        answer = self._server.ask(_LAUNCH, executionParams=params)["launchRun"]
        if answer["__typename"] == "RunConfigValidationInvalid":
            said = "; ".join(error["message"] for error in answer["errors"])
            raise LoopError(f"Dagster does not take the configuration of {job}: {said}", "Correct it.")
        return self._shown([_data(answer, "LaunchRunSuccess")["run"]], pages)[0]

    def stop(self, run_id: str, pages: str) -> Run:
        """Have a run ended; one that was ended already stays so.

        Raises
        ------
        NotFoundError
            There is none.
        LoopError
            It has ended otherwise, or its process is just being started.
        DagsterUnavailableError
            Dagster does not answer.
        """
        run = self.find(run_id, pages)
        if run.status in (RunStatus.CANCELED, RunStatus.CANCELING):
            return run
        answer = self._server.ask(_STOP, runId=run_id)["terminateRun"]
        if answer["__typename"] == "TerminateRunFailure":
            run = self.find(run_id, pages)
            if run.status in (RunStatus.SUCCESS, RunStatus.FAILURE):
                raise LoopError(
                    f"Run {run_id} has ended already: {run.status}.", "There is nothing to stop any more."
                )
            raise LoopError(
                f"Run {run_id} is {run.status}, and cannot be stopped at this moment: {answer['message']}",
                "Send it again in a moment; a run whose process is gone is ended within half a minute.",
            )
        _data(answer, "TerminateRunSuccess")
        return self.find(run_id, pages)

    def _shown(self, found: Sequence[Mapping[str, Any]], pages: str) -> list[Run]:
        failed = [run["runId"] for run in found if run["status"] == "FAILURE"]
        self._explain([run_id for run_id in failed if run_id not in self._explained])
        steps = self._count_steps([run["runId"] for run in found if run["status"] in _AT_WORK])
        return [
            _shown(run, self._explained.get(run["runId"], ""), steps.get(run["runId"]), pages)
            for run in found
        ]

    def _count_steps(self, run_ids: Sequence[str]) -> dict[str, Steps]:
        some = run_ids[:_MOST_ASKED_AT_ONCE]
        if not some:
            return {}
        parts = [_STEPS.format(place=place, run_id=run_id) for place, run_id in enumerate(some)]
        answer = self._server.ask(f"query Steps {{ {''.join(parts)} }}")
        return {run_id: _steps(answer[f"r{place}"]) for place, run_id in enumerate(some)}

    def _explain(self, run_ids: Sequence[str]) -> None:
        for start in range(0, len(run_ids), _MOST_ASKED_AT_ONCE):
            some = run_ids[start : start + _MOST_ASKED_AT_ONCE]
            parts = [_EVENTS.format(place=place, run_id=run_id) for place, run_id in enumerate(some)]
            answer = self._server.ask(f"query Events {{ {''.join(parts)} }}")
            for place, run_id in enumerate(some):
                events = answer[f"r{place}"].get("eventConnection", {}).get("events", [])
                self._explained[run_id] = _why_failed(events)


def _data(answer: dict[str, Any], wanted: str) -> dict[str, Any]:
    """Return an answer of the kind that is wanted; its others are errors."""
    kind = answer["__typename"]
    if kind == wanted:
        return answer
    if kind == "RunNotFoundError":
        raise NotFoundError("There is no such run.", "`GET /runs` lists them.")
    raise DagsterUnavailableError(
        f"Dagster cannot do this: {answer.get('message') or kind}",
        "Look at its pages: the code location may not be loaded.",
    )


def _shown(run: Mapping[str, Any], failure: str, steps: Steps | None, pages: str) -> Run:
    tags = {tag["key"]: tag["value"] for tag in run["tags"]}
    partition = tags.get(PARTITION_TAG)
    return Run(
        run_id=run["runId"],
        job=run["jobName"],
        partition=partition,
        campaign=tags.get(CAMPAIGN_TAG) or (partition and partition.rpartition("__")[0]) or None,
        status=RunStatus(run["status"].lower()),
        created_at=datetime.fromtimestamp(run["creationTime"], UTC),
        started_at=_moment(run["startTime"]),
        ended_at=_moment(run["endTime"]),
        launched_by=_launcher(tags),
        failure=failure,
        steps=steps,
        address=f"{pages}/runs/{run['runId']}",
    )


def _steps(run: Mapping[str, Any]) -> Steps:
    """Count a run's steps; those that a step makes while it runs are known once it did."""
    standing = {each["stepKey"]: each["status"] for each in run.get("stepStats") or ()}
    planned = {each["key"] for each in (run.get("executionPlan") or {}).get("steps", ())}
    made = {key.partition("[")[0] for key in standing if "[" in key}
    known = {key for key in planned if "[" not in key or key.partition("[")[0] not in made} | set(standing)
    return Steps(
        done=sum(status in _DONE for status in standing.values()),
        total=len(known),
        under_way=sorted(key for key, status in standing.items() if status == "IN_PROGRESS"),
    )


def _launcher(tags: Mapping[str, str]) -> str:
    if USER_TAG in tags:
        return tags[USER_TAG]
    return next((f"{kind} {tags[tag]}" for tag, kind in _LAUNCHERS.items() if tag in tags), "")


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _why_failed(events: Iterable[Mapping[str, Any]]) -> str:
    """Return why a run failed: an error of ours as it reads, else the first line of the deepest cause."""
    said = ""
    for event in events:
        messages = _messages(event.get("error"))
        own = next((text for text in messages if _OWN_ERROR.match(text)), None)
        if own is not None:
            return _OWN_ERROR.sub("", own, count=1)
        if messages and event["__typename"] == "ExecutionStepFailureEvent":
            return f"{event.get('stepKey')}: {messages[-1].splitlines()[0]}"
        if event["__typename"] == "RunFailureEvent":
            said = (messages[-1:] or [event.get("message") or ""])[0].strip()
    return said.splitlines()[0] if said else ""


def _messages(error: Mapping[str, Any] | None) -> list[str]:
    messages = []
    while error is not None:
        messages.append(error["message"].strip())
        error = error.get("cause")
    return [text for text in messages if text]
