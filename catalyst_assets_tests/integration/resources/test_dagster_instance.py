import subprocess
import sys

import dagster as dg

from catalyst_assets.constants import Executor
from resources.dagster_instance import limit_pools
from resources.settings import load_settings


def test_runs_are_kept_in_postgresql(dagster_instance: dg.DagsterInstance) -> None:
    @dg.asset
    def numbers() -> int:
        return 1

    result = dg.materialize([numbers], instance=dagster_instance)
    found = dagster_instance.get_run_by_id(result.run_id)
    assert found is not None
    assert found.status is dg.DagsterRunStatus.SUCCESS
    assert "Postgres" in type(dagster_instance.run_storage).__name__


def test_another_process_anywhere_opens_the_same_instance(dagster_instance: dg.DagsterInstance) -> None:
    dagster_instance.add_dynamic_partitions("al_iteration", ["demo__0000"])
    program = "import dagster as dg; print(dg.DagsterInstance.get().get_dynamic_partitions('al_iteration'))"
    output = subprocess.run(
        [sys.executable, "-c", program], cwd="/", capture_output=True, text=True, check=True
    )
    assert output.stdout.strip() == "['demo__0000']"


def test_cancelled_runs_give_their_slots_back_and_a_campaign_has_one_run(
    dagster_instance: dg.DagsterInstance,
) -> None:
    assert dagster_instance.run_monitoring_settings["free_slots_after_run_end_seconds"] == 60
    concurrency = dagster_instance.get_concurrency_config()
    limits = concurrency.run_queue_config.tag_concurrency_limits
    assert limits == [{"key": "catalyst/campaign", "value": {"applyLimitPerUniqueValue": True}, "limit": 1}]
    assert not dagster_instance.telemetry_enabled


def test_workers_bound_what_is_done_at_a_time_and_a_persons_limit_stays(
    dagster_instance: dg.DagsterInstance,
) -> None:
    storage = dagster_instance.event_log_storage

    def slots(executor: Executor) -> dict[str, int]:
        limit_pools(dagster_instance, load_settings(executor=executor, dft_jobs=3))
        pools = ("gpu", "dft", "ingest", "predict")
        for pool in set(pools) - {limit.name for limit in storage.get_pool_limits()}:
            storage.initialize_concurrency_limit_to_default(pool)
        return {pool: storage.get_concurrency_info(pool).slot_count for pool in pools}

    alone = {"gpu": 1, "dft": 3, "ingest": 4, "predict": 4}
    assert slots("in_process") == alone
    assert slots("celery") == {"gpu": 256, "dft": 3, "ingest": 256, "predict": 256}
    assert slots("multiprocess") == alone
    storage.set_concurrency_slots("predict", 7)
    assert slots("celery")["predict"] == 7
    assert slots("in_process") == alone | {"predict": 7}
