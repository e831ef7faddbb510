"""Driving a campaign's loop in this process, for `catalyst demo`: the sensor's decisions, executed at once.

Every run is a run of the persistent Dagster instance, so the UI shows it like one the daemon launched.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import contextmanager, nullcontext
from functools import cached_property
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster._core.utils import make_new_run_id

from catalyst_assets.build import build_defs
from catalyst_assets.errors import CatalystError, LoopError
from catalyst_assets.loop.advance import Advance, RequestedRun, advance_campaign
from catalyst_assets.loop.calculations import calculations_to_follow
from catalyst_assets.loop.failures import explain_events, step_messages
from catalyst_assets.loop.own_runs import execute_own_run
from catalyst_assets.loop.sensors import label_observation
from catalyst_assets.loop.state import FEATURES_JOB, ITERATION_JOB, Wait
from catalyst_assets.partitions import AL_ITERATION
from resources.postgres.database import fetch_one
from resources.runs.process import process_tags

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dagster import DagsterInstance, EventLogEntry

    from resources.platform import Platform

_QUIET: Mapping[str, Any] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
_POLL_SECONDS = 1.0


class LoopDriver:
    """Executes what the loop asks for, one run after another.

    Parameters
    ----------
    platform
        Open connections of this process.
    instance
        The persistent Dagster instance; runs stay visible in its UI.
    on_step
        Called with the name of each step as it starts (in-process executor only).
    """

    def __init__(
        self, platform: "Platform", instance: "DagsterInstance", on_step: Callable[[str], None] | None = None
    ) -> None:
        self.platform = platform
        self.instance = instance
        self._on_step = on_step or (lambda step: None)

    @cached_property
    def _definitions(self) -> dg.Definitions:
        return build_defs(platform=self.platform)

    def execute(
        self,
        job_name: str,
        partition_key: str | None = None,
        tags: Mapping[str, str] | None = None,
        ops: Mapping[str, Any] | None = None,
        title: str | None = None,
    ) -> str:
        """Execute one job under the configured executor and return its run id.

        Parameters
        ----------
        ops
            Configuration of its assets: what stands under ``ops`` in a run's configuration.
        title
            What is told instead of the names of its steps.

        Raises
        ------
        LoopError
            A step or a blocking check failed; an error of ours in a step is raised as it is.
        KeyboardInterrupt
            Ctrl-C or SIGTERM came while a step was running.
        """
        tags = {**(tags or {}), **process_tags()}
        run_config = {**_QUIET, "ops": dict(ops or {})}
        in_process = self.platform.settings.executor == "in_process"
        run_id = make_new_run_id()
        with self._listening(run_id, title) if in_process else nullcontext():
            result = execute_own_run(
                self.instance,
                self._definitions.resolve_job_def(job_name),
                run_id,
                run_config=run_config,
                tags=tags,
                partition_key=partition_key,
                elsewhere=None
                if in_process
                else dg.build_reconstructable_job(__name__, "reconstruct_job", (job_name,)),
            )
        if _was_interrupted(result):
            raise KeyboardInterrupt
        if not result.success:
            raise _failure(job_name, partition_key, result)
        return result.run_id

    def drive(self, campaign: str, on_advance: Callable[[Advance], None] = lambda advance: None) -> None:
        """Drive the loop of a campaign until it is finished; go on where an earlier process stopped.

        Features and calculations that are waited for are computed here, unless another run is on its way to them.

        Raises
        ------
        LoopError
            A run failed, or the campaign waits for a person.
        """
        tried: set[str] = set()
        while (
            advance := advance_campaign(self.platform, self.instance, campaign, forgive_failures=True)
        ) is not None:
            on_advance(advance)
            if advance.request is not None:
                self._fulfil(advance.request)
            elif isinstance(advance.decision, Wait):
                wait = advance.decision
                if self._has_ended(campaign):
                    return
                if wait.on == "features" and not wait.is_under_way and wait.subject not in tried:
                    tried.add(wait.subject)
                    self.execute(FEATURES_JOB)
                    continue
                if wait.on == "answers" and self._calculate():
                    continue
                if not wait.is_under_way:
                    raise LoopError(
                        f"Campaign {campaign} waits: {wait.reason}.",
                        "Run `catalyst up`, act in the review app or the Dagster UI, then run this again.",
                    )
                time.sleep(_POLL_SECONDS)

    def _has_ended(self, campaign: str) -> bool:
        with self.platform.database.transaction() as connection:
            stored = fetch_one(connection, "campaigns/one", name=campaign)
        return stored is None or stored["status"] != "active"

    def _calculate(self) -> bool:
        """Follow a calculation that nobody follows; tell whether there was one."""
        for request in calculations_to_follow(self.platform, self.instance):
            title = f"computing {request.formula}"
            self.execute(request.job, tags=request.tags, ops=request.ops, title=title)
            return True
        return False

    def _fulfil(self, request: RequestedRun) -> None:
        if request.partition_key is not None:
            self.instance.add_dynamic_partitions(AL_ITERATION.name or "", [request.partition_key])
        if request.job == ITERATION_JOB:
            self.instance.report_runless_asset_event(label_observation(self.platform.database, request))
        self.execute(request.job, request.partition_key, request.tags)

    @contextmanager
    def _listening(self, run_id: str, title: str | None) -> "Iterator[None]":
        def hear(entry: "EventLogEntry") -> None:
            event = entry.dagster_event
            if event is not None and event.is_step_start and event.step_key:
                self._on_step(title or event.step_key.split(".")[0].split("[")[0])

        self.instance.add_event_listener(run_id, hear)
        yield


def reconstruct_job(job_name: str) -> dg.JobDefinition:
    """Return a job of the code location; step processes of the multiprocess executor call it."""
    return build_defs().resolve_job_def(job_name)


def _failure(job_name: str, partition_key: str | None, result: Any) -> CatalystError:
    where = f"{job_name} of {partition_key}" if partition_key else job_name
    remedy = (
        "Mend the cause and run the command again: it goes on from here. `catalyst up` shows the run's log."
    )
    failure = explain_events(result.all_events)
    if failure is not None:
        return failure.error or LoopError(f"{where} {failure.said}", remedy)
    return LoopError(f"{where} failed before its first step (run {result.run_id}).", remedy)


def _was_interrupted(result: Any) -> bool:
    failures = (event for event in result.all_events if event.is_step_failure)
    return any(
        "DagsterExecutionInterruptedError" in text for event in failures for text in step_messages(event)
    )
