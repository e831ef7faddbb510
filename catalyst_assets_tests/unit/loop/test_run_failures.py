"""Why a run failed is said in a sentence, also where no step began."""

import dagster as dg

from catalyst_assets.loop.failures import explain_events


def failing(resource_message: str = "", step_message: str = "") -> dg.ExecuteInProcessResult:
    @dg.resource
    def store() -> None:
        if resource_message:
            raise ValueError(resource_message)

    @dg.op(required_resource_keys={"store"})
    def read() -> None:
        raise RuntimeError(step_message)

    @dg.job(resource_defs={"store": store})
    def reading() -> None:
        read()

    return reading.execute_in_process(raise_on_error=False)


def test_what_stopped_a_run_before_its_first_step_is_said() -> None:
    failure = explain_events(failing(resource_message="no such place\nsecond line").all_events)

    assert failure is not None
    assert failure.said == "failed before its first step: ValueError: no such place"
    assert failure.error is None


def test_the_step_that_failed_is_named() -> None:
    failure = explain_events(failing(step_message="out of tea").all_events)

    assert failure is not None
    assert failure.said == "failed in read: RuntimeError: out of tea"
