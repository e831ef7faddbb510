"""What a calculation came to, from how its process ended and what it left: one pure reading of its folder."""

import signal
from typing import TYPE_CHECKING, Final

from catalyst_assets.validation.jobs.answers import Finding, read_result
from catalyst_assets.validation.jobs.folder import RESULT, End, JobFolder, State

if TYPE_CHECKING:
    from catalyst_assets.validation.jobs.records import Job

_GIB: Final = 1024**3


def conclude(folder: JobFolder, job: "Job", state: State) -> Finding:
    """Return what an attempt that is over came to.

    A process that died is worth a second attempt; one that broke a limit, or wrote what cannot be understood, is not.
    """
    result = read_result(folder.file(RESULT), job.method, job.properties)
    end = folder.end() if state is State.ENDED else None
    if end is None:
        return result or _died("its process was killed or its computer restarted", folder)
    if end.how != "exited":
        return _cut_short(end, folder)
    if end.status == 0:
        return result or _died("it ended without a result.json", folder)
    if result is not None and result.outcome == "failed":
        return result
    wrote = " after it had written a result, which is not taken" if result is not None else ""
    return _died(f"it {_manner(end)}{wrote}", folder)


def _cut_short(end: End, folder: JobFolder) -> Finding:
    hours = end.seconds / 3600
    match end.how:
        case "wall_time":
            reason = f"it was ended after {hours:.3g} h, the time it may take (CATALYST_DFT_WALL_TIME)"
        case "memory":
            reason = (
                f"it was ended when it used {end.peak_memory_bytes / _GIB:.3g} GiB of memory, more than it may "
                "(CATALYST_DFT_MEMORY)"
            )
        case "log_size":
            reason = "it was ended because its log had grown beyond 2 GiB"
        case "not_started":
            reason = f"its program could not be started: {end.said.strip(': ')}"
        case "cancelled":
            reason = "it was cancelled"
        case _:
            return _died("its computer asked it to end", folder)
    said = "" if end.how == "not_started" else _said(folder)
    return Finding("failed", reason=reason + said)


def _died(what: str, folder: JobFolder) -> Finding:
    return Finding("failed", reason=what + _said(folder), try_again=True)


def _said(folder: JobFolder) -> str:
    said = folder.log_tail()
    return f"; the last it said: {said}" if said != "no output" else "; it said nothing"


def _manner(end: End) -> str:
    status = end.status or 0
    if status < 0:
        try:
            name = signal.Signals(-status).name
        except ValueError:
            name = f"signal {-status}"
        return f"was ended by {name}"
    return f"ended with status {status}"
