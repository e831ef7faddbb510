"""A process that drives a campaign to its end, in the installation and with the words that the environment names.

Run as ``python -m catalyst_assets_tests.integration.campaigns.drive_process NAME``.
"""

import os
import sys

import dagster as dg

from catalyst_assets.commands.driver import LoopDriver
from catalyst_assets.loop.jobs import PREPARATION_JOB
from resources.dagster_instance import prepare_dagster_home
from resources.platform import Platform
from resources.postgres.connection import connect
from resources.settings import get_settings, load_settings


def main(name: str) -> None:
    settings = load_settings()
    with connect(settings, upgrade=True) as database:
        os.environ.update(prepare_dagster_home(settings, database))
        get_settings.cache_clear()
        with dg.DagsterInstance.get() as instance:
            driver = LoopDriver(Platform(settings, database), instance)
            driver.execute(PREPARATION_JOB)
            driver.drive(name)


if __name__ == "__main__":
    main(sys.argv[1])
