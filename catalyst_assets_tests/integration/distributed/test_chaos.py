"""A campaign on Celery with a fault in each iteration ends as one that nothing disturbs."""

import pytest

from catalyst_assets.bench.chaos.faults import Fault
from catalyst_assets.bench.chaos.measure import measure_chaos
from catalyst_assets_tests.integration.distributed.workers import require_redis

# Its three faults need neither the reaper's half minute nor a disk of their own.
SEED = 299


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_campaign_with_a_fault_in_each_iteration_ends_as_an_undisturbed_one() -> None:
    require_redis()
    report = measure_chaos(3, SEED)
    assert report.differing == []
    assert report.unfinished_runs == []
    assert report.leftovers == []
    assert {one.fault for one in report.faults} == {
        Fault.POSTGRES_KILLED,
        Fault.REDIS_KILLED,
        Fault.CHILD_KILLED,
    }
    # 40 candidates are predicted in each iteration.
    assert report.rows_compared > 3 * 40
    assert all(reason for one in report.faults for reason in one.reasons)
