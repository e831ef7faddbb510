"""The run launcher: the daemon forks each run from a process that has imported everything already.

A process that has not warmed up launches as Dagster's own launcher does: as a new interpreter, seconds each time.
"""

import contextlib
import multiprocessing
import os
import sys
from multiprocessing.forkserver import ensure_running
from typing import TYPE_CHECKING, Any, Final

import psutil
from dagster import DefaultRunLauncher
from dagster._core.code_pointer import ModuleCodePointer
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import serialize_value

from catalyst_assets.constants import CODE_LOCATION
from resources.runs.process import ASKED_TAG, HOST_TAG, interrupt, names_process_here, process_tags

if TYPE_CHECKING:
    from dagster._core.launcher.base import LaunchRunContext
    from dagster._core.origin import JobPythonOrigin

_PRELOAD: Final = "resources.runs.preload"

_forks: Any = None


def warm_up() -> None:
    """Let this process fork the runs that it launches, and start what they are forked from, without waiting for it."""
    global _forks
    _forks = multiprocessing.get_context("forkserver")
    _forks.set_forkserver_preload([_PRELOAD])
    ensure_running()


class WarmRunLauncher(DefaultRunLauncher):
    """Launches runs as forks of a warm process where there is one."""

    def launch_run(self, context: "LaunchRunContext") -> None:
        """Start the process of a run."""
        run = context.dagster_run
        origin = run.job_code_origin
        if _forks is None or origin is None or not _is_preloaded(origin):
            super().launch_run(context)
            return
        task = ExecuteRunArgs(job_origin=origin, run_id=run.run_id, instance_ref=self._instance.get_ref())
        process = _forks.Process(target=_execute, args=(serialize_value(task),), name=f"run-{run.run_id}")
        process.start()
        with contextlib.suppress(psutil.NoSuchProcess):  # it may have done its work already
            self._instance.add_run_tags(run.run_id, process_tags(process.pid))
        self._run_ids.add(run.run_id)

    def terminate(self, run_id: str) -> bool:
        """Ask a run's process to end; False when there is none.

        One on another host sees it at its next beat; if it is dead, Dagster's monitoring ends its run.
        """
        run = self._instance.get_run_by_id(run_id) if self.has_instance else None
        if run is None or run.is_finished or HOST_TAG not in run.tags:
            return bool(super().terminate(run_id))  # type: ignore[no-untyped-call]
        if names_process_here(run.tags):
            self._instance.report_run_canceling(run)
            return interrupt(run.tags)
        self._instance.add_run_tags(run_id, {ASKED_TAG: run.tags[HOST_TAG]})
        self._instance.report_run_canceling(run)
        return True


def _is_preloaded(origin: "JobPythonOrigin") -> bool:
    pointer = origin.repository_origin.code_pointer
    return isinstance(pointer, ModuleCodePointer) and pointer.module == CODE_LOCATION


def _execute(task: str) -> None:
    """Execute a run in this process, forked a moment ago; as a new interpreter if the code is another by now."""
    from dagster._cli.api import execute_run_command

    from resources.runs.preload import code_has_changed

    if code_has_changed():
        os.execv(sys.executable, [sys.executable, "-m", "dagster", "api", "execute_run", task])  # noqa: S606
    execute_run_command.main([task], standalone_mode=False)
