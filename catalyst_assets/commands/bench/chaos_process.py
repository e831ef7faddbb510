"""A process of a chaos run: loads the shipped set into a home of its own and starts a campaign, its argument.

In process it drives the campaign to its end. On Celery it then runs what `catalyst up` runs, without pages; a second
worker takes from `predict`, so that another is there where one is stopped.
"""

import dataclasses
import os
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

import dagster as dg

from catalyst_assets.bench.chaos.installation import READY
from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.commands.driver import LoopDriver
from catalyst_assets.loop.campaigns import start_campaign
from catalyst_assets.loop.jobs import PREPARATION_JOB
from resources.dagster_instance import guard_finished_runs, limit_pools, prepare_dagster_home
from resources.platform import Platform
from resources.postgres.connection import connect
from resources.postgres.embedded import EmbeddedPostgres
from resources.services import describe_services, equip_services
from resources.settings import get_settings, load_settings
from resources.supervisor import Service, Supervisor

if TYPE_CHECKING:
    from resources.postgres.database import Database
    from resources.settings import Settings

_WANTED: Final = ("redis", "worker-ingest", "worker-predict", "worker-validate", "dagster-daemon")
_TWICE: Final = "worker-predict"


def main() -> None:
    """Return when the campaign is finished, or after a signal."""
    settings = load_settings()
    campaign = Campaign.model_validate_json(sys.argv[1])
    with ExitStack() as stack:
        server = stack.enter_context(EmbeddedPostgres(settings.home))
        database = stack.enter_context(connect(settings, upgrade=True))
        os.environ.update(prepare_dagster_home(settings, database))
        get_settings.cache_clear()
        with dg.DagsterInstance.get() as instance:
            guard_finished_runs(database)
            limit_pools(instance, settings)
            here = settings.model_copy(update={"executor": "in_process"})
            driver = LoopDriver(Platform(here, database), instance)
            driver.execute(PREPARATION_JOB)
            start_campaign(database, campaign)
            if settings.executor == "in_process":
                driver.drive(campaign.name)
                return
        Supervisor(
            _services(settings, database),
            settings.home / "logs",
            settings.dagster_home,
            checks=[server.ensure_running],
            report=_say,
        ).run(when_ready=lambda: _say(READY))


def _services(settings: "Settings", database: "Database") -> list[Service]:
    wanted = [service for service in describe_services(settings) if service.name in _WANTED]
    equipped = equip_services(wanted, settings, database)
    second = [
        dataclasses.replace(service, name=f"{_TWICE}-2") for service in equipped if service.name == _TWICE
    ]
    return equipped + second


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
