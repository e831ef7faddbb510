"""The drawing of faults, and what is counted after each of them."""

from collections import Counter

from catalyst_assets.bench.chaos.faults import Fault, Injected
from catalyst_assets.bench.chaos.figures import FaultFigures, Work, figures
from catalyst_assets.bench.chaos.measure import draw_faults


def test_each_fault_comes_as_often_as_any_other_and_a_seed_repeats_itself() -> None:
    drawn = draw_faults(30, 7, list(Fault))
    assert Counter(one.fault for one in drawn) == dict.fromkeys(Fault, 3)
    assert drawn == draw_faults(30, 7, list(Fault))
    assert drawn != draw_faults(30, 8, list(Fault))


def test_a_fault_is_charged_with_what_happened_until_the_next_one() -> None:
    injected = [
        Injected(Fault.CHILD_KILLED, 0, at=100.0, taken_again=0, note=""),
        Injected(Fault.RUN_KILLED, 1, at=200.0, taken_again=1, note=""),
        Injected(Fault.CHILD_KILLED, 2, at=300.0, taken_again=1, note=""),
    ]
    work = Work(
        # The step that was under way at a fault says nothing of when work went on.
        done=[(99.0, 101.0), (103.0, 105.0), (231.0, 240.0), (302.0, 303.0)],
        again=[235.0, 236.0],
        taken_again=3,
        failed=[(230.0, "Process 7 ended before its run did.")],
        unfinished=[],
    )
    assert figures(injected, work) == [
        FaultFigures(Fault.CHILD_KILLED, 2, 4.0, 5.0, steps_again=3, failed_runs=0, reasons=[]),
        FaultFigures(Fault.RUN_KILLED, 1, 40.0, 40.0, 2, 1, reasons=["Process 7 ended before its run did."]),
    ]
