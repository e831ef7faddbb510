"""What follows from materials is requested when it is outstanding, and only then."""

from pathlib import Path

import dagster as dg
import pytest

from catalyst_assets.build import build_defs
from catalyst_assets.commands.driver import LoopDriver
from catalyst_assets.errors import LoopError
from catalyst_assets.ingestion.sources.jobs import REPARSE_JOB
from catalyst_assets.loop.jobs import FOLLOWERS
from catalyst_assets.loop.state import FEATURES_JOB
from catalyst_assets_tests.growing import ingest, write_enumeration
from resources.platform import Platform
from resources.postgres.database import Role


class Automation:
    """The sensor's evaluations, one after another."""

    def __init__(self, platform: Platform, instance: dg.DagsterInstance) -> None:
        self._definitions = build_defs(platform=platform)
        self._instance = instance
        self._cursor = None

    def requested(self) -> set[str]:
        result = dg.evaluate_automation_conditions(
            defs=self._definitions,
            instance=self._instance,
            asset_selection=dg.AssetSelection.assets(*FOLLOWERS),
            cursor=self._cursor,
        )
        self._cursor = result.cursor
        return {one.key.to_user_string() for one in result.results if not one.true_subset.is_empty}


@pytest.fixture
def driver(platform: Platform, dagster_instance: dg.DagsterInstance, own_environment: None) -> LoopDriver:
    return LoopDriver(platform, dagster_instance)


@pytest.fixture
def automation(driver: LoopDriver) -> Automation:
    return Automation(driver.platform, driver.instance)


def test_features_follow_what_a_command_loaded_before_anybody_looked(
    driver: LoopDriver, automation: Automation, tmp_path: Path
) -> None:
    assert automation.requested() == set()

    ingest(driver, write_enumeration(tmp_path, ["Sr", "Ba"], ["Ti"]))

    # the job derived what else follows
    assert automation.requested() == {"backbone", "structure_embeddings"}
    run = driver.instance.get_run_by_id(driver.execute(FEATURES_JOB))
    # so that the UI shows it under its job
    assert run is not None
    assert run.remote_job_origin is not None
    assert (run.remote_job_origin.location_name, run.job_name) == ("catalyst_assets", FEATURES_JOB)
    assert automation.requested() == set()

    ingest(driver, write_enumeration(tmp_path, ["Sr", "Ba"], ["Ti"]))
    assert automation.requested() == set()
    ingest(driver, write_enumeration(tmp_path, ["Sr", "Ba", "Ca"], ["Ti"]))
    assert automation.requested() == {"structure_embeddings"}


def test_nothing_follows_materials_that_a_blocking_check_refuses(
    driver: LoopDriver, automation: Automation, tmp_path: Path
) -> None:
    ingest(driver, write_enumeration(tmp_path, ["Sr"], ["Ti"]))
    with driver.platform.database.transaction(Role.OWNER) as connection:
        connection.exec_driver_sql("DELETE FROM material_sources")
    with pytest.raises(LoopError, match="every_source_row_is_accounted_for"):
        driver.execute(REPARSE_JOB)

    assert automation.requested() == set()
