"""What a run does about a step whose end it has not heard of, and to which queue a step goes."""

import socket

import psutil
import pytest

from catalyst_assets.constants import FINE_TUNES_TAG, Accelerator, Work, op_tags
from resources.distributed.asking import gpu_is_served
from resources.distributed.executor import queue_of
from resources.distributed.leases import MOST_TAKES
from resources.distributed.watch import Act, judge
from resources.settings import load_settings

SILENCE, PATIENCE = 60.0, 600.0


def lease(**changes: object) -> dict[str, object]:
    """A step that has just been handed over."""
    waiting = {
        "queue": "predict", "submissions": 1, "waited_s": 1.0, "takes": 0, "problem": None, "ended_s": None,
        "holder": None, "host": None, "pid": None, "process_started": None, "silent_s": None,
    }  # fmt: skip
    return waiting | changes


def held(**changes: object) -> dict[str, object]:
    """A step that this process does."""
    me = psutil.Process()
    by_me = {"holder": "h", "host": socket.gethostname(), "pid": me.pid, "process_started": me.create_time()}
    return lease(takes=1, silent_s=1.0, waited_s=100.0) | by_me | changes


@pytest.mark.parametrize(
    ("row", "abandoned_s", "act", "reason"),
    [
        (lease(), None, Act.WAIT, ""),
        (lease(waited_s=21.0), None, Act.SUBMIT, "nobody has taken it"),
        # The longer it waits, the longer the pauses: a queue may simply be long.
        (lease(waited_s=21.0, submissions=5), None, Act.WAIT, ""),
        (lease(waited_s=599.0, submissions=30), None, Act.WAIT, ""),
        (lease(waited_s=601.0, submissions=30), None, Act.SUBMIT, "nobody has taken it"),
        (lease(waited_s=1.0), 599.0, Act.WAIT, ""),
        (lease(waited_s=1.0), 601.0, Act.FAIL, "no worker takes from the queue predict"),
        (held(), None, Act.WAIT, ""),
        (held(silent_s=59.0), None, Act.WAIT, ""),
        (held(silent_s=61.0), None, Act.SUBMIT, f"no beat from {socket.gethostname()} for 61 s"),
        (held(silent_s=61.0, waited_s=1.0), None, Act.WAIT, ""),
        (held(silent_s=61.0, takes=MOST_TAKES), None, Act.FAIL, "tried 3 times: no beat from"),
        (held(process_started=1.0), None, Act.SUBMIT, "process "),
        # Elsewhere only its silence tells that a process is gone.
        (held(process_started=1.0, host="elsewhere"), None, Act.WAIT, ""),
        (held(process_started=1.0, host="elsewhere", silent_s=61.0), None, Act.SUBMIT, "no beat from elsewhere"),
        (lease(problem="disk full", takes=1, waited_s=4.0), None, Act.SUBMIT, "disk full"),
        (lease(problem="disk full", takes=MOST_TAKES, waited_s=4.0), None, Act.FAIL, "tried 3 times: disk full"),
        (lease(ended_s=1.0, takes=1), None, Act.WAIT, ""),
        (lease(ended_s=16.0, takes=1), None, Act.FAIL, "it ended without saying how"),
    ],
)  # fmt: skip
def test_a_step_is_waited_for_handed_over_again_or_given_up(
    row: dict[str, object], abandoned_s: float | None, act: Act, reason: str
) -> None:
    judgement = judge(row, SILENCE, abandoned_s, PATIENCE)
    assert judgement.act is act
    assert judgement.reason.startswith(reason)
    assert bool(judgement.reason) is (act is not Act.WAIT)


@pytest.mark.parametrize(
    ("work", "run_tags", "without", "with_gpu"),
    [
        (Work.EMBED, {}, "predict", "gpu"),
        (Work.TRAIN, {}, "predict", "predict"),
        (Work.TRAIN, {FINE_TUNES_TAG: "true"}, "predict", "gpu"),
        (Work.PREDICT, {FINE_TUNES_TAG: "true"}, "predict", "gpu"),
        (Work.PREDICT, {}, "predict", "predict"),
        (Work.RANK, {FINE_TUNES_TAG: "true"}, "predict", "predict"),
        (Work.BACKBONE, {}, "gpu", "gpu"),
        (Work.PARSE, {}, "ingest", "ingest"),
        (None, {}, "validate", "validate"),
    ],
)
def test_what_gains_from_a_gpu_goes_to_its_queue_where_there_is_one(
    work: Work | None, run_tags: dict[str, str], without: str, with_gpu: str
) -> None:
    tags = {} if work is None else op_tags(work)
    assert queue_of(tags, run_tags, lambda: False) == without
    assert queue_of(tags, run_tags, lambda: True) == with_gpu


@pytest.mark.parametrize(
    ("accelerator", "visible", "is_served"),
    [("auto", "GPU-aa", True), ("cpu", "GPU-aa", False), ("gpu", "", True)],
)
def test_a_gpu_of_this_host_counts_unless_it_is_not_wanted(
    accelerator: Accelerator, visible: str, is_served: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert gpu_is_served(load_settings(accelerator=accelerator)) is is_served
