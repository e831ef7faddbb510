"""What a chaos run comes to: per fault, how long until work went on, what was done again, and which runs failed why."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from catalyst_assets.bench.chaos.faults import Fault, Injected
from catalyst_assets.constants import PARTITION_TAG

if TYPE_CHECKING:
    from dagster import DagsterRun

    from catalyst_assets.bench.chaos.installation import Installation


@dataclass(frozen=True)
class FaultFigures:
    """What faults of one kind did.

    Attributes
    ----------
    times
        How often it was put in.
    median_s, longest_s
        From the fault until a step that began after it was done; None where it was the last that happened.
    steps_again
        Steps that another process took over, or another run began once more.
    failed_runs
        Runs that ended as failed; the loop asked for each again.
    reasons
        What those said, each once.
    """

    fault: str
    times: int
    median_s: float | None
    longest_s: float | None
    steps_again: int
    failed_runs: int
    reasons: list[str]


@dataclass(frozen=True)
class Work:
    """What the runs of a campaign did, by Dagster's own records; times in seconds since the epoch.

    Attributes
    ----------
    done
        When each step that was done began and was done.
    again
        When a run began a step that an earlier one had begun.
    taken_again
        How often a step was taken from a worker that had it.
    failed
        When each failed run ended, and why.
    unfinished
        Runs that have not ended.
    """

    done: list[tuple[float, float]]
    again: list[float]
    taken_again: int
    failed: list[tuple[float, str]]
    unfinished: list[str]


def read_work(installation: "Installation") -> Work:
    """Read what the runs of an installation's campaign did."""
    import dagster as dg

    from catalyst_assets.loop.failures import explain_run

    work = Work([], [], installation.progress()["n_taken_again"], [], [])
    known: dict[tuple[str, str, str], str] = {}
    for run in reversed(installation.runs()):
        _read_steps(installation, run, work, known)
        if not run.is_finished:
            work.unfinished.append(run.run_id)
        elif run.status is not dg.DagsterRunStatus.SUCCESS:
            record = installation.instance.get_run_record_by_id(run.run_id)
            ended = 0.0 if record is None else record.end_time or record.update_timestamp.timestamp()
            work.failed.append((ended, explain_run(installation.instance, run.run_id)))
    return work


def _read_steps(
    installation: "Installation", run: "DagsterRun", work: Work, known: dict[tuple[str, str, str], str]
) -> None:
    import dagster as dg

    kinds = {dg.DagsterEventType.STEP_START, dg.DagsterEventType.STEP_SUCCESS}
    began: dict[str, float] = {}
    for entry in installation.instance.all_logs(run.run_id, of_type=kinds):
        event, step_key = entry.dagster_event, entry.step_key or ""
        if event is not None and event.is_step_start:
            began[step_key] = entry.timestamp
            step = (run.job_name, run.tags.get(PARTITION_TAG, ""), step_key)
            if known.setdefault(step, run.run_id) != run.run_id:
                work.again.append(entry.timestamp)
        elif step_key in began:
            work.done.append((began[step_key], entry.timestamp))


def figures(injected: Sequence[Injected], work: Work) -> list[FaultFigures]:
    """Sum up what happened after each fault, until the next one, by kind of fault."""
    ends = [*((one.at, one.taken_again) for one in injected[1:]), (float("inf"), work.taken_again)]
    windows = list(zip(injected, ends, strict=True))
    found = []
    for fault in Fault:
        mine = [(one.at, end) for one, (end, _) in windows if one.fault is fault]
        taken = sum(later - one.taken_again for one, (_, later) in windows if one.fault is fault)
        if not mine:
            continue
        waits = [wait for start, _ in mine if (wait := _until_on(start, work)) is not None]
        failed = [why for at, why in work.failed if any(start <= at < end for start, end in mine)]
        found.append(
            FaultFigures(
                fault=fault.value,
                times=len(mine),
                median_s=round(median(waits), 1) if waits else None,
                longest_s=round(max(waits), 1) if waits else None,
                steps_again=taken + sum(start <= at < end for at in work.again for start, end in mine),
                failed_runs=len(failed),
                reasons=sorted(set(failed)),
            )
        )
    return found


def _until_on(start: float, work: Work) -> float | None:
    return min((ended - start for began, ended in work.done if began > start), default=None)
