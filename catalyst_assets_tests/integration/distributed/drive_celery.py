"""A process that drives a small campaign to its end under the executor that its environment names.

Run as ``python -m catalyst_assets_tests.integration.distributed.drive_celery``.
"""

import os

import dagster as dg

from catalyst_assets.commands.driver import LoopDriver
from catalyst_assets.loop.campaigns import start_campaign
from catalyst_assets.loop.jobs import PREPARATION_JOB
from catalyst_assets_tests.integration.loop.loop_process import CAMPAIGN
from resources.dagster_instance import prepare_dagster_home
from resources.platform import Platform
from resources.postgres.connection import connect
from resources.settings import get_settings, load_settings


def main() -> None:
    settings = load_settings()
    with connect(settings, upgrade=True) as database:
        os.environ.update(prepare_dagster_home(settings, database))
        get_settings.cache_clear()
        with dg.DagsterInstance.get() as instance:
            driver = LoopDriver(Platform(settings, database), instance)
            driver.execute(PREPARATION_JOB)
            start_campaign(database, CAMPAIGN)
            driver.drive(CAMPAIGN.name)


if __name__ == "__main__":
    main()
