"""What becomes of a step that was handed over: the judgement of a run over the lease of one of its steps."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from resources.distributed.leases import MOST_TAKES, holder_is_dead
from resources.postgres.database import Row

# Queues may be long: what merely waits is handed over again after growing pauses, in case its message was lost.
_FIRST_PAUSE_SECONDS: Final = 3.0
_LONGEST_PAUSE_SECONDS: Final = 600.0
_LOST_AFTER_SECONDS: Final = 20.0
# What a step says last may be read a moment after its lease has ended.
_SETTLING_SECONDS: Final = 15.0


class Act(StrEnum):
    """What is done about a step."""

    WAIT = "wait"
    SUBMIT = "submit"
    FAIL = "fail"


@dataclass(frozen=True)
class Judgement:
    """What is done about a step, and why."""

    act: Act
    reason: str = ""


_WAIT: Final = Judgement(Act.WAIT)


def judge(lease: Row, silence_s: float, abandoned_s: float | None, patience_s: float) -> Judgement:
    """Judge a step whose end the run has not heard of.

    Parameters
    ----------
    lease
        Its row.
    silence_s
        How long a holder may be silent.
    abandoned_s
        For how long no worker has taken from its queue, as far as is known; None while one does.
    patience_s
        How long a step waits for a worker.
    """
    if lease["ended_s"] is not None:
        late = lease["ended_s"] > _SETTLING_SECONDS
        return Judgement(Act.FAIL, "it ended without saying how") if late else _WAIT
    if lease["holder"] is not None:
        if holder_is_dead(lease):
            return _again(lease, f"process {lease['pid']} on {lease['host']} ended before it did")
        if lease["silent_s"] > silence_s:
            return _again(lease, f"no beat from {lease['host']} for {lease['silent_s']:.0f} s")
        return _WAIT
    if lease["problem"] is not None:
        return _again(lease, lease["problem"])
    if abandoned_s is not None and abandoned_s > patience_s:
        return Judgement(Act.FAIL, f"no worker takes from the queue {lease['queue']}")
    if lease["waited_s"] > max(_LOST_AFTER_SECONDS, _pause(lease)):
        return Judgement(Act.SUBMIT, "nobody has taken it")
    return _WAIT


def _again(lease: Row, reason: str) -> Judgement:
    if lease["takes"] >= MOST_TAKES:
        return Judgement(Act.FAIL, f"tried {lease['takes']} times: {reason}")
    return Judgement(Act.SUBMIT, reason) if lease["waited_s"] > _pause(lease) else _WAIT


def _pause(lease: Row) -> float:
    return float(min(_FIRST_PAUSE_SECONDS * 2.0 ** (lease["submissions"] - 1), _LONGEST_PAUSE_SECONDS))
