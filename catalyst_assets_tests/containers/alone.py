"""The same campaign in one process, its objects in a folder and its database on board."""

from pathlib import Path

import dagster as dg

from catalyst_assets.campaigns.library import load_campaign
from catalyst_assets.commands.driver import LoopDriver
from catalyst_assets.loop.campaigns import start_campaign
from catalyst_assets.loop.jobs import PREPARATION_JOB
from resources.platform import Platform
from resources.postgres.connection import connect
from resources.settings import load_settings

RANKINGS = "SELECT partition_key || ' ' || ranking_sha256 FROM rankings ORDER BY 1"


def rankings_alone(home: Path, campaign_file: Path) -> list[str]:
    """Drive a campaign to its end, and return the hash of each iteration's ranking."""
    settings, campaign = load_settings(home=home), load_campaign(campaign_file)
    with connect(settings, upgrade=True) as database, dg.DagsterInstance.ephemeral() as instance:
        driver = LoopDriver(Platform(settings, database), instance)
        driver.execute(PREPARATION_JOB)
        start_campaign(database, campaign)
        driver.drive(campaign.name)
        with database.transaction() as connection:
            return list(connection.exec_driver_sql(RANKINGS).scalars())
